import { expect, it } from 'vitest'
import { pgWorlds } from './pg-worlds.js'
import { prove, timeOf } from './prove.js'

const SECONDS = 40

it(
  'answers as an uncached database would, whatever is asked and written (PostgreSQL)',
  async () => {
    const tally = await prove(() => pgWorlds(), { steps: 60, seconds: SECONDS })
    expect(tally.hitShare).toBeGreaterThan(0.15)
    expect(tally.survivors).toBeGreaterThan(0.2)
  },
  timeOf(SECONDS),
)
