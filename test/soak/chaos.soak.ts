import { expect, it } from 'vitest'
import { inCluster, oneServer, some, underSentinel } from '../chaos/runs.js'
import { soakSeconds } from '../support/property.js'

const SECONDS = soakSeconds() ?? 60

it(
  'nothing is stale, whatever fails',
  async () => {
    const deadline = Date.now() + SECONDS * 1000
    const first = Number(process.env.CACHEOPS_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
    for (let seed = first; seed === first || Date.now() < deadline; seed += 100) {
      for (const [index, run] of [oneServer, underSentinel, oneServer, inCluster].entries()) {
        if (seed !== first && Date.now() > deadline) break
        const { stale } = await run({ seed: seed + index, choose: some(6) })
        expect(stale, `seed ${seed}`).toEqual([])
      }
    }
  },
  SECONDS * 1000 + 900_000,
)
