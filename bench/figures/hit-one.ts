import type { Pool } from 'pg'
import { POST_BY_KEY } from '../blog.js'
import type { Figure } from '../figure.js'
import { compare, shown } from '../rounds.js'

const KEYS = 500
const OPERATIONS = 2_000

/** A hit of one row through `pool.query`, against pg's own `pool.query` of the same: the CPU that this process spends. */
export const hitOne: Figure = {
  name: 'hit-one',
  measures: ['hit-one'],
  async run(bench) {
    const url = await bench.blog('hit_one')
    const { pool, cacheops } = await bench.cached(url)
    const plain = bench.pool(url)
    const reads = (from: Pool) => async (round: number) => {
      for (let index = 0; index < OPERATIONS; index++) await from.query(POST_BY_KEY, [1 + ((index * 7 + round) % KEYS)])
    }
    for (let id = 1; id <= KEYS; id++) await pool.query(POST_BY_KEY, [id])
    const before = await cacheops.stats()
    const result = await compare({
      a: reads(pool),
      b: reads(plain),
      operations: OPERATIONS,
      warmUp: 6,
      rounds: 24,
      meter: 'cpu',
      collect: true,
    })
    const after = await cacheops.stats()
    if (after.misses !== before.misses) throw new Error('hit-one: there was a miss among the hits')
    return [
      { name: 'hit-one', value: result.ratio, unit: 'x', target: 0.25, higherIsBetter: false, note: shown(result) },
    ]
  },
}
