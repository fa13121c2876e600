import { expect, it } from 'vitest'
import { oneServer, ordinary } from './runs.js'

it('A11, A12, A22, S7: nothing is stale while a server and the processes around it fail in every way', async () => {
  const { stale, hits } = await oneServer({ seed: 4, choose: ordinary })
  expect(stale).toEqual([])
  expect(hits).toBeGreaterThan(1000)
}, 600_000)
