import { expect, it } from 'vitest'
import { inCluster, ordinary } from './runs.js'

it('A12: nothing is stale while nodes of a cluster fail', async () => {
  const { stale, hits } = await inCluster({ seed: 6, choose: ordinary })
  expect(stale).toEqual([])
  expect(hits).toBeGreaterThan(100)
}, 600_000)
