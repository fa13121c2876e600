// Compiled, not run: what a user of the package writes, under the lowest TypeScript that it supports.
import { PGlite } from '@electric-sql/pglite'
import { createCacheops, memory, sample } from 'cacheops'
import { fileCache } from 'cacheops/file'
import { cachedPg } from 'cacheops/pg'
import { cachedPGlite } from 'cacheops/pglite'
import pgModule from 'pg'

export const cacheops = createCacheops({
  store: memory(),
  defaults: { ttl: '1h' },
  models: {
    users: { ops: 'get', ttl: '15m' },
    'auth.*': { ops: ['get', 'fetch'] },
    permissions: 'all',
    'blog_*': 'manual',
    'secrets.*': false,
  },
})

createCacheops({
  store: memory(),
  models: {
    // @ts-expect-error a duration has its unit
    users: { ops: 'get', ttl: 900 },
  },
})

const pg: typeof pgModule = cachedPg(cacheops, pgModule)
const pool: pgModule.Pool = new pg.Pool({ connectionString: 'postgres://127.0.0.1/app' })
export const users: pgModule.QueryResult<{ id: number }> = await pool.query<{ id: number }>('SELECT id FROM users')

const db: PGlite = cachedPGlite(cacheops, new PGlite())
export const rows: { id: number }[] = (await db.query<{ id: number }>('SELECT id FROM users')).rows

export const fresh: number = await cacheops.nocache(async () => 1)
export const cached: string = await cacheops.cache(async () => 'x', { ttl: '5m', ops: ['fetch'] })
await cacheops.invalidateModel('users')

const page = cacheops.computed('page', async (slug: string, at: number) => `${slug} ${at}`, {
  extra: (slug) => slug.length,
})
export const text: string = await page('news', 2)
// @ts-expect-error the arguments are those of the function
await page.invalidate(2)
// @ts-expect-error what a computed result depends on is what ran
await page.key('news', 2).set('x')
const card = cacheops.cachedAs(
  'card',
  (id: number) => [sample('users', { id }), 'posts'],
  (id: number) => ({ id }),
)
await card.key(1).set({ id: 1 }, { ttl: '1m' })
export const files: { n: number } = await fileCache({ dir: '.cache' }).getOrThrow<{ n: number }>('a')
await cacheops.close()
