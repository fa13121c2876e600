import type { Pool, QueryResult } from 'pg'
import { type Operation, operations, perform } from '../blog.js'
import type { Bench, Cached } from '../environment.js'
import type { Figure, Measurement } from '../figure.js'
import { compare, shown } from '../rounds.js'

const WARM_UP = 15_000
const MEASURED = 15_000
const ROUNDS = 30
const SEED = 20_240_101
/** django-cacheops 7.2 and insideout had it on this workload. */
const HIT_RATE_TO_BEAT = 80.4

/** The blog workload: how much of it hits, how much faster it is, and how precisely writes drop. */
export const blog: Figure = {
  name: 'blog',
  measures: ['blog-hit-rate', 'blog-operations', 'blog-precision'],
  async run(bench) {
    const all = operations(WARM_UP + MEASURED, SEED)
    return [...(await speed(bench, all)), await precision(bench, all)]
  },
}

async function run(pool: Pool, cached: Cached | undefined, operation: Operation): Promise<QueryResult> {
  return perform(pool, operation, cached && ((query) => cached.cacheops.nocache(query)))
}

/** The same operations with the cache and without, each on a database of its own, turn about. */
async function speed(bench: Bench, all: readonly Operation[]): Promise<readonly Measurement[]> {
  const cached = await bench.cached(await bench.blog('blog_cached'))
  const plain = bench.pool(await bench.blog('blog_plain'))
  const size = MEASURED / ROUNDS
  const warmUp = WARM_UP / size
  let atStart = { hits: 0, misses: 0 }
  const part = (round: number): readonly Operation[] => all.slice(round * size, (round + 1) * size)
  const result = await compare({
    a: async (round) => {
      for (const operation of part(round)) await run(plain, undefined, operation)
    },
    b: async (round) => {
      if (round === warmUp) atStart = await cached.cacheops.stats()
      for (const operation of part(round)) await run(cached.pool, cached, operation)
    },
    operations: size,
    warmUp,
    rounds: ROUNDS,
    meter: 'time',
  })
  const { hits, misses, store } = await cached.cacheops.stats()
  const read = hits - atStart.hits + (misses - atStart.misses)
  const hitRate = ((hits - atStart.hits) / read) * 100
  if (store && store.evictions > 0) throw new Error('blog: entries were evicted')
  return [
    {
      name: 'blog-hit-rate',
      value: hitRate,
      unit: '%',
      target: HIT_RATE_TO_BEAT,
      higherIsBetter: true,
      note: `of ${read} cached reads; django-cacheops and insideout ${HIT_RATE_TO_BEAT} %`,
    },
    {
      name: 'blog-operations',
      value: result.ratio,
      unit: 'x',
      higherIsBetter: true,
      note: `uncached : cached, ${shown(result)}`,
    },
  ]
}

/** Of the entries that writes drop, the share that would have answered differently. */
async function precision(bench: Bench, all: readonly Operation[]): Promise<Measurement> {
  bench.tell('blog: precision')
  const cached = await bench.cached(await bench.blog('blog_precision'))
  const { cacheops, pool, store } = cached
  const held = new Map<string, { readonly operation: Operation; readonly rows: string }>()
  let key: string | undefined
  cacheops.on('read', (event) => {
    key = event.key
  })
  const tally = new Map<string, { dropped: number; changed: number }>()
  for (const [index, operation] of all.entries()) {
    key = undefined
    const { rows } = await run(pool, cached, operation)
    if (operation.kind === 'read') {
      if (key !== undefined) held.set(key, { operation, rows: JSON.stringify(rows) })
      continue
    }
    for (const entry of [...store.entries()]) {
      const before = entry.alive ? undefined : held.get(entry.key)
      if (before?.operation.kind !== 'read') continue
      held.delete(entry.key)
      if (index < WARM_UP) continue
      const now = await cacheops.nocache(() => run(pool, undefined, before.operation))
      const kind = before.operation.text
        .replace(/^SELECT count.*/s, 'counts')
        .replace(/^SELECT .*LIMIT.*/s, 'lists')
        .replace(/^SELECT .*/s, 'posts')
      const count = tally.get(kind) ?? { dropped: 0, changed: 0 }
      count.dropped++
      if (JSON.stringify(now.rows) !== before.rows) count.changed++
      tally.set(kind, count)
    }
  }
  const counts = [...tally.values()]
  const dropped = counts.reduce((sum, count) => sum + count.dropped, 0)
  const changed = counts.reduce((sum, count) => sum + count.changed, 0)
  const note = [...tally].map(([kind, count]) => `${kind} ${count.changed} of ${count.dropped}`).join(', ')
  return {
    name: 'blog-precision',
    value: (changed / dropped) * 100,
    unit: '%',
    higherIsBetter: true,
    note: `needed to go: ${note}`,
  }
}
