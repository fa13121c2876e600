import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE authors (id integer PRIMARY KEY, name text);
  CREATE TABLE posts (id integer PRIMARY KEY, author integer REFERENCES authors, slug text UNIQUE, title text);
  CREATE TABLE likes (id integer PRIMARY KEY, post integer REFERENCES posts);
  INSERT INTO authors SELECT i, 'author ' || i FROM generate_series(0, 5) i;
  INSERT INTO posts SELECT i, i % 3, 'post-' || i, 'title ' || i FROM generate_series(1, 9) i;`
const BY_AUTHOR = 'SELECT id FROM posts WHERE author = $1 ORDER BY id'
const UPSERT =
  'INSERT INTO posts (id, author, slug) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET author = excluded.author'

describe('images of rows that are written', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('write_images')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  const hows = async (authors: readonly number[]): Promise<string[]> => {
    const answers = []
    for (const author of authors) answers.push((await world.expectRight(other, BY_AUTHOR, [author])).how)
    return answers
  }
  const cached = async (authors: readonly number[]): Promise<void> => {
    for (const author of authors) await world.expectCached(other, BY_AUTHOR, [author])
  }

  it('A8: an upsert that adds a row touches nobody else, and one that overwrites a row reaches where it was', async () => {
    await cached([0, 1, 2])
    await app.pool.query(UPSERT, [100, 1, 'new'])
    expect(await hows([0, 1, 2])).toEqual(['hit', 'miss', 'hit'])
    await app.pool.query(UPSERT, [3, 1, 'post-3'])
    await hows([0, 1, 2])
    await cached([0, 1, 2])
    await app.pool.query(
      `INSERT INTO posts (id, author, slug) VALUES (4, 2, 'x'), (101, 2, 'y') ON CONFLICT (id) DO UPDATE SET author = excluded.author RETURNING *`,
    )
    await hows([0, 1, 2])
  })

  it('A8: an upsert tells what it overwrote however the row was locked, or written, before', async () => {
    await app.on(async (client) => {
      const check = async (before: string, upsert = UPSERT): Promise<void> => {
        await client.query('ROLLBACK')
        await cached([0, 1, 2, 5])
        await client.query(`BEGIN; ${before}`)
        await client.query(upsert, [3, 5, 'post-3'])
        await client.query('COMMIT')
        await hows([0, 1, 2, 5])
        await client.query('UPDATE posts SET author = 0 WHERE id = 3')
      }
      await check('SELECT 1 FROM posts WHERE id = 3 FOR UPDATE')
      await check('SELECT 1 FROM posts WHERE id = 3 FOR KEY SHARE')
      await check('SAVEPOINT s; SELECT 1 FROM posts WHERE id = 3 FOR NO KEY UPDATE; RELEASE s')
      await check('SELECT 1 FROM posts WHERE id = 3 FOR SHARE; SAVEPOINT s')
      await check(`UPDATE posts SET title = 'again' WHERE id = 3`)
      await check('INSERT INTO likes VALUES (1, 3)')
      const locker = await world.client(other)
      await locker.query('BEGIN')
      // Another's key share lock stays while the row is overwritten.
      await locker.query('INSERT INTO likes VALUES (2, 3)')
      await check('SELECT 1 FROM posts WHERE id = 3 FOR KEY SHARE')
      await locker.query('COMMIT')
    })
  })

  it('A8: UPDATE … FROM reads the rows that it meets beforehand, with what it joins', async () => {
    await cached([0, 1, 2, 5])
    await app.pool.query(
      `UPDATE posts SET author = a.id -- where it goes
       FROM authors a JOIN (VALUES ($1::integer), ($1)) v (id) ON v.id = a.id -- twice
       WHERE public.posts.slug IS NOT DISTINCT FROM $2`,
      [5, 'post-3'],
    )
    expect(await hows([0, 1, 2, 5])).toEqual(['miss', 'hit', 'hit', 'miss'])
    await cached([0, 1, 2, 5])
    await app.on(async (client) => {
      await client.query('BEGIN')
      const { rows } = await client.query(
        'UPDATE posts p SET author = 1 FROM authors a WHERE a.id = p.author AND a.id = 5 RETURNING a.name, p.id',
      )
      expect(rows).toEqual([{ name: 'author 5', id: 3 }])
      await client.query('COMMIT')
    })
    expect(await hows([0, 1, 2, 5])).toEqual(['hit', 'miss', 'hit', 'miss'])
  })

  it('B8: keys that act, one behind another, change rows and columns of each table', async () => {
    await world.plain.query(`
      CREATE TABLE folders (id integer PRIMARY KEY);
      CREATE TABLE files (id integer PRIMARY KEY, folder integer REFERENCES folders ON DELETE CASCADE, name text);
      CREATE TABLE shares (id integer PRIMARY KEY, file integer REFERENCES files ON DELETE SET NULL, mail text);
      INSERT INTO folders VALUES (1), (2); INSERT INTO files VALUES (1, 1, 'a'), (2, 2, 'b'); INSERT INTO shares VALUES (1, 1, 'm'), (2, 2, 'n')`)
    const [one, two] = [await world.ready(), await world.ready()]
    const inFolder = 'SELECT name FROM files WHERE folder = $1'
    const shared = 'SELECT file FROM shares WHERE id = $1'
    const mails = 'SELECT mail FROM shares ORDER BY id'
    await world.expectCached(one, inFolder, [2])
    await world.expectCached(one, mails)
    await world.expectCached(one, shared, [1])
    await two.pool.query('DELETE FROM folders WHERE id = 1')
    expect((await world.expectRight(one, inFolder, [2])).how).toBe('hit')
    expect((await world.expectRight(one, mails)).how).toBe('hit')
    await world.expectRight(one, shared, [1])
  })

  it('A17: a deferred constraint trigger writes at COMMIT', async () => {
    await world.plain.query(`
      CREATE TABLE audit (n integer); INSERT INTO audit VALUES (0);
      CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE audit SET n = n + 1; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER audit AFTER UPDATE ON posts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit()`)
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectDropped([one, two], 'SELECT n FROM audit', [], () =>
      two.on(async (client) => {
        await client.query('BEGIN')
        await client.query(`UPDATE posts SET title = 'x' WHERE id = 1`)
        await world.expectRight(one, 'SELECT n FROM audit')
        await client.query('COMMIT')
      }),
    )
  })

  it('S1: a name that PREPARE gave counts as long as it is known', async () => {
    await app.on(async (client) => {
      const title = 'SELECT title FROM posts WHERE id = $1'
      const kept = 'SELECT name FROM authors WHERE id = 1'
      await client.query(`PREPARE p AS UPDATE posts SET title = 'prepared' WHERE id = $1`)
      await world.expectCached(other, kept)
      await world.expectDropped([other], title, [1], () => client.query('EXECUTE p (1)'))
      expect((await other.ask(kept)).how).toBe('hit')
      await client.query('DEALLOCATE p')
      await client.query(`PREPARE p AS UPDATE authors SET name = 'other' WHERE id = $1`)
      await world.expectDropped([other], kept, [], () => client.query('EXECUTE p (1)'))
      await client.query(`DEALLOCATE ALL; PREPARE p AS UPDATE posts SET title = 'again' WHERE id = $1`)
      await world.expectDropped([other], title, [1], () => client.query('EXECUTE p (1)'))
      await client.query(
        `DO $$ BEGIN EXECUTE 'DEALLOCATE p'; EXECUTE 'PREPARE p AS UPDATE authors SET name = ''late'' WHERE id = $1'; END $$`,
      )
      await world.expectDropped([other], kept, [], () => client.query('EXECUTE p (1)'))
    })
  })

  it('S1: a write in a dollar-quoted body of the session (Sequelize findOrCreate) changes its table alone', async () => {
    const create = (id: number) =>
      `CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "posts", OUT sequelize_caught_exception text) RETURNS RECORD AS $func_1$ BEGIN INSERT INTO "posts" ("id","author") VALUES (${id}, 1) RETURNING * INTO response; EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func_1$ LANGUAGE plpgsql; SELECT (testfunc.response)."id", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();`
    await world.expectCached(other, 'SELECT name FROM authors WHERE id = 1')
    await world.expectDropped([other], BY_AUTHOR, [1], () => app.pool.query(create(200)))
    expect((await other.ask('SELECT name FROM authors WHERE id = 1')).how).toBe('hit')
    await app.on(async (client) => {
      await client.query(create(201).slice(0, create(201).indexOf('SELECT (')))
      await world.expectDropped([other], BY_AUTHOR, [1], () => client.query('SELECT pg_temp.testfunc()'))
    })
  })

  it('A2: what the server refuses, or the driver before it, is known not to have happened', async () => {
    await cached([1])
    const insert = 'INSERT INTO posts (id, author) VALUES ($1, $2)'
    await expect(app.pool.query(insert, [300])).rejects.toMatchObject({ code: '08P01' })
    const circular: { self?: unknown } = {}
    circular.self = circular
    await expect(app.pool.query(insert, [300, circular])).rejects.toThrow('circular')
    expect(app.failures).toEqual([])
    expect(await hows([1])).toEqual(['hit'])
  })

  it('A7: what no answer depends on leaves everything in the cache', async () => {
    await cached([1])
    await app.pool.query('CREATE INDEX by_author ON posts (author, slug DESC) INCLUDE (title)')
    await app.pool.query(`COMMENT ON TABLE posts IS 'what is written'`)
    expect(await hows([1])).toEqual(['hit'])
  })
})
