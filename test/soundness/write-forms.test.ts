import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, type Runs, World } from './world.js'

const SCHEMA = `
  CREATE TABLE authors (id integer PRIMARY KEY, tenant integer NOT NULL, name text, posts integer NOT NULL DEFAULT 0);
  CREATE TABLE posts (id integer PRIMARY KEY, author integer REFERENCES authors ON DELETE CASCADE ON UPDATE CASCADE,
    slug text UNIQUE, state text NOT NULL DEFAULT 'draft', views integer NOT NULL DEFAULT 0);
  CREATE TABLE comments (id integer PRIMARY KEY, post integer REFERENCES posts ON DELETE SET NULL, body text, flag boolean);
  CREATE TABLE logs (id serial PRIMARY KEY, line text, seen boolean DEFAULT false);
  CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE authors SET posts = posts + 1 WHERE id = NEW.author; RETURN NULL; END $$;
  CREATE TRIGGER count_posts AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION count_posts();
  CREATE FUNCTION note(t text) RETURNS integer LANGUAGE sql AS $$ INSERT INTO logs (line) VALUES (t); SELECT 1 $$;
  CREATE PROCEDURE mark() LANGUAGE plpgsql AS $$ BEGIN UPDATE logs SET seen = true; END $$;
  CREATE TABLE events (id integer, at integer, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
  CREATE VIEW drafts AS SELECT id AS post, slug, author AS by FROM posts WHERE state = 'draft';
  INSERT INTO authors SELECT i, i % 2, 'author ' || i FROM generate_series(1, 4) i;
  INSERT INTO posts (id, author, slug) SELECT i, 1 + i % 4, 'post-' || i FROM generate_series(1, 12) i;
  INSERT INTO comments SELECT i, 1 + i % 12, 'comment ' || i, false FROM generate_series(1, 24) i;
  INSERT INTO logs (line) VALUES ('one'), ('two');
  INSERT INTO events SELECT i, i, 'k' || i % 3 FROM generate_series(1, 19) i;`

/** Each is cached before each write, and compared with the truth after it. */
const READS: readonly string[] = [
  ...[1, 2, 3, 7].flatMap((id) => [
    `SELECT * FROM posts WHERE id = ${id}`,
    `SELECT slug FROM posts WHERE author = ${id} ORDER BY slug`,
    `SELECT name FROM authors WHERE id = ${id}`,
    `SELECT posts FROM authors WHERE id = ${id}`,
    `SELECT body FROM comments WHERE post = ${id} ORDER BY id`,
    `SELECT * FROM comments WHERE id = ${id}`,
    `SELECT kind FROM events WHERE id = ${id}`,
  ]),
  `SELECT count(*)::int FROM posts WHERE state = 'draft'`,
  `SELECT slug FROM drafts WHERE by = 2 ORDER BY slug`,
  `SELECT count(*)::int FROM comments`,
  `SELECT count(*)::int FROM comments WHERE post IS NULL`,
  'SELECT line FROM logs ORDER BY id',
  'SELECT count(*)::int FROM logs WHERE seen',
  'SELECT id FROM events_1 ORDER BY id',
  `SELECT count(*)::int FROM events_2 WHERE kind = 'k1'`,
]

interface Form {
  readonly sql: string
  readonly values?: readonly unknown[]
  /** Reads that it must leave in the cache. */
  readonly kept?: readonly string[]
  /** Run before it, on the same connection. */
  readonly before?: string
}

const POST_7 = 'SELECT * FROM posts WHERE id = 7'
const OF_3 = 'SELECT slug FROM posts WHERE author = 3 ORDER BY slug'
const NAME_1 = 'SELECT name FROM authors WHERE id = 1'
const COMMENTS = 'SELECT count(*)::int FROM comments'
const COMMENT_7 = 'SELECT * FROM comments WHERE id = 7'
const LINES = 'SELECT line FROM logs ORDER BY id'
const EVENT_7 = 'SELECT kind FROM events WHERE id = 7'

const FORMS: readonly Form[] = [
  {
    sql: `UPDATE posts SET state = 'live' FROM authors a WHERE a.id = posts.author AND posts.id = 1`,
    kept: [POST_7, OF_3],
  },
  {
    sql: `UPDATE posts p SET author = c.id FROM authors c WHERE c.name = 'author 2' AND p.id = $1 RETURNING c.name, p.id`,
    values: [1],
    kept: [POST_7, COMMENTS],
  },
  {
    sql: 'DELETE FROM comments c USING posts p WHERE p.id = c.post AND p.id = $1',
    values: [3],
    kept: [POST_7, COMMENT_7],
  },
  {
    sql: `INSERT INTO posts (id, author, slug) SELECT id + 100, id, name FROM authors WHERE id = 2 RETURNING id`,
    kept: [POST_7, OF_3, NAME_1],
  },
  {
    sql: `INSERT INTO posts (id, author, slug) VALUES (1, 2, 'again') ON CONFLICT (id) DO UPDATE SET slug = excluded.slug`,
    kept: [POST_7, OF_3],
  },
  {
    sql: `INSERT INTO posts (id, author, slug) VALUES ($1, 2, 'moved') ON CONFLICT (id) DO UPDATE SET author = excluded.author`,
    values: [1],
    kept: [POST_7, COMMENTS],
  },
  {
    sql: `INSERT INTO posts (id, author, slug) VALUES (1, 2, 'post-1') ON CONFLICT DO NOTHING`,
    kept: [POST_7, COMMENTS],
  },
  {
    sql: `WITH w AS (UPDATE posts SET state = 'live' WHERE id = 2 RETURNING *) SELECT id FROM w`,
    kept: [POST_7, OF_3.replace('3', '1')],
  },
  {
    sql: `WITH w AS (UPDATE posts SET views = views + 1 WHERE id = $1 RETURNING id), x AS (INSERT INTO logs (line) SELECT id::text FROM w RETURNING id) DELETE FROM comments WHERE post IN (SELECT id FROM w)`,
    values: [2],
    kept: [POST_7, OF_3],
  },
  {
    sql: `WITH w AS (INSERT INTO posts (id, author, slug) VALUES (200, 2, 'new') RETURNING id) INSERT INTO comments (id, post, body) SELECT 200, 3, 'x' FROM w`,
    kept: [POST_7, OF_3, COMMENT_7],
  },
  { sql: `WITH w AS (DELETE FROM comments WHERE id = 1 RETURNING post) SELECT * FROM w`, kept: [POST_7, COMMENT_7] },
  { sql: 'DELETE FROM authors WHERE id = 1', kept: [OF_3, LINES] },
  { sql: 'UPDATE authors SET id = 50 WHERE id = 2', kept: [COMMENTS, LINES, NAME_1] },
  { sql: 'DELETE FROM posts WHERE id = $1', values: [2], kept: [POST_7, COMMENTS, NAME_1] },
  {
    sql: `MERGE INTO posts p USING (VALUES (1, 'merged'), (300, 'added')) v (id, slug) ON p.id = v.id WHEN MATCHED THEN UPDATE SET slug = v.slug WHEN NOT MATCHED THEN INSERT (id, author, slug) VALUES (v.id, 3, v.slug)`,
    kept: [COMMENTS, LINES],
  },
  {
    sql: `MERGE INTO posts p USING (VALUES (1)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET views = 77`,
    kept: [OF_3, COMMENTS],
  },
  { sql: `UPDATE drafts SET slug = 'by view' WHERE post = $1`, values: [5], kept: [POST_7, COMMENTS] },
  { sql: 'DELETE FROM drafts WHERE post = 6', kept: [POST_7, COMMENTS] },
  { sql: `INSERT INTO drafts (post, slug, by) VALUES (400, 'from view', 3)`, kept: [COMMENTS, LINES] },
  { sql: `UPDATE events SET kind = 'k1' WHERE id = 3 AND at = 3`, kept: [EVENT_7] },
  { sql: 'UPDATE events SET at = 15 WHERE id = 4 AND at = 4', kept: [EVENT_7] },
  { sql: `UPDATE events_1 SET kind = 'k0' WHERE id = 1`, kept: [EVENT_7] },
  { sql: `INSERT INTO events_2 VALUES (30, 12, 'k1')`, kept: [EVENT_7] },
  { sql: 'DELETE FROM events WHERE id = 5', kept: [EVENT_7] },
  { sql: 'TRUNCATE events_2', kept: [POST_7] },
  { sql: 'TRUNCATE comments', kept: [POST_7, LINES] },
  { sql: `EXPLAIN (ANALYZE) UPDATE posts SET state = 'live' WHERE id = 3`, kept: [POST_7, COMMENTS] },
  { sql: `CREATE TABLE taken AS WITH w AS (DELETE FROM logs RETURNING *) SELECT * FROM w` },
  { sql: `SELECT note('called')`, kept: [POST_7, NAME_1] },
  { sql: `SELECT p.id FROM posts p WHERE note(p.slug) = 1 AND p.id = 1`, kept: [POST_7, NAME_1] },
  { sql: 'CALL mark()', kept: [POST_7, NAME_1] },
  { sql: `DO $$ BEGIN UPDATE logs SET line = line || '!' WHERE id = 1; END $$`, kept: [POST_7, NAME_1] },
  { sql: `DO $$ BEGIN EXECUTE 'UPDATE authors SET name = ''dynamic'' WHERE id = 1'; END $$` },
  {
    before: `PREPARE p AS UPDATE posts SET slug = $2 WHERE id = $1`,
    sql: `EXECUTE p (3, 'prepared')`,
    kept: [COMMENTS, NAME_1],
  },
  { before: 'BEGIN; DECLARE c CURSOR FOR SELECT note(slug) FROM posts WHERE id < 3', sql: 'FETCH 5 FROM c; COMMIT' },
  {
    sql: `UPDATE posts SET slug = slug || '+' WHERE id = 1; UPDATE comments SET flag = true WHERE id = 2`,
    kept: [POST_7, COMMENT_7, NAME_1],
  },
  { sql: `SET search_path = public; UPDATE posts SET slug = slug || '-' WHERE id = 1` },
  {
    sql: `CREATE FUNCTION pg_temp.f(OUT line text) LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO logs (line) VALUES ('temp') RETURNING logs.line INTO line; END $f$; SELECT * FROM pg_temp.f(); DROP FUNCTION pg_temp.f()`,
  },
]

describe('writes of every form: what is read afterwards is right, and what they do not touch is kept', () => {
  let world: World
  let reader: App
  let writer: App
  beforeAll(async () => {
    world = await World.open('write_forms')
    await world.reset(SCHEMA)
    reader = await world.ready()
    writer = await world.ready()
  })
  afterAll(() => world.end())

  it.each(FORMS)('$sql', async ({ sql, values, kept = [], before }) => {
    await writer.on(async (client: Runs) => {
      if (before !== undefined) await client.query(before)
      for (const read of [...READS, ...kept]) await world.expectCached(reader, read)
      await client.query(sql, values && [...values])
    })
    for (const read of kept) expect({ read, how: (await reader.ask(read)).how }).toEqual({ read, how: 'hit' })
    for (const read of READS) await world.expectRight(reader, read)
  })
})
