import { expect, it } from 'vitest'
import { pgWorlds } from './pg-worlds.js'
import { prove, timeOf } from './prove.js'

it(
  'answers as an uncached database would, whatever is asked and written (PostgreSQL)',
  async () => {
    const tally = await prove(() => pgWorlds(), { steps: 60, runs: 120 })
    expect(tally.hitShare).toBeGreaterThan(0.15)
    expect(tally.survivors).toBeGreaterThan(0.2)
  },
  timeOf(),
)
