import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { stopAt, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, views integer NOT NULL DEFAULT 0);
  CREATE TABLE tags (post integer, tag text);
  INSERT INTO posts SELECT i, i % 3, 'title ' || i FROM generate_series(1, 9) i;
  INSERT INTO tags VALUES (1, 'a'), (2, 'b');`
const POST = 'SELECT * FROM posts WHERE id = $1'
const BY_AUTHOR = 'SELECT id, title FROM posts WHERE author = $1 ORDER BY id'

describe('rules of reads', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('rules_reads')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  describe('S1: what is not understood costs hit rate', () => {
    it('S1: a read that cannot be parsed goes to the server, and its error comes back', async () => {
      const app = await world.ready()
      await expect(app.pool.query('SELEC 1')).rejects.toMatchObject({ code: '42601' })
      await expect(app.pool.query('SELECT nothing FROM posts')).rejects.toMatchObject({ code: '42703' })
      await world.expectCached(app, POST, [1])
    })

    it.each([
      ['random()', 'SELECT *, random() > 2 AS r FROM posts WHERE id = 1'],
      ['now()', 'SELECT id, now() > to_timestamp(0) AS r FROM posts WHERE id = 1'],
      ['a setting', `SELECT current_setting('search_path') FROM posts WHERE id = 1`],
      ['TABLESAMPLE', 'SELECT * FROM posts TABLESAMPLE SYSTEM (100) WHERE id = 1'],
      ['a system relation', 'SELECT count(*) FROM pg_catalog.pg_class WHERE oid = 0'],
      ['row locks', 'SELECT * FROM posts WHERE id = 1 FOR UPDATE'],
      ['a clock in FROM', 'SELECT * FROM posts, generate_series(now(), now(), $$1 day$$) g WHERE id = 1'],
    ])('S1: a read with %s is not cached', async (_, text) => {
      const app = await world.ready()
      await world.expectPast(app, text)
    })

    it('S1: a write that cannot be understood drops what it can have changed', async () => {
      await world.plain.query(`CREATE FUNCTION rename() RETURNS void LANGUAGE plpgsql AS
        $$ BEGIN EXECUTE 'UPDATE ' || 'posts SET title = title || ''!'''; END $$`)
      const app = await world.ready()
      await world.expectDropped([app, await world.ready()], POST, [1], () => app.pool.query('SELECT rename()'))
      await world.expectDropped([app], POST, [2], () =>
        app.pool.query(`DO $do$ BEGIN UPDATE posts SET title = title || '?' WHERE id = 2; END $do$`),
      )
      await world.expectDropped([app], POST, [3], () =>
        app.pool.query(
          `MERGE INTO posts USING (VALUES (3)) v (id) ON posts.id = v.id WHEN MATCHED THEN UPDATE SET title = 'm'`,
        ),
      )
    })

    it("S1: a user's VOLATILE function that names the table it writes drops that table", async () => {
      await world.plain.query(`CREATE FUNCTION touch(i integer) RETURNS void LANGUAGE sql AS
        $$ UPDATE posts SET views = views + 1 WHERE id = i $$;
        CREATE FUNCTION outer_touch(i integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM touch(i); RETURN 1; END $$`)
      const app = await world.ready()
      await world.expectCached(app, 'SELECT count(*) FROM tags')
      await world.expectDropped([app], POST, [1], () => app.pool.query('SELECT outer_touch(1)'))
      expect((await app.ask('SELECT count(*) FROM tags')).how).toBe('hit')
    })
  })

  describe('S2: a dependency over-approximates', () => {
    it('S2: IS NULL on the nullable side of an outer join does not hide the rows that take it away', async () => {
      const app = await world.ready()
      const text = 'SELECT p.id FROM posts p LEFT JOIN tags t ON t.post = p.id WHERE t.post IS NULL ORDER BY p.id'
      await world.expectDropped([app], text, [], () => app.pool.query(`INSERT INTO tags VALUES (5, 'c')`))
    })

    it('S2: ON restricts the nullable side, never the preserved one', async () => {
      const app = await world.ready()
      const text = `SELECT p.id, t.tag FROM posts p LEFT JOIN tags t ON t.post = p.id AND p.author = 1 WHERE p.id < 4 ORDER BY p.id, t.tag`
      await world.expectDropped([app], text, [], () => app.pool.query('DELETE FROM posts WHERE id = 2'))
      await world.expectDropped([app], text, [], () => app.pool.query(`INSERT INTO tags VALUES (1, 'z')`))
    })

    it('S2: NOT is pushed to the leaves; a row that enters or leaves a condition is seen', async () => {
      const app = await world.ready()
      const text = 'SELECT count(*) FROM posts WHERE NOT (author <> 1 OR views IS NOT NULL AND views = 9)'
      await world.expectDropped([app], text, [], () => app.pool.query('UPDATE posts SET author = 1 WHERE id = 2'))
      await world.expectDropped([app], BY_AUTHOR, [1], () => app.pool.query('UPDATE posts SET author = 2 WHERE id = 1'))
      await world.expectDropped([app], BY_AUTHOR, [1], () => app.pool.query('UPDATE posts SET author = 1 WHERE id = 1'))
    })

    it('S2: subqueries add their own dependencies', async () => {
      const app = await world.ready()
      const text = `SELECT id FROM posts p WHERE EXISTS (SELECT 1 FROM tags t WHERE t.post = p.id AND t.tag = 'x') ORDER BY id`
      await world.expectDropped([app], text, [], () => app.pool.query(`INSERT INTO tags VALUES (7, 'x')`))
      await world.expectDropped([app], text, [], () => app.pool.query(`UPDATE tags SET tag = 'y' WHERE post = 7`))
    })

    it('S2: an update of columns that a read neither compares nor shows leaves it in the cache', async () => {
      const app = await world.ready()
      await world.expectCached(app, BY_AUTHOR, [1])
      await app.pool.query('UPDATE posts SET views = views + 1')
      expect((await app.ask(BY_AUTHOR, [1])).how).toBe('hit')
    })
  })

  describe("S3: equality is the database's", () => {
    it("S3: '5' and 5 for an integer are one key; '05' restricts nothing", async () => {
      const app = await world.ready()
      for (const value of [5, '5', '05', ' 5 ', '+5']) {
        await world.expectDropped([app], POST, [value], () =>
          app.pool.query('UPDATE posts SET title = title || 1 WHERE id = 5'),
        )
      }
    })

    it('S3: types whose equality is not mirrored are never compared by key', async () => {
      await world.plain.query(`
        CREATE EXTENSION IF NOT EXISTS citext;
        CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE odd (id integer PRIMARY KEY, c citext, n numeric, f float8, k text COLLATE nocase, p char(5));
        INSERT INTO odd VALUES (1, 'Abc', 1.0, 1.5, 'Abc', 'ab')`)
      const app = await world.ready()
      for (const [text, values] of [
        ['SELECT * FROM odd WHERE c = $1', ['ABC']],
        ['SELECT * FROM odd WHERE n = $1', ['1.00']],
        ['SELECT * FROM odd WHERE f = $1', ['1.50']],
        ['SELECT * FROM odd WHERE k = $1', ['aBC']],
        ['SELECT * FROM odd WHERE p = $1', ['ab   ']],
      ] as const) {
        await world.expectDropped([app], text, [...values], () => app.pool.query('DELETE FROM odd'))
        await world.plain.query(`INSERT INTO odd VALUES (1, 'Abc', 1.0, 1.5, 'Abc', 'ab')`)
        await app.cacheops.invalidateAll()
      }
    })
  })

  describe('S4: the lease', () => {
    it('S4: what was read before a commit and stored after it is never served', async () => {
      const [reader, writer] = [await world.ready(), await world.ready()]
      const stop = stopAt(reader, 'after-database')
      const late = reader.ask(POST, [1])
      await stop.reached
      await writer.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      stop.go()
      expect((await late).rows[0]).toMatchObject({ title: 'title 1' })
      expect((await reader.ask(POST, [1])).rows[0]).toMatchObject({ title: 'new' })
    })

    it('S4: the stamps are taken before the database is asked', async () => {
      const [reader, writer] = [await world.ready(), await world.ready()]
      const stop = stopAt(reader, 'before-store')
      const late = reader.ask(POST, [1])
      await stop.reached
      await writer.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      stop.go()
      await late
      expect((await writer.ask(POST, [1])).rows[0]).toMatchObject({ title: 'new' })
    })

    it("S4: a single flight's joiner does not take what a write has overtaken", async () => {
      const app = await world.ready()
      const stop = stopAt(app, 'after-database')
      const first = app.pool.query(POST, [1])
      await stop.reached
      await app.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      const joiner = app.pool.query(POST, [1])
      await new Promise((resolve) => setTimeout(resolve, 20))
      stop.go()
      expect((await joiner).rows[0]).toMatchObject({ title: 'new' })
      expect((await first).rows[0]).toMatchObject({ title: 'title 1' })
    })

    it('S4: joiners share one trip where nothing was written', async () => {
      const app = await world.ready()
      const joined: boolean[] = []
      app.cacheops.on('read', (event) => void joined.push(event.joined))
      const stop = stopAt(app, 'before-database')
      const first = app.pool.query(POST, [1])
      await stop.reached
      const others = Array.from({ length: 3 }, () => app.pool.query(POST, [1]))
      stop.go()
      for (const { rows } of await Promise.all([first, ...others])) expect(rows).toEqual(await world.truth(POST, [1]))
      expect(joined.sort()).toEqual([false, true, true, true])
    })

    it('S4: an entry ends with its ttl, and a lost stamp is a miss', async () => {
      const app = await world.ready({ models: { '*': { ops: 'all', ttl: '1m' } } })
      await world.expectCached(app, POST, [1])
      const clock = vi.spyOn(performance, 'now')
      const now = performance.now()
      try {
        clock.mockReturnValue(now + 59_000)
        expect((await app.ask(POST, [1])).how).toBe('hit')
        clock.mockReturnValue(now + 61_000)
        expect((await app.ask(POST, [1])).how).toBe('miss')
      } finally {
        clock.mockRestore()
      }
    })
  })
})
