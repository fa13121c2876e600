import { readFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { type Cacheops, createCacheops, memory } from 'cacheops'
import { cachedPGlite } from 'cacheops/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import type { Db } from './queries.js'
import * as schema from './schema.js'

export interface Blog {
  readonly cacheops: Cacheops
  /** Through the cache. */
  readonly db: Db
  /** The same database past the cache: to fill it before anything is cached, and to compare with. */
  readonly plain: Db
  close(): Promise<void>
}

/** An empty blog in a PostgreSQL that lives in this process and is gone with it. */
export async function openBlog(): Promise<Blog> {
  const pglite = await PGlite.create()
  await pglite.exec(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'))
  const cacheops = createCacheops({
    store: memory(),
    defaults: { ttl: '1h' },
    models: {
      '*': 'all', // finds, lists, counts, aggregates
      users: { ops: 'get', ttl: '15m' }, // finds of one user
    },
  })
  const cached = cachedPGlite(cacheops, pglite)
  await cacheops.ready()
  return {
    cacheops,
    db: drizzle(cached, { schema }),
    plain: drizzle(pglite, { schema }),
    async close() {
      await cacheops.close()
      await cached.close()
    },
  }
}
