import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, type Runs, stopAt, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, flag boolean);
  CREATE TABLE tags (id integer PRIMARY KEY, post integer, tag text);
  INSERT INTO posts SELECT i, nullif(i % 4, 0), 'title ' || i, i % 2 = 0 FROM generate_series(1, 9) i;
  INSERT INTO tags SELECT i, i, 'tag ' || i % 3 FROM generate_series(1, 6) i;`
const POST = 'SELECT title FROM posts WHERE id = $1'
const set = (id: number, title: string) => `UPDATE posts SET title = '${title}' WHERE id = ${id}`

describe('easily missed', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('missed')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it('B1: a scheme that is registered between a write and its commit is walked', async () => {
    const stop = stopAt(app, 'committed')
    await world.expectCached(other, POST, [1])
    const write = app.pool.query('UPDATE posts SET author = 100, title = $1 WHERE id = 1', ['new'])
    await stop.reached
    // Read before the invalidation by other conditions than any before: the rows of before are in the cache no longer.
    const client = await world.client(other)
    await client.query('BEGIN')
    await world.expectCached(other, 'SELECT count(*)::int AS n FROM posts WHERE author = $1', [100])
    await client.query('COMMIT')
    stop.go()
    await write
    await world.expectRight(other, 'SELECT count(*)::int AS n FROM posts WHERE author = $1', [100])
    await world.expectRight(other, POST, [1])
  })

  it('B1: so is one that appears between the choice of images and the commit, for the row as it was', async () => {
    const byAuthor = 'SELECT count(*)::int AS n FROM posts WHERE author = $1'
    const stop = stopAt(app, 'before-database', (what) => what.startsWith('UPDATE'))
    const write = app.pool.query('UPDATE posts SET author = 100 WHERE id = 1')
    await stop.reached
    await world.expectCached(other, byAuthor, [1])
    await world.expectCached(other, byAuthor, [100])
    stop.go()
    await write
    await world.expectRight(other, byAuthor, [1])
    await world.expectRight(other, byAuthor, [100])
  })

  it.each([
    ['EXPLAIN ANALYZE', `EXPLAIN ANALYZE ${set(1, 'new')}`],
    ['EXPLAIN (ANALYZE)', `EXPLAIN (COSTS OFF, ANALYZE TRUE) ${set(1, 'new')}`],
    ['COPY (…) TO', `COPY (${set(1, 'new')} RETURNING id) TO '/dev/null'`],
    ['CREATE TABLE AS over a CTE', `CREATE TABLE made AS WITH w AS (${set(1, 'new')} RETURNING id) SELECT * FROM w`],
    ['a CTE that reports SELECT', `WITH w AS (${set(1, 'new')} RETURNING id) SELECT count(*) FROM w`],
    [
      'a CTE inside an INSERT',
      `WITH w AS (${set(1, 'new')} RETURNING id) INSERT INTO tags SELECT 100 + id, id, 'x' FROM w`,
    ],
    ['DECLARE', `BEGIN; DECLARE c CURSOR FOR SELECT 1; ${set(1, 'new')}; CLOSE c; COMMIT`],
    ['EXECUTE of a name', `PREPARE p AS ${set(1, 'new')}; EXECUTE p; DEALLOCATE p`],
    ['COPY FROM PROGRAM', `COPY posts (id, title) FROM PROGRAM 'printf "50\\tnew\\n"'`],
    ['SELECT INTO', `DELETE FROM posts WHERE id = 1; SELECT 1 AS a INTO made`],
    ['TRUNCATE', 'TRUNCATE posts'],
  ])('B5: %s', async (_, write) => {
    await world.expectCached(app, 'SELECT count(*) FROM posts WHERE title = $1', ['new'])
    await world.expectCached(app, POST, [1])
    await other.pool.query(write)
    await world.expectRight(app, POST, [1])
    await world.expectRight(app, 'SELECT count(*) FROM posts WHERE title = $1', ['new'])
  })

  it('B5: EXECUTE of a name that an earlier statement prepared', async () => {
    const client = await world.client(other)
    await client.query(`PREPARE later AS ${set(1, 'new')}`)
    await world.expectDropped([app], POST, [1], () => client.query('EXECUTE later'))
  })

  it('B5: cursors and streams: the ack is their end', async () => {
    const client = await world.client(other)
    const cursor = () =>
      new Promise<void>((resolve, reject) => {
        const opened = client.query(new Cursor(`${set(1, 'by cursor')} RETURNING id`))
        opened.read(10, (error) => (error ? reject(error) : opened.close(() => resolve())))
      })
    await world.expectDropped([app], POST, [1], cursor)
    await world.expectDropped([app], POST, [1], async () => {
      for await (const _ of client.query(new QueryStream(`${set(1, 'by stream')} RETURNING id`)));
    })
    await client.query('BEGIN')
    await world.expectCached(app, POST, [2])
    for await (const _ of client.query(new QueryStream(`${set(2, 'in a transaction')} RETURNING id`)));
    expect((await app.ask(POST, [2])).how).toBe('hit')
    await client.query('COMMIT')
    await world.expectRight(app, POST, [2])
  })

  it('B6: a name without a text', async () => {
    const client = await world.client(other)
    await client.query({ name: 'n', text: 'UPDATE posts SET title = $1 WHERE id = 1', values: ['a'] })
    await world.expectDropped([app], POST, [1], () => client.query({ name: 'n', values: ['b'] } as never))
    const named = { name: 'r', text: POST, values: [1] }
    await world.expectCached(app, POST, [1])
    expect((await client.query(named)).rows).toEqual([{ title: 'b' }])
    await app.pool.query(set(1, 'c'))
    expect((await (client as Runs).query({ name: 'r', values: [1] } as never)).rows).toEqual([{ title: 'c' }])
  })

  it('B7: SET is undone by ROLLBACK TO, by ROLLBACK and by a string that fails', async () => {
    await world.plain.query(`DROP SCHEMA IF EXISTS aside CASCADE; CREATE SCHEMA aside; CREATE TABLE aside.posts (id integer, title text);
      INSERT INTO aside.posts VALUES (1, 'aside')`)
    const client = await world.client(app)
    const title = async () => (await app.ask(POST, [1], client)).rows[0]?.title
    expect(await title()).toBe('title 1')
    await client.query('BEGIN')
    await client.query('SAVEPOINT s')
    await client.query('SET search_path = aside')
    expect(await title()).toBe('aside')
    await client.query('ROLLBACK TO s')
    expect(await title()).toBe('title 1')
    await client.query(`SELECT set_config('search_path', 'aside', true)`)
    expect(await title()).toBe('aside')
    await client.query('COMMIT')
    expect(await title()).toBe('title 1')
    await client.query('BEGIN')
    await client.query('SET search_path = aside')
    await client.query('ROLLBACK')
    expect(await title()).toBe('title 1')
    await expect(client.query('SET search_path = aside; SELECT 1 / 0')).rejects.toThrow()
    expect(await title()).toBe('title 1')
    await client.query('SET LOCAL search_path = aside')
    expect(await title()).toBe('title 1')
    await client.query('SET search_path = aside')
    expect(await title()).toBe('aside')
    await client.query('DISCARD ALL')
    expect(await title()).toBe('title 1')
  })

  it.each([
    ['a view', "UPDATE seen SET title = 'new' WHERE id = 1"],
    ['a view of a view', "UPDATE deeper SET title = 'new' WHERE id = 1"],
    ['a view with an INSTEAD OF trigger', "UPDATE instead SET title = 'new' WHERE id = 1"],
    ['a CTE over a view', `WITH w AS (UPDATE seen SET title = 'new' WHERE id = 1 RETURNING id) SELECT * FROM w`],
    [
      'DDL that rewrites',
      `DROP VIEW instead, deeper, seen; ALTER TABLE posts ALTER COLUMN title TYPE text USING title || '!'`,
    ],
    ['SET DEFAULT of a key', 'DELETE FROM authors WHERE id = 1'],
  ])('B8: a write through %s', async (_, write) => {
    await world.plain.query(`
      CREATE VIEW seen AS SELECT * FROM posts; CREATE VIEW deeper AS SELECT * FROM seen WHERE id < 100;
      CREATE VIEW instead AS SELECT id, upper(title) AS title FROM posts;
      CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE posts SET title = NEW.title WHERE id = NEW.id; RETURN NEW; END $$;
      CREATE TRIGGER instead INSTEAD OF UPDATE ON instead FOR EACH ROW EXECUTE FUNCTION instead();
      CREATE TABLE authors (id integer PRIMARY KEY); INSERT INTO authors SELECT generate_series(0, 4);
      ALTER TABLE posts ALTER COLUMN author SET DEFAULT 0,
        ADD FOREIGN KEY (author) REFERENCES authors ON DELETE SET DEFAULT`)
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectDropped([one], 'SELECT title, author FROM posts WHERE id = $1', [1], () => two.pool.query(write))
  })

  it('B8: children, partitions and keys that refer to their own table', async () => {
    await world.plain.query(`
      CREATE TABLE parent (id integer, v integer); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (1, 1);
      CREATE TABLE parts (id integer, v integer) PARTITION BY LIST (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
      CREATE TABLE part2 PARTITION OF parts FOR VALUES IN (2); INSERT INTO parts VALUES (1, 1);
      CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree ON DELETE CASCADE, depth integer);
      INSERT INTO tree VALUES (1, NULL, 0), (2, 1, 1), (3, 2, 2), (4, 3, 3)`)
    const [one, two] = [await world.ready(), await world.ready()]
    const reads = ['parent', 'child', 'ONLY parent', 'parts', 'part1', 'part2'].map(
      (name) => `SELECT v FROM ${name} ORDER BY v`,
    )
    for (const write of [
      'UPDATE parent SET v = 2',
      'UPDATE child SET v = 3',
      'UPDATE parts SET id = 2',
      'UPDATE part2 SET v = 9',
      'TRUNCATE parent',
      'DELETE FROM parts',
    ]) {
      for (const read of reads) await one.ask(read)
      await two.pool.query(write)
      for (const read of reads) await world.expectRight(one, read)
    }
    await world.expectCached(one, 'SELECT depth FROM tree WHERE id = $1', [4])
    await world.expectCached(one, 'SELECT count(*)::int FROM tree WHERE up = 3')
    await two.pool.query('DELETE FROM tree WHERE id = 1')
    await world.expectRight(one, 'SELECT depth FROM tree WHERE id = $1', [4])
    await world.expectRight(one, 'SELECT count(*)::int FROM tree WHERE up = 3')
  })

  it('B9: a failed transaction answers by itself, however often the answer is in the cache', async () => {
    const client = await world.client(app)
    await world.expectCached(app, POST, [1], client)
    await client.query('BEGIN')
    await expect(client.query('SELECT 1 / (id - id) FROM posts WHERE id = 1')).rejects.toThrow()
    await expect(client.query(POST, [1])).rejects.toMatchObject({ code: '25P02' })
    await client.query('ROLLBACK')
    expect((await app.ask(POST, [1], client)).how).toBe('hit')
  })

  it('B9: dirtiness survives ROLLBACK TO for reads', async () => {
    const client = await world.client(app)
    await world.expectCached(app, POST, [1], client)
    await client.query('BEGIN')
    await client.query('SAVEPOINT s')
    await client.query(set(1, 'new'))
    await client.query('ROLLBACK TO s')
    await world.expectPast(app, POST, [1], /written/, client)
    await client.query('COMMIT')
  })

  it('B10: a bulk write over the bound of images drops the schemes whole; `invalidatedUpdate` takes them all', async () => {
    await world.plain.query(`INSERT INTO posts SELECT i, i, 'bulk' FROM generate_series(1000, 4000) i`)
    const byAuthor = 'SELECT id FROM posts WHERE author = $1'
    await world.expectCached(app, byAuthor, [2])
    await world.expectDropped([app], byAuthor, [3000], () =>
      other.pool.query('UPDATE posts SET author = author + 1 WHERE id >= 1000'),
    )
    await world.expectRight(app, byAuthor, [2])
    await world.expectCached(app, byAuthor, [2])
    await world.expectDropped([app], byAuthor, [3000], () =>
      other.cacheops.invalidatedUpdate(() => other.pool.query('UPDATE posts SET author = author + 1 WHERE id >= 1000')),
    )
    expect((await app.ask(byAuthor, [2])).how).toBe('hit')
  })
})
