import { and, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { alias, integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sample } from '../../src/index.js'
import { type App, World } from '../soundness/world.js'
import { gate, TABLES, told } from './support.js'

const posts = pgTable('posts', {
  id: integer('id').primaryKey(),
  authorId: integer('author_id').notNull(),
  title: text('title').notNull(),
})

let world: World
let app: App
let events: string[]
let runs: number
beforeAll(async () => {
  world = await World.open('cached_as')
})
afterAll(() => world.end())

const start = async (options: Parameters<World['ready']>[0] = {}): Promise<void> => {
  app = await world.ready(options)
  events = told(app)
}
beforeEach(async () => {
  await world.reset(TABLES)
  await start()
  runs = 0
})

const run = () => ++runs

/** Whether a write drops the result of a function that was made with these samples. */
async function dropped(samples: Parameters<App['cacheops']['cachedAs']>[1], write: string): Promise<boolean> {
  const fn = app.cacheops.cachedAs(`f${Math.random()}`, samples, run)
  await fn()
  const before = await fn()
  await app.pool.query(write)
  return (await fn()) !== before
}

const ofAuthor2 = `UPDATE posts SET title = 'COBOL' WHERE id = 3`
const ofAuthor1 = `UPDATE posts SET title = 'Finished' WHERE id = 2`

describe('samples', () => {
  const db = () => drizzle(app.pool)
  const kinds: readonly (readonly [string, () => Parameters<App['cacheops']['cachedAs']>[1]])[] = [
    ['a model with conditions', () => ({ model: 'posts', where: { author_id: 1 } })],
    ['several values', () => ({ model: 'posts', where: { author_id: [1, 7] } })],
    ['a row', () => sample('posts', { id: 2 })],
    ['SQL', () => `SELECT title FROM posts WHERE author_id = 1`],
    ['SQL with parameters', () => ({ sql: 'SELECT title FROM posts WHERE author_id = $1', params: [1] })],
    ['a query for pg', () => ({ text: 'SELECT title FROM posts WHERE author_id = $1', values: ['1'] })],
    [
      'a query of Drizzle',
      () =>
        db()
          .select()
          .from(posts)
          .where(and(eq(posts.authorId, 1), sql`title <> ''`)),
    ],
    ['a model of Drizzle with conditions', () => ({ model: posts, where: { authorId: 1 } })],
    ['a row of a model of Drizzle', () => sample(posts, { id: 2 })],
    ['a list', () => [['notes'], { model: posts, where: { author_id: 1 } }]],
    // As the builders of Knex, Kysely, TypeORM and MikroORM give their SQL.
    [
      'a query of Knex',
      () => ({
        toSQL: () => ({
          sql: 'select ?',
          toNative: () => ({ sql: 'select title from posts where author_id = $1', bindings: [1] }),
        }),
      }),
    ],
    [
      'a query of Kysely',
      () => ({ compile: () => ({ sql: 'select title from posts where author_id = $1', parameters: [1] }) }),
    ],
    [
      'a query of TypeORM',
      () => ({ getQueryAndParameters: () => ['select title from posts where author_id = $1', [1]] }),
    ],
    [
      'a query of MikroORM',
      () => ({ toQuery: () => ({ sql: 'select title from posts where author_id = $1', params: [1] }) }),
    ],
  ]
  it.each(kinds)('%s: what it stands for drops the result, and nothing else does', async (_, samples) => {
    expect(await dropped(samples(), ofAuthor2)).toBe(false)
    expect(await dropped(samples(), ofAuthor1)).toBe(true)
  })

  it('a table, by its name, a pattern, or a model of Drizzle, is dropped by every row', async () => {
    for (const samples of ['posts', 'public.posts', 'po*', posts, alias(posts, 'p'), [{ model: posts }]]) {
      expect(await dropped(samples, ofAuthor2)).toBe(true)
      expect(await dropped(samples, `UPDATE notes SET line = 'y'`)).toBe(false)
      await app.pool.query(`UPDATE posts SET title = 'Compilers' WHERE id = 3`)
    }
  })

  it('NULL as a condition, and a row of a key that is not there yet', async () => {
    expect(await dropped({ model: 'posts', where: { title: null } }, ofAuthor1)).toBe(false)
    expect(await dropped(sample('posts', { id: 9 }), ofAuthor1)).toBe(false)
    expect(await dropped(sample('posts', { id: 9 }), `INSERT INTO posts VALUES (9, 1, 'New')`)).toBe(true)
  })

  it('a builder is not run', async () => {
    const query = db().select().from(posts)
    await dropped(query, ofAuthor1)
    expect(app.failures).toEqual([])
    expect((await app.cacheops.stats()).misses).toBe(0)
  })

  it('as a function of the arguments', async () => {
    const block = app.cacheops.cachedAs(
      'block',
      (author: number) => ({ model: posts, where: { authorId: author } }),
      (author: number) => `${author} ${++runs}`,
    )
    expect(await block(1)).toBe('1 1')
    expect(await block(2)).toBe('2 2')
    await app.pool.query(ofAuthor1)
    expect(await block(1)).toBe('1 3')
    expect(await block(2)).toBe('2 2')
  })

  it('are a part of the key', async () => {
    let author = 1
    const block = app.cacheops.cachedAs('block', () => ({ model: posts, where: { authorId: author } }), run)
    await block()
    author = 2
    expect(await block()).toBe(2)
    author = 1
    expect(await block()).toBe(1)
  })

  it('that cannot be are refused, with what is wrong', async () => {
    const { cacheops } = app
    const make = (samples: never) => () => cacheops.cachedAs('bad', samples, run)
    expect(make(5 as never)).toThrow(/cachedAs\('bad'\): samples: expected a table's name, SQL, .*got 5/)
    expect(make([] as never)).toThrow(/expected at least one/)
    expect(make('' as never)).toThrow(/empty text/)
    expect(make({ model: posts, where: { authr: 1 } } as never)).toThrow(/the model has no column 'authr'/)
    expect(make({ model: 'posts', where: 5 } as never)).toThrow(/where: expected an object/)
    expect(make({ model: { sql: 'SELECT 1' } } as never)).toThrow(/model: expected a table/)
    const called = (name: string, samples: Parameters<App['cacheops']['cachedAs']>[1]) =>
      cacheops.cachedAs(name, samples, run)()
    await expect(called('a', 'post')).rejects.toThrow(/the database has no table 'post'\. Did you mean 'posts'/)
    await expect(called('b', { model: 'posts', where: { nope: 1 } })).rejects.toThrow(
      /public\.posts has no column 'nope'/,
    )
    await expect(called('c', { model: 'posts', where: { id: undefined } })).rejects.toThrow(
      /expected a value for the column 'id'/,
    )
    await expect(called('d', `DELETE FROM posts`)).rejects.toThrow(/expected one query that reads rows/)
    await expect(called('e', `SELECT 1; SELECT title FROM posts`)).rejects.toThrow(/expected one query/)
    expect(runs).toBe(0)
  })

  it('that cannot be followed, or must not be cached, keep the result out', async () => {
    await start({ models: { notes: false, '*': { ops: 'all', ttl: '1m' } } })
    for (const samples of ['SELECT relname FROM pg_class', 'notes', 'SELECT random() FROM posts']) {
      const fn = app.cacheops.cachedAs(samples, samples, run)
      await fn()
      await fn()
    }
    expect(runs).toBe(6)
    expect(app.invalidated).toEqual([])
  })
})

describe('cachedAs', () => {
  const titles = async (on: { query: App['pool']['query'] } = app.pool) =>
    (await on.query('SELECT title FROM posts ORDER BY id')).rows.map(({ title }) => title as string)

  it('takes its ttl from its options, else the smallest of its samples, else the defaults', async () => {
    const ttlOf = async (samples: Parameters<App['cacheops']['cachedAs']>[1], ttl?: '5m') => {
      const fn = app.cacheops.cachedAs(`f${Math.random()}`, samples, run, ttl ? { ttl } : {})
      return (await app.cacheops.explain(() => fn())).map((each) => each.ttl ?? each.reason)
    }
    await start({
      models: { posts: { ops: 'get', ttl: '10m' }, notes: { ops: 'get', ttl: '1m' } },
      defaults: { ttl: '1h' },
    })
    expect(await ttlOf(['posts', 'notes'])).toEqual([60_000])
    expect(await ttlOf('posts', '5m')).toEqual([300_000])
    expect(await ttlOf('authors')).toEqual([3_600_000])
    await start({ models: { posts: { ops: 'get', ttl: '10m' } } })
    expect(await ttlOf('authors')).toEqual([expect.stringMatching(/^no ttl/)])
  })

  it('S4: a write between the start and the end keeps the result out', async () => {
    const read = gate()
    const go = gate()
    const list = app.cacheops.cachedAs('list', posts, async () => {
      runs++
      const found = await titles()
      read.open()
      await go.opened
      return found
    })
    const first = list()
    await read.opened
    await app.pool.query(ofAuthor1)
    go.open()
    expect(await first).toContain('Drafts')
    expect(await list()).toContain('Finished')
    expect(runs).toBe(2)
  })

  it('A21: what came from the cache inside is a part of what it depends on', async () => {
    const names = async () =>
      (await app.pool.query('SELECT name FROM authors ORDER BY id')).rows.map(({ name }) => name)
    const page = app.cacheops.cachedAs('page', posts, names)
    await names()
    await page()
    await app.pool.query(`UPDATE authors SET name = 'Lovelace' WHERE id = 1`)
    expect(await page()).toContain('Lovelace')
  })

  it('S6: what a transaction shows that has written, or an older snapshot, is not kept', async () => {
    const list = app.cacheops.cachedAs('list', posts, (_: string) => titles(client))
    let client: Parameters<Parameters<App['on']>[0]>[0]
    await app.on(async (own) => {
      client = own
      await own.query('BEGIN')
      await own.query(`UPDATE notes SET line = 'y'`)
      await list('other table')
      await own.query(ofAuthor1)
      expect(await list('own')).toContain('Finished')
      await own.query('ROLLBACK')
      expect(await list('own')).toContain('Drafts')
      await own.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await titles(own)
      await app.pool.query(ofAuthor1)
      expect(await list('snapshot')).toContain('Drafts')
      await own.query('COMMIT')
      expect(await list('snapshot')).toContain('Finished')
      await own.query('BEGIN')
      await own.query('DECLARE c CURSOR FOR SELECT title FROM posts ORDER BY id')
      await app.pool.query(`UPDATE posts SET title = 'COBOL' WHERE id = 3`)
      const fetched = app.cacheops.cachedAs(
        'fetched',
        posts,
        async () => (await own.query('FETCH ALL FROM c')).rows.length,
      )
      await fetched()
      await own.query('COMMIT')
    })
    expect(events).toEqual([
      'list("other table"): a statement ran past the cache: the transaction has written',
      'list("own"): a transaction of this process has written to public.posts',
      'list miss',
      expect.stringMatching(/^list\("snapshot"\): a statement ran past the cache: the isolation level/),
      'list miss',
      'fetched(): a statement ran past the cache: it shows what the session holds',
    ])
  })

  it('A3: what a replica shows is not kept', async () => {
    await start({ driver: { replica: true } })
    const list = app.cacheops.cachedAs('list', posts, () => titles())
    await list()
    await list()
    expect(events).toEqual(Array(2).fill('list(): its connections may lag behind'))
  })

  it('A2, S7: is not answered while a table is blocked or an invalidation is not delivered', async () => {
    const list = app.cacheops.cachedAs('list', posts, run)
    await list()
    const { database } = [...app.engine.sources][0] ?? {}
    await world.store.block(database?.id as string, ['public.posts'], 'token')
    await list()
    await world.store.unblock(database?.id as string, 'token')
    await list()
    app.engine.delivery.grace(database?.id as string, ['public.posts'])
    await list()
    expect(events).toEqual([
      'list miss',
      expect.stringContaining('the outcome of a write to public.posts is unknown'),
      'list miss',
      expect.stringContaining('met another'),
    ])
    await app.cacheops.deferInvalidation(async () => {
      await app.pool.query(ofAuthor1)
      await list()
    })
    expect(events.at(-1)).toMatch(/not delivered yet|met another/)
  })

  it('A7: definitions that changed make it run again', async () => {
    const list = app.cacheops.cachedAs('list', posts, () => titles())
    await list()
    const peer = await world.ready()
    await peer.pool.query('ALTER TABLE posts ADD COLUMN subtitle text')
    events.length = 0
    await list()
    await list()
    await list()
    expect(events).toEqual(['list(): definitions have changed', 'list miss', 'list hit'])
  })

  it('before the catalog is loaded it runs, and does not wait for a connection', async () => {
    app = world.app({ pool: { max: 1 } })
    events = told(app)
    const list = app.cacheops.cachedAs('list', 'posts', () => titles())
    await app.on(async () => expect(await app.cacheops.cachedAs('free', 'posts', run)()).toBe(1))
    await list()
    await list()
    expect(events).toEqual([
      'free(): the catalog is not loaded yet',
      'list(): the catalog is not loaded yet',
      'list miss',
    ])
  })

  it('several databases: says that it must be told which', async () => {
    const pool = new app.pg.Pool({ connectionString: world.url })
    const other = await World.open('cached_as_other')
    const far = new app.pg.Pool({ connectionString: other.url })
    try {
      await other.reset(TABLES)
      await app.cacheops.ready()
      await expect(app.cacheops.cachedAs('a', 'posts', run)()).rejects.toThrow(/2 databases are attached/)
      const [here] = app.engine.sources
      const list = app.cacheops.cachedAs('b', 'posts', run, { database: here?.database?.id as string })
      await list()
      await far.query(ofAuthor1)
      expect(await list()).toBe(1)
      await pool.query(ofAuthor1)
      expect(await list()).toBe(2)
    } finally {
      await pool.end()
      await far.end()
      await other.end()
    }
  })

  it('key() and invalidate()', async () => {
    const block = app.cacheops.cachedAs(
      'block',
      (id: number) => sample('posts', { id }),
      (id: number) => `${id} ${++runs}`,
    )
    await block.key(1).set('mine')
    expect(await block(1)).toBe('mine')
    await app.pool.query(`UPDATE posts SET title = 'x' WHERE id = 1`)
    expect(await block.key(1).get()).toBeUndefined()
    expect(await block(1)).toBe('1 1')
    await block.invalidate(1)
    expect(await block(1)).toBe('1 2')
    await block.key(1).delete()
    expect(await block(1)).toBe('1 3')
  })

  it('may lock', async () => {
    const go = gate()
    const slow = app.cacheops.cachedAs(
      'slow',
      posts,
      async () => {
        await go.opened
        return ++runs
      },
      { lock: true },
    )
    const all = Promise.all([slow(), slow()])
    go.open()
    expect(await all).toEqual([1, 1])
  })
})
