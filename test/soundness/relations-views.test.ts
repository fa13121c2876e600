import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, hot boolean, at timestamptz);
  CREATE TABLE tags (id integer PRIMARY KEY, post integer, tag text);
  CREATE TABLE secrets (id integer PRIMARY KEY, word text);
  INSERT INTO posts SELECT i, i % 4, 'title ' || i, i % 2 = 0, now() FROM generate_series(1, 9) i;
  INSERT INTO tags SELECT i, i, 'tag ' || i % 3 FROM generate_series(1, 6) i;
  INSERT INTO secrets VALUES (1, 'psst');
  CREATE VIEW hot AS SELECT id, title FROM posts WHERE hot;
  CREATE VIEW tagged AS SELECT h.id, h.title, t.tag FROM hot h LEFT JOIN tags t ON t.post = h.id;
  CREATE VIEW counted AS SELECT author, count(*) AS n, max(title) AS last FROM posts GROUP BY author;
  CREATE VIEW latest AS SELECT id, title FROM posts ORDER BY id DESC LIMIT 3;
  CREATE VIEW placed AS SELECT id, row_number() OVER (ORDER BY id) AS place FROM posts;
  CREATE VIEW once AS SELECT DISTINCT author FROM posts;
  CREATE VIEW either AS SELECT id, title FROM posts WHERE author = 1 UNION ALL SELECT id, tag FROM tags WHERE post = 2;
  CREATE VIEW known AS SELECT id FROM posts p WHERE EXISTS (SELECT 1 FROM tags WHERE tags.post = p.id AND tags.tag = 'tag 1');
  CREATE VIEW whispered AS SELECT p.id, (SELECT word FROM secrets WHERE secrets.id = p.id) AS word FROM posts p;
`

describe('relations: views', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('relations_views')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it.each([
    ['a view', 'SELECT title FROM hot WHERE id = 2', `UPDATE posts SET title = 'new' WHERE id = 2`],
    [
      'a view whose condition is over a column that nobody selects',
      'SELECT count(*) FROM hot',
      'UPDATE posts SET hot = true WHERE id = 3',
    ],
    ['a view of a view', 'SELECT * FROM tagged ORDER BY id', `UPDATE tags SET tag = 'new' WHERE post = 2`],
    ['the base of a view of a view', 'SELECT * FROM tagged ORDER BY id', 'UPDATE posts SET hot = false WHERE id = 2'],
    [
      'the side of an outer join that was not there',
      'SELECT id FROM tagged WHERE tag IS NULL ORDER BY id',
      `INSERT INTO tags VALUES (10, 8, 'x')`,
    ],
    ['an aggregate', 'SELECT n FROM counted WHERE author = 1', 'DELETE FROM posts WHERE id = 5'],
    [
      'an aggregate over a key that moves',
      'SELECT * FROM counted WHERE author = 7',
      'UPDATE posts SET author = 7 WHERE id = 1',
    ],
    [
      'LIMIT',
      'SELECT title FROM latest WHERE id = 9',
      `INSERT INTO posts VALUES (10, 1, 'a'), (11, 1, 'b'), (12, 1, 'c')`,
    ],
    ['DISTINCT', 'SELECT author FROM once ORDER BY author', 'UPDATE posts SET author = 9 WHERE id = 1'],
    ['a set operation', 'SELECT title FROM either WHERE id = 2', `UPDATE tags SET tag = 'new' WHERE id = 2`],
    ['a condition with a subquery', 'SELECT id FROM known ORDER BY id', `UPDATE tags SET tag = 'tag 1' WHERE id = 2`],
    ['a subquery in its outputs', 'SELECT word FROM whispered WHERE id = 1', `UPDATE secrets SET word = 'shh'`],
    [
      'a join with itself',
      'SELECT a.title FROM hot a JOIN hot b ON a.id = b.id WHERE b.title = $1',
      `UPDATE posts SET hot = false WHERE id = 2`,
      ['title 2'],
    ],
    ['a window', 'SELECT place FROM placed WHERE id = 9', 'DELETE FROM posts WHERE id = 1'],
    [
      'an outer join that misses it',
      'SELECT t.id FROM tags t LEFT JOIN hot h ON h.id = t.post WHERE h.id IS NULL ORDER BY t.id',
      'UPDATE posts SET hot = true WHERE id = 1',
    ],
    [
      'an outer join inside that misses',
      'SELECT id FROM tagged WHERE tag IS NULL ORDER BY id',
      'DELETE FROM tags WHERE post = 2',
    ],
    [
      'a constant that travels',
      `SELECT t.tag FROM tags t JOIN hot h ON h.id = t.post WHERE h.id = 2`,
      `UPDATE tags SET tag = 'new' WHERE post = 2`,
    ],
    [
      'a subquery',
      'SELECT id FROM tags WHERE post IN (SELECT id FROM hot) ORDER BY id',
      'UPDATE posts SET hot = true WHERE id = 1',
    ],
    ['a whole row', 'SELECT hot FROM hot WHERE id = 2', `UPDATE posts SET title = 'new' WHERE id = 2`],
  ])('A10: what a view reads drops what reads the view: %s', async (_, read, write, values = [] as string[]) => {
    await world.expectDropped([app, other], read, values, () => other.pool.query(write))
  })

  it('A10: a condition on a view holds inside: other rows drop nothing', async () => {
    const reads = ['SELECT title FROM hot WHERE id = 2', 'SELECT tag FROM tagged WHERE id = 2']
    for (const read of reads) await world.expectCached(app, read)
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 4`)
    await other.pool.query(`UPDATE tags SET tag = 'new' WHERE post = 4`)
    for (const read of reads) expect((await app.ask(read)).how).toBe('hit')
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 2`)
    for (const read of reads) expect((await app.ask(read)).how).toBe('miss')
  })

  it('A10: a view with a clock, a function or an operator of the user passes by, however deep', async () => {
    await world.plain.query(`
      CREATE VIEW clock AS SELECT id FROM posts WHERE at < now(); CREATE VIEW on_clock AS SELECT id FROM clock;
      CREATE VIEW day AS SELECT id, title::date AS d FROM posts WHERE false;
      CREATE FUNCTION words() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM public.secrets';
      CREATE VIEW called AS SELECT id, words() AS n FROM posts;
      CREATE FUNCTION more(integer, integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 1 FROM public.secrets';
      CREATE OPERATOR ### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = more);
      CREATE VIEW operated AS SELECT id FROM posts WHERE id ### 1;
      CREATE VIEW listed AS SELECT relname FROM pg_class`)
    const one = await world.ready()
    for (const view of ['clock', 'on_clock', 'day', 'called', 'operated', 'listed']) {
      await world.expectPast(one, `SELECT count(*) FROM ${view}`)
    }
  })

  it('A10: a cast that a view applies unseen passes by', async () => {
    await world.plain.query(`
      CREATE TYPE pair AS (a integer, b integer);
      CREATE FUNCTION sized(pair) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM public.secrets';
      CREATE CAST (pair AS bigint) WITH FUNCTION sized(pair) AS IMPLICIT;
      CREATE TABLE pairs (id integer, p pair); INSERT INTO pairs VALUES (1, (1, 2));
      CREATE VIEW measured AS SELECT id, abs(p) AS n FROM pairs`)
    const one = await world.ready()
    await world.expectPast(one, 'SELECT n FROM measured', [], /implicit cast/)
    await world.expectPast(one, 'SELECT abs(p) AS n FROM pairs', [], /implicit cast/)
  })

  it('A10: a definition means its own names, whatever the search path of who asks', async () => {
    await world.plain.query(`CREATE SCHEMA IF NOT EXISTS aside; DROP TABLE IF EXISTS aside.posts;
      CREATE TABLE aside.posts (id integer, title text, hot boolean); INSERT INTO aside.posts VALUES (2, 'aside', true);
      CREATE TABLE aside.pg_class (relname name); CREATE VIEW listed AS SELECT relname FROM pg_catalog.pg_class`)
    const one = await world.ready({ pool: { options: '-c search_path=aside,public,pg_catalog' } })
    await world.expectPast(one, 'SELECT count(*) FROM listed', [], /pg_class belongs to the system/)
    await world.expectCached(one, 'SELECT title FROM hot WHERE id = 2')
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 2`)
    expect((await one.ask('SELECT title FROM hot WHERE id = 2')).rows).toEqual([{ title: 'new' }])
    await world.plain.query('DROP SCHEMA aside CASCADE')
  })

  it.each([
    ['replaced', 'CREATE OR REPLACE VIEW hot AS SELECT id, title FROM posts WHERE NOT hot'],
    ['replaced below another', 'CREATE OR REPLACE VIEW hot AS SELECT id, title FROM posts WHERE author = 1'],
    [
      'made over other columns',
      'DROP VIEW hot CASCADE; CREATE VIEW hot AS SELECT id, upper(title) AS title FROM posts; CREATE VIEW tagged AS SELECT id, title, NULL AS tag FROM hot',
    ],
  ])('A7: a view that is %s is another', async (_, ddl) => {
    const read = 'SELECT title FROM tagged ORDER BY id, title'
    await world.expectDropped([app, other], read, [], () => other.pool.query(ddl))
    await world.expectCached(app, read)
    await world.expectDropped([app, other], read, [], () =>
      other.pool.query(`UPDATE posts SET title = 'new ' || id WHERE id > 1`),
    )
  })

  it('a table that is never cached is not cached through a view either', async () => {
    const one = await world.ready({ models: { '*': { ops: 'all', ttl: '1h' }, secrets: false } })
    await world.expectPast(one, 'SELECT word FROM whispered WHERE id = 1', [], /secrets is configured as never cached/)
    await world.expectCached(one, 'SELECT title FROM hot WHERE id = 2')
  })

  it('a view has the policy of its main table, unless a pattern names it', async () => {
    const manual = await world.ready({ models: { '*': { ops: 'all', ttl: '1h' }, posts: 'manual' } })
    await world.expectPast(manual, 'SELECT title FROM tagged', [], /only where asked/)
    const table = await world.ready({ models: { posts: { ops: 'all', ttl: '1h' } } })
    await world.expectCached(table, 'SELECT title FROM tagged ORDER BY id')
    const view = await world.ready({ models: { hot: { ops: 'all', ttl: '1h' }, posts: 'manual' } })
    await world.expectCached(view, 'SELECT title FROM tagged ORDER BY id')
    const counts = await world.ready({
      models: { hot: { ops: ['count'], ttl: '1h' }, posts: { ops: 'all', ttl: '1h' } },
    })
    await world.expectPast(counts, 'SELECT title FROM tagged', [], /'fetch' is not among the operations of 'hot'/)
  })

  it('invalidateModel of a view drops what reads its tables', async () => {
    await world.expectCached(app, 'SELECT title FROM hot WHERE id = 2')
    await world.expectCached(app, 'SELECT word FROM secrets')
    await world.plain.query(`UPDATE posts SET title = 'outside' WHERE id = 2; UPDATE secrets SET word = 'outside'`)
    await other.cacheops.invalidateModel('tagged')
    await world.expectRight(app, 'SELECT title FROM hot WHERE id = 2')
    expect((await app.ask('SELECT word FROM secrets')).how).toBe('hit')
    await expect(other.cacheops.invalidateObj('tagged', { id: 2 })).rejects.toThrow(
      /keeps no rows of its own \(it is a view\)/,
    )
  })
})
