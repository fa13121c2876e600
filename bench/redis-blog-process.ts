/** One process of the figure `redis-blog`: does its part of the blog workload in the way that it is told. */
import pg from 'pg'
import { operations, perform } from './blog.js'
import { loadSubject } from './subject.js'

export interface Start {
  readonly redis: string
  readonly urls: { readonly plain: string; readonly redis: string; readonly local: string }
  readonly seed: number
  readonly count: number
}

export interface Part {
  readonly way: keyof Start['urls']
  readonly from: number
  readonly to: number
}

async function main(): Promise<void> {
  const { redis: address, urls, seed, count } = JSON.parse(process.argv[2] as string) as Start
  const { createCacheops, cachedPg, redis } = await loadSubject()
  const all = operations(count, seed)
  const cached = (url: string, local: boolean) => {
    const store = redis(address, { prefix: local ? 'local' : 'shared' })
    const cacheops = createCacheops({ store, defaults: { ttl: '1h', local }, models: { '*': 'all' } })
    return { cacheops, store, pool: new (cachedPg(cacheops, pg).Pool)({ connectionString: url }) }
  }
  const ways = {
    plain: { cacheops: undefined, store: undefined, pool: new pg.Pool({ connectionString: urls.plain }) },
    redis: cached(urls.redis, false),
    local: cached(urls.local, true),
  }
  await Promise.all([ways.redis.cacheops.ready(), ways.local.cacheops.ready()])
  process.on('message', async (message: Part | 'end') => {
    if (message === 'end') {
      for (const { cacheops, store, pool } of Object.values(ways)) {
        await pool.end()
        await cacheops?.close()
        await store?.close()
      }
      process.disconnect()
      return
    }
    const { cacheops, pool } = ways[message.way]
    const before = await cacheops?.stats()
    for (const operation of all.slice(message.from, message.to)) {
      await perform(pool, operation, cacheops && ((query) => cacheops.nocache(query)))
    }
    const after = await cacheops?.stats()
    process.send?.({
      hits: (after?.hits ?? 0) - (before?.hits ?? 0),
      misses: (after?.misses ?? 0) - (before?.misses ?? 0),
    })
  })
  process.send?.('ready')
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
})
