import { expect, it } from 'vitest'
import { ordinary, underSentinel } from './runs.js'

it('A12: nothing is stale while masters fail over under sentinel', async () => {
  const { stale, hits } = await underSentinel({ seed: 5, choose: ordinary })
  expect(stale).toEqual([])
  expect(hits).toBeGreaterThan(100)
}, 600_000)
