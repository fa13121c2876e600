import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stopAt, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text);
  CREATE TABLE logs (id integer PRIMARY KEY, line text);
  INSERT INTO posts SELECT i, i % 3, 'title ' || i FROM generate_series(1, 5) i;
  INSERT INTO logs VALUES (1, 'one');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'

describe('rules of identity, scopes and replicas', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('rules_identity')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  describe("S8: nobody sees another's rows", () => {
    it('S8: two databases of one server with the same tables share a store', async () => {
      const second = await World.open('rules_store_second')
      try {
        await second.reset(SCHEMA)
        await second.plain.query(`UPDATE posts SET title = 'of the second'`)
        const one = await world.ready()
        const two = await second.ready({ store: world.store })
        await world.expectCached(one, POST, [1])
        await second.expectCached(two, POST, [1])
        await two.pool.query(SET, [1, 'new'])
        expect((await one.ask(POST, [1])).how).toBe('hit')
        expect((await two.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
      } finally {
        await second.end()
      }
    })

    it('S8: a role has entries of its own, and so has a search path', async () => {
      await world.plain.query(`
        CREATE SCHEMA IF NOT EXISTS other; DROP TABLE IF EXISTS other.posts;
        CREATE TABLE other.posts (id integer PRIMARY KEY, title text); INSERT INTO other.posts VALUES (1, 'other');
        DO $$ BEGIN CREATE ROLE cacheops_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA public TO cacheops_reader; REVOKE ALL ON posts FROM cacheops_reader`)
      const app = await world.ready()
      await world.expectCached(app, POST, [1])
      await app.on(async (client) => {
        await client.query('SET search_path = other, public')
        expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'other' }])
        expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'other' }])
        await client.query('SET search_path = public; SET ROLE cacheops_reader')
        await expect(client.query(POST, [1])).rejects.toMatchObject({ code: '42501' })
        await client.query('RESET ROLE')
        expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'title 1' }])
        await client.query('RESET ALL')
      })
      await world.plain.query('DROP SCHEMA other CASCADE')
    })

    it('S8: settings of time and formats are part of the key', async () => {
      await world.plain.query(`CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, b bytea);
        INSERT INTO events VALUES (1, '2024-01-01 12:00Z', '\\x01')`)
      const app = await world.ready()
      const text = "SELECT at::text AS at, encode(b, 'hex') AS h, b::text AS b FROM events WHERE id = 1"
      await world.expectCached(app, text)
      const seen = new Set<string>()
      for (const set of [`TimeZone = 'Asia/Tokyo'`, `DateStyle = 'German'`, `bytea_output = 'escape'`]) {
        await app.on(async (client) => {
          await client.query(`SET ${set}`)
          const { rows } = await app.ask(text, [], client)
          seen.add(JSON.stringify(rows))
          await client.query('RESET ALL')
        })
      }
      expect(seen.size).toBe(3)
      await world.expectCached(app, text)
    })

    it('S8: `vary` adds what the application knows, and a prefix is a world of its own; writes reach every variant', async () => {
      const tenant = new AsyncLocalStorage<string>()
      const app = await world.ready({ vary: () => tenant.getStore() ?? '' })
      const hows: string[] = []
      for (const name of ['a', 'b', 'a']) hows.push((await tenant.run(name, () => app.ask(POST, [1]))).how)
      expect(hows).toEqual(['miss', 'miss', 'hit'])
      await tenant.run('c', () => app.pool.query(SET, [1, 'new']))
      for (const name of ['a', 'b']) {
        expect((await tenant.run(name, () => app.ask(POST, [1]))).rows).toEqual([{ title: 'new' }])
      }
      const elsewhere = await world.ready({ prefix: 'elsewhere' })
      expect((await elsewhere.ask(POST, [1])).how).toBe('miss')
    })

    it('S8: `vary` that gives no string caches nothing', async () => {
      const app = await world.ready({ vary: (() => 5) as unknown as () => string })
      await world.expectPast(app, POST, [1], /vary/)
    })
  })

  it("S9: a joiner's options are its own: `nocache` never takes part in another's flight", async () => {
    const app = await world.ready()
    const stop = stopAt(app, 'after-database')
    const first = app.pool.query(POST, [1])
    await stop.reached
    const joined: boolean[] = []
    app.cacheops.on('read', (event) => void joined.push(event.joined))
    const { rows } = await app.cacheops.nocache(() => app.pool.query(POST, [1]))
    expect(rows).toEqual([{ title: 'title 1' }])
    expect(joined).toEqual([])
    stop.go()
    await first
  })

  it('S9: scopes reach the calls that are made in them and no others, in a crowd that waits for one connection', async () => {
    const app = await world.ready({ pool: { max: 1 } })
    const past: string[] = []
    app.cacheops.on('bypass', ({ sql }) => void past.push(sql))
    const plain = Array.from({ length: 5 }, (_, i) => app.pool.query(`SELECT title AS t${i} FROM posts WHERE id = 1`))
    const off = app.cacheops.nocache(() =>
      Promise.all(Array.from({ length: 5 }, (_, i) => app.pool.query(`SELECT title AS o${i} FROM posts WHERE id = 1`))),
    )
    await Promise.all([...plain, off])
    expect(past.sort()).toEqual(Array.from({ length: 5 }, (_, i) => `SELECT title AS o${i} FROM posts WHERE id = 1`))
  })

  it('S10: what is declared a replica serves hits and stores nothing', async () => {
    const [primary, replica] = [await world.ready(), await world.ready({ driver: { replica: true } })]
    expect((await replica.ask(POST, [1])).how).toBe('miss')
    expect((await replica.ask(POST, [1])).how).toBe('miss')
    await world.expectCached(primary, POST, [1])
    expect((await replica.ask(POST, [1])).how).toBe('hit')
  })
})
