import { Redis } from 'ioredis'
import type { Pool } from 'pg'
import { POST_BY_KEY } from '../blog.js'
import type { Bench } from '../environment.js'
import type { Figure, Measurement } from '../figure.js'
import { compare, compareCalls, shown } from '../rounds.js'

const KEYS = 500
const OPERATIONS = 2_000

/** A hit through `pool.query` over Redis, against what no cache in Redis can do without; and one that is kept in the process. */
export const redisHit: Figure = {
  name: 'redis-hit',
  measures: ['redis-hit', 'redis-local-hit'],
  async run(bench) {
    return [await overRedis(bench), await local(bench)]
  },
}

/** Against a bare MGET of the same keys by the same client, and `JSON.parse` of the same rows: how long a caller waits. */
async function overRedis(bench: Bench): Promise<Measurement> {
  const client = new Redis(await bench.redis())
  try {
    let last: string[] = []
    const call = client.call.bind(client) as (command: string, args: string[]) => Promise<unknown>
    client.call = ((command: string, args: string[]) => {
      if (command === 'MGET') last = args
      return call(command, args)
    }) as never
    const { pool, cacheops } = await bench.over(bench.subject.redis(client as never), await bench.blog('redis_hit'))
    const keys: string[][] = []
    for (let id = 1; id <= KEYS; id++) {
      for (let time = 0; time < 2; time++) await pool.query(POST_BY_KEY, [id])
      keys.push(last)
    }
    const before = await cacheops.stats()
    const result = await compareCalls({
      a: (number) => pool.query(POST_BY_KEY, [1 + (number % KEYS)]),
      b: async (number) => {
        const [text] = (await call('MGET', keys[number % KEYS] as string[])) as [string]
        return JSON.parse(text.slice(text.lastIndexOf('\n') + 1))
      },
      calls: 10_000,
      warmUp: 4_000,
    })
    const after = await cacheops.stats()
    if (after.misses !== before.misses) throw new Error('redis-hit: there was a miss among the hits')
    return {
      name: 'redis-hit',
      value: result.ratio,
      unit: 'x',
      target: 1.3,
      higherIsBetter: false,
      note: shown(result),
    }
  } finally {
    client.disconnect()
  }
}

/** Against a hit of the memory store: the CPU that this process spends. */
async function local(bench: Bench): Promise<Measurement> {
  const url = await bench.blog('redis_local')
  const store = bench.subject.redis(await bench.redis())
  const [here, memory] = await Promise.all([bench.over(store, url, { local: true }), bench.cached(url)])
  const reads = (from: Pool) => async (round: number) => {
    for (let index = 0; index < OPERATIONS; index++) await from.query(POST_BY_KEY, [1 + ((index * 7 + round) % KEYS)])
  }
  while (store.local.size < KEYS) {
    for (let id = 1; id <= KEYS; id++) await here.pool.query(POST_BY_KEY, [id])
  }
  for (let id = 1; id <= KEYS; id++) await memory.pool.query(POST_BY_KEY, [id])
  const result = await compare({
    a: reads(here.pool),
    b: reads(memory.pool),
    operations: OPERATIONS,
    warmUp: 6,
    rounds: 24,
    meter: 'cpu',
    collect: true,
  })
  return {
    name: 'redis-local-hit',
    value: result.ratio,
    unit: 'x',
    target: 1.5,
    higherIsBetter: false,
    note: shown(result),
  }
}
