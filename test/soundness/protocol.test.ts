import pgModule from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WrappedStore } from '../support/wrapped-store.js'
import { stopAt, until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, slug text UNIQUE, title text, author integer);
  CREATE TABLE tags (id integer PRIMARY KEY, post integer REFERENCES posts DEFERRABLE INITIALLY DEFERRED);
  INSERT INTO posts SELECT i, 's' || i, 'title ' || i, i % 3 FROM generate_series(1, 5) i;`
const POST = 'SELECT title FROM posts WHERE id = $1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'

describe('the protocol', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('protocol')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  it('A1: a reader whose scheme was dropped with the table stamp registers it again', async () => {
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectCached(one, POST, [1])
    await two.pool.query('TRUNCATE tags')
    await two.cacheops.invalidateModel('posts')
    await world.expectCached(two, 'SELECT count(*) FROM posts WHERE author = $1', [1])
    await world.expectDropped([one, two], POST, [1], () => two.pool.query(SET, [1, 'new']))
  })

  it('A3: a connection that is read-only by default serves hits and stores nothing', async () => {
    const app = await world.ready()
    const reader = await world.ready({ pool: { options: '-c default_transaction_read_only=on' } })
    expect((await reader.ask(POST, [1])).how).toBe('miss')
    expect((await reader.ask(POST, [1])).how).toBe('miss')
    expect((await app.ask(POST, [1])).how).toBe('miss')
    expect((await reader.ask(POST, [1])).how).toBe('hit')
  })

  it("A3: nobody joins a replica's flight, as what it brings may lag", async () => {
    // One engine, two pools: the replica's is under way when the primary's begins.
    const app = await world.ready()
    const { cachedPg } = await import('../../src/drivers/pg/index.js')
    const replica = new (cachedPg(app.cacheops, pgModule, { replica: true }).Pool)({ connectionString: world.url })
    try {
      await replica.query('SELECT 1')
      const stop = stopAt(app, 'after-database')
      const late = replica.query(POST, [1])
      await stop.reached
      const joined: boolean[] = []
      app.cacheops.on('read', (event) => void joined.push(event.joined))
      const read = app.pool.query(POST, [1])
      await until('the primary has answered', () => joined.length > 0, 500).catch(() => undefined)
      stop.go()
      await Promise.all([late, read])
      expect(joined).toEqual([false, false])
    } finally {
      await replica.end()
    }
  })

  it('A4: the identity is that of the data: another name, another role and another pool are the same', async () => {
    const other = `${new URL(world.url).pathname.slice(1)}_renamed`
    const app = await world.ready()
    await world.expectCached(app, POST, [1])
    const old = new URL(world.url).pathname.slice(1)
    const admin = new pgModule.Client({ connectionString: world.url.replace(`/${old}`, '/postgres') })
    await admin.connect()
    const move = (from: string, to: string) =>
      admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${from}';
        ALTER DATABASE ${from} RENAME TO ${to}`)
    await move(old, other)
    try {
      const renamed = await world.ready({ pool: { connectionString: world.url.replace(old, other) } })
      await renamed.pool.query(SET, [1, 'new'])
      await renamed.pool.end()
    } finally {
      await move(other, old)
      await admin.end()
    }
    expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('A4: the `database` option names the data where the user says so', async () => {
    const [one, two] = [
      await world.ready({ driver: { database: 'blog' } }),
      await world.ready({ driver: { database: 'blog' } }),
    ]
    await world.expectDropped([one], POST, [1], () => two.pool.query(SET, [1, 'new']))
    const third = await world.ready({ driver: { database: 'another' } })
    expect((await third.ask(POST, [1])).how).toBe('miss')
  })

  describe('A13: visible before invalidated', () => {
    /** A writer that is committed and has not dropped anything yet. */
    async function committing(write: (app: Awaited<ReturnType<World['ready']>>) => Promise<unknown>) {
      const [app, writer] = [await world.ready(), await world.ready()]
      const stop = stopAt(writer, 'committed')
      return {
        app,
        async during(use: () => Promise<void>) {
          const writing = write(writer)
          await stop.reached
          await use()
          stop.go()
          await writing
        },
      }
    }

    it('A13: an optimistic update that finds no row reads past its table', async () => {
      const { app, during } = await committing((writer) => writer.pool.query(SET, [1, 'new']))
      await world.expectCached(app, POST, [1])
      await during(async () => {
        expect((await app.pool.query(`UPDATE posts SET author = 9 WHERE id = 1 AND title = 'title 1'`)).rowCount).toBe(
          0,
        )
        expect(await app.ask(POST, [1])).toMatchObject({ how: 'past', rows: [{ title: 'new' }] })
      })
    })

    it('A13: what it names is dropped for others, too', async () => {
      const { app, during } = await committing((writer) => writer.pool.query(SET, [1, 'new']))
      const third = await world.ready()
      await world.expectCached(third, POST, [1])
      await world.expectCached(third, POST, [2])
      await during(async () => {
        await app.pool.query('DELETE FROM posts WHERE id = 1 AND title = $1', ['title 1'])
        expect((await third.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
        expect((await third.ask(POST, [2])).how).toBe('hit')
      })
    })

    it('A13: a unique violation tells of the row that is there', async () => {
      const bySlug = 'SELECT id FROM posts WHERE slug = $1'
      const { app, during } = await committing((writer) => writer.pool.query(`INSERT INTO posts VALUES (9, 's9')`))
      await world.expectCached(app, bySlug, ['s9'])
      await during(async () => {
        await expect(app.pool.query(`INSERT INTO posts VALUES (10, 's9')`)).rejects.toMatchObject({ code: '23505' })
        expect((await app.ask(bySlug, ['s9'])).rows).toEqual([{ id: 9 }])
      })
    })

    it('A13: so does ON CONFLICT DO NOTHING that inserts nothing', async () => {
      const bySlug = 'SELECT id FROM posts WHERE slug = $1'
      const { app, during } = await committing((writer) => writer.pool.query(`INSERT INTO posts VALUES (9, 's9')`))
      await world.expectCached(app, bySlug, ['s9'])
      await during(async () => {
        await app.pool.query(`INSERT INTO posts VALUES (10, 's9') ON CONFLICT DO NOTHING`)
        expect((await app.ask(bySlug, ['s9'])).rows).toEqual([{ id: 9 }])
      })
    })

    it('A13: a foreign key that is not met tells of the other table', async () => {
      const { app, during } = await committing((writer) => writer.pool.query('DELETE FROM posts WHERE id = 4'))
      await world.expectCached(app, POST, [4])
      await during(async () => {
        await expect(app.pool.query('INSERT INTO tags VALUES (1, 4)')).rejects.toMatchObject({ code: '23503' })
        expect((await app.ask(POST, [4])).rows).toEqual([])
      })
    })

    it('A13: and so does a COMMIT that fails for one, or for a conflict', async () => {
      const { app, during } = await committing((writer) => writer.pool.query('DELETE FROM posts WHERE id = 4'))
      await world.expectCached(app, 'SELECT count(*) FROM tags')
      await during(() =>
        app.on(async (client) => {
          await client.query('BEGIN')
          await client.query('INSERT INTO tags VALUES (1, 4)')
          await expect(client.query('COMMIT')).rejects.toMatchObject({ code: '23503' })
          await world.expectPast(app, 'SELECT count(*) FROM tags', [], /met another's/, client)
        }),
      )
    })
  })

  describe('A22: processes that differ', () => {
    it('A22: a process where caching is switched off still invalidates', async () => {
      const [app, off] = [await world.ready(), await world.ready({ enabled: false })]
      await world.expectPast(off, POST, [1], /switched off/)
      await world.expectDropped([app], POST, [1], () => off.pool.query(SET, [1, 'new']))
    })

    it('A22: so does one whose policy never caches the table', async () => {
      const [app, never] = [await world.ready(), await world.ready({ models: { '*': false } })]
      const none = await world.ready({ models: {} })
      await world.expectDropped([app], POST, [1], () => never.pool.query(SET, [1, 'new']))
      await world.expectDropped([app], POST, [1], () => none.pool.query(SET, [1, 'newer']))
    })

    it('A22: and one inside `nocache`, `withEnabled(false)` and a comment', async () => {
      const app = await world.ready()
      await world.expectDropped([app], POST, [1], () => app.cacheops.nocache(() => app.pool.query(SET, [1, 'a'])))
      await world.expectDropped([app], POST, [1], () =>
        app.cacheops.withEnabled(false, () => app.pool.query(SET, [1, 'b'])),
      )
      await world.expectDropped([app], POST, [1], () =>
        app.pool.query(`/* cacheops: off */ UPDATE posts SET title = 'c' WHERE id = 1`),
      )
    })
  })

  it('S4: with a store over a network everything holds as with one in memory', async () => {
    const store = new WrappedStore(world.store)
    store.hook = () => new Promise((resolve) => setTimeout(resolve, 1))
    const [one, two] = [await world.ready({ store }), await world.ready({ store })]
    await world.expectDropped([one, two], POST, [1], () => one.pool.query(SET, [1, 'new']))
    await world.expectDropped([one, two], POST, [1], () => two.pool.query('UPDATE posts SET id = 100 WHERE id = 1'))
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).pool.query(POST, [2])))
    for (const { rows } of all) expect(rows).toEqual([{ title: 'title 2' }])
  })
})
