import type { Pool } from 'pg'
import { CATEGORIES, NEWEST_BEFORE, POST_BY_KEY, POSTS } from '../blog.js'
import type { Bench } from '../environment.js'
import type { Figure, Measurement } from '../figure.js'
import { reconnect } from '../reconnect.js'
import { compareCalls, shown } from '../rounds.js'

/** A miss against the uncached read: how long the caller waits. Every read has a key that was not read before. */
export const miss: Figure = {
  name: 'miss',
  measures: ['miss-one', 'miss-20'],
  async run(bench) {
    const keys = Array.from({ length: POSTS }, (_, index) => [1 + ((index * 7919) % POSTS)])
    // The later a post, the more are before it: 20 in its category need some 500.
    const before = Array.from({ length: POSTS - 1000 }, (_, index) => {
      const minute = 1000 + ((index * 7919) % (POSTS - 1000))
      return [1 + (index % CATEGORIES), new Date(Date.UTC(2024, 0, 1) + minute * 60_000)]
    })
    return [
      await measure(bench, 'miss-one', POST_BY_KEY, keys, { calls: 9_000, warmUp: 4_000 }),
      await measure(bench, 'miss-20', NEWEST_BEFORE, before, { calls: 5_000, warmUp: 2_000 }),
    ]
  },
}

async function measure(
  bench: Bench,
  name: string,
  text: string,
  values: readonly (readonly unknown[])[],
  size: { readonly calls: number; readonly warmUp: number },
): Promise<Measurement> {
  const url = await bench.blog('miss')
  const { pool, cacheops } = await bench.cached(url)
  const plain = bench.pool(url)
  // Both backends have met every page before.
  for (const each of [pool, plain]) {
    await cacheops.nocache(() => each.query('SELECT count(body), max(created) FROM blog_post'))
  }
  const read = (from: Pool) => (number: number) => from.query(text, values[number % values.length] as unknown[])
  const before = () => reconnect([pool, plain])
  const result = await compareCalls({ a: read(pool), b: read(plain), before, ...size })
  const { hits, misses } = await cacheops.stats()
  if (hits > 0 || misses !== size.calls + size.warmUp) throw new Error(`${name}: ${hits} hits`)
  return { name, value: result.ratio, unit: 'x', target: 1.15, higherIsBetter: false, note: shown(result) }
}
