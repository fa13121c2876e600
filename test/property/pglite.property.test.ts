import { expect, it } from 'vitest'
import { pgliteWorlds } from './pglite-worlds.js'
import { prove, timeOf } from './prove.js'

it(
  'answers as an uncached database would, whatever is asked and written (PGlite)',
  async () => {
    const tally = await prove(pgliteWorlds, { steps: 60, runs: 60 })
    expect(tally.hitShare).toBeGreaterThan(0.15)
    expect(tally.survivors).toBeGreaterThan(0.2)
  },
  timeOf(),
)
