import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, stopAt, until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, views integer NOT NULL DEFAULT 0, n integer, v varchar(3));
  CREATE TABLE logs (id serial PRIMARY KEY, line text);
  INSERT INTO posts (id, author, title) SELECT i, i % 3, 'title ' || i FROM generate_series(1, 9) i;
  INSERT INTO logs (line) VALUES ('one');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const BY_AUTHOR = 'SELECT id FROM posts WHERE author = $1 ORDER BY id'
const LOGS = 'SELECT count(*)::int AS n FROM logs'

describe('what the database does behind the text: writes', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('database_writes')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  describe('A8: row images under READ COMMITTED', () => {
    it('A8: an update meets rows that its pre-read did not', async () => {
      for (const author of [0, 1, 2]) await world.expectCached(other, BY_AUTHOR, [author])
      const stop = stopAt(app, 'pre-read')
      const write = app.pool.query(`UPDATE posts SET author = 0 WHERE author IN (2, 7)`)
      await stop.reached
      // Not locked by the pre-read, as it is not there yet: the update meets it.
      await world.plain.query(`INSERT INTO posts (id, author, title) VALUES (100, 2, 'late')`)
      await other.cacheops.invalidateModel('posts')
      for (const author of [0, 1, 2]) await world.expectCached(other, BY_AUTHOR, [author])
      stop.go()
      await write
      for (const author of [0, 1, 2]) await world.expectRight(other, BY_AUTHOR, [author])
    })

    it('A8: an update whose row another moved between: both places are dropped', async () => {
      for (const author of [0, 1, 2, 5]) await world.expectCached(other, BY_AUTHOR, [author])
      const locker = await world.client(other)
      await locker.query('BEGIN')
      await locker.query('UPDATE posts SET author = 5 WHERE id = 1')
      const write = app.pool.query('UPDATE posts SET author = 2 WHERE id = 1')
      await until('it waits', async () =>
        Boolean(
          (
            await world.truth(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1`,
            )
          ).length,
        ),
      )
      await locker.query('COMMIT')
      // While the write that waited is on its way.
      for (const author of [0, 1, 5])
        await Promise.all([other.pool.query(BY_AUTHOR, [author]), app.pool.query(BY_AUTHOR, [author])])
      await write
      for (const author of [0, 1, 2, 5]) await world.expectRight(other, BY_AUTHOR, [author])
    })

    it('A8: an update of the key itself', async () => {
      await world.expectCached(other, POST, [1])
      await world.expectCached(other, POST, [101])
      await app.pool.query('UPDATE posts SET id = id + 100 WHERE id < 4')
      await world.expectRight(other, POST, [1])
      await world.expectRight(other, POST, [101])
    })

    it('A8: an upsert overwrites a row that nobody pre-read', async () => {
      for (const author of [0, 1, 2]) await world.expectCached(other, BY_AUTHOR, [author])
      await app.pool.query(
        `INSERT INTO posts (id, author) VALUES (1, 2), (50, 0) ON CONFLICT (id) DO UPDATE SET author = excluded.author`,
      )
      for (const author of [0, 1, 2]) await world.expectRight(other, BY_AUTHOR, [author])
    })

    it('A8: cascades of a key reach the children, and theirs', async () => {
      await world.plain.query(`
        CREATE TABLE comments (id integer PRIMARY KEY, post integer REFERENCES posts ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE TABLE likes (id integer PRIMARY KEY, comment integer REFERENCES comments ON DELETE SET NULL);
        INSERT INTO comments VALUES (1, 1), (2, 2); INSERT INTO likes VALUES (1, 1), (2, 2)`)
      const [one, two] = [await world.ready(), await world.ready()]
      const comments = 'SELECT id FROM comments WHERE post = $1'
      await world.expectCached(one, comments, [2])
      await world.expectDropped([one], comments, [1], () => two.pool.query('UPDATE posts SET id = 201 WHERE id = 1'))
      await world.expectDropped([one], 'SELECT comment FROM likes WHERE id = $1', [1], () =>
        two.pool.query('DELETE FROM posts WHERE id = 201'),
      )
      expect((await one.ask(comments, [2])).how).toBe('hit')
    })

    it('A8: the pre-read of an autocommit write leaves no transaction behind, whatever fails', async () => {
      await world.expectCached(app, BY_AUTHOR, [1])
      const client = await world.client(app)
      const update = { text: 'UPDATE posts SET author = 2 WHERE id = 1 RETURNING author' }
      const types = {
        getTypeParser: () => () => {
          throw new Error('a parser that throws')
        },
      }
      await expect(client.query({ ...update, types: types as never })).rejects.toThrow('a parser that throws')
      expect((await client.query('SELECT now() = statement_timestamp() AS own')).rows).toEqual([{ own: true }])
      await world.expectRight(app, BY_AUTHOR, [1])
      await expect(client.query('UPDATE posts SET author = 1 / (id - id) WHERE id = 1')).rejects.toMatchObject({
        code: '22012',
      })
      await client.query(`UPDATE posts SET author = 1 WHERE id = 1`)
      expect(await world.truth('SELECT author FROM posts WHERE id = 1')).toEqual([{ author: 1 }])
      expect(
        await world.truth(`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in%'`),
      ).toEqual([{ n: 0 }])
    })
  })

  describe('A9: the columns that change', () => {
    it('A9: a BEFORE trigger changes more than SET says', async () => {
      await world.plain.query(`
        CREATE FUNCTION derive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.author := NEW.views; NEW.title := 'by trigger'; RETURN NEW; END $$;
        CREATE TRIGGER derive BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION derive()`)
      const [one, two] = [await world.ready(), await world.ready()]
      await world.expectDropped([one], POST, [1], () => two.pool.query('UPDATE posts SET views = 2 WHERE id = 1'))
      await world.expectDropped([one], BY_AUTHOR, [2], () => two.pool.query('UPDATE posts SET views = 2 WHERE id = 3'))
      await world.expectDropped([one], BY_AUTHOR, [2], () =>
        two.pool.query('UPDATE posts SET views = 1 WHERE author = 2'),
      )
    })

    it('A9: generated columns follow what they read, as deep as they do', async () => {
      await world.plain.query(`ALTER TABLE posts ADD COLUMN twice integer GENERATED ALWAYS AS (views * 2) STORED`)
      const [one, two] = [await world.ready(), await world.ready()]
      await world.expectDropped([one], 'SELECT count(*) FROM posts WHERE twice = 8', [], () =>
        two.pool.query('UPDATE posts SET views = 4 WHERE id = 1'),
      )
      await world.expectDropped([one], 'SELECT twice FROM posts WHERE id = 1', [], () =>
        two.pool.query('UPDATE posts SET views = 5 WHERE id = 1'),
      )
    })

    it('A9: system columns and whole rows change with every write', async () => {
      await world.expectDropped([app], 'SELECT p FROM posts p WHERE id = 1', [], () =>
        other.pool.query('UPDATE posts SET views = 3 WHERE id = 1'),
      )
      await world.expectDropped([app], 'SELECT row_to_json(p)::text AS j FROM posts p WHERE id = 1', [], () =>
        other.pool.query('UPDATE posts SET views = 4 WHERE id = 1'),
      )
      const before = await app.ask('SELECT xmin FROM posts WHERE id = 1')
      await other.pool.query('UPDATE posts SET views = 5 WHERE id = 1')
      expect((await app.ask('SELECT xmin FROM posts WHERE id = 1')).rows).not.toEqual(before.rows)
    })

    it('A9: values in the text are not the values that are stored', async () => {
      const byN = 'SELECT id FROM posts WHERE n = $1'
      await world.expectDropped([app], byN, [3], () => other.pool.query('UPDATE posts SET n = 2.6 WHERE id = 1'))
      await world.expectDropped([app], byN, [4], () => other.pool.query(`INSERT INTO posts (id, n) VALUES (60, 3.5)`))
      const byV = 'SELECT id FROM posts WHERE v = $1'
      await world.expectDropped([app], byV, ['abc'], () =>
        other.pool.query(`UPDATE posts SET v = 'abc   ' WHERE id = 1`),
      )
      await world.expectDropped([app], byV, ['abc'], () => other.pool.query(`DELETE FROM posts WHERE v = 'abc'`))
    })

    it('A9: a default that the statement does not name', async () => {
      await world.expectDropped([app], 'SELECT count(*) FROM posts WHERE views = 0', [], () =>
        other.pool.query('INSERT INTO posts (id) VALUES (70)'),
      )
    })
  })

  describe('A16: relations that are not tables', () => {
    it.each([
      [
        'a foreign table',
        `CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE r (line text) SERVER files OPTIONS (filename '/etc/hostname')`,
      ],
      ['a sequence', 'CREATE SEQUENCE r'],
    ])('A16: %s is never cached', async (_, ddl) => {
      await world.plain.query(ddl)
      await world.expectPast(await world.ready(), 'SELECT count(*) FROM r')
      await world.expectPast(app, 'SELECT count(*) FROM pg_catalog.pg_stat_activity')
      await world.expectPast(app, 'SELECT count(*) FROM information_schema.tables')
    })

    it('A16: REFRESH writes a materialized view, and a table with rules is opaque', async () => {
      await world.plain.query(`CREATE MATERIALIZED VIEW m AS SELECT count(*)::int AS n FROM posts;
        CREATE VIEW through AS SELECT * FROM m;
        CREATE RULE also AS ON UPDATE TO posts DO ALSO INSERT INTO logs (line) VALUES ('by rule')`)
      const one = await world.ready()
      await world.expectRight(one, 'SELECT * FROM m')
      await one.pool.query('DELETE FROM posts WHERE id = 1')
      await one.pool.query('REFRESH MATERIALIZED VIEW m')
      await world.expectRight(one, 'SELECT * FROM m')
      await world.expectRight(one, 'SELECT * FROM through')
      await world.expectDropped([one, await world.ready()], LOGS, [], () =>
        one.pool.query('UPDATE posts SET views = 1 WHERE id = 2'),
      )
    })
  })

  describe('A17: an opaque writer', () => {
    const opaque = `
      CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN EXECUTE 'INSERT INTO ' || 'logs (line) VALUES (''quiet'')'; RETURN NULL; END $$;
      CREATE TRIGGER quiet AFTER INSERT ON posts FOR EACH STATEMENT EXECUTE FUNCTION quiet();
      CREATE FUNCTION speak() RETURNS integer LANGUAGE plpgsql AS
        $$ BEGIN EXECUTE 'INSERT INTO ' || 'logs (line) VALUES (''spoken'')'; RETURN 1; END $$`

    it('A17: a trigger with EXECUTE that nobody declared drops the database', async () => {
      await world.plain.query(opaque)
      const [one, two] = [await world.ready(), await world.ready()]
      await world.expectDropped([one], LOGS, [], () => two.pool.query('INSERT INTO posts (id) VALUES (80)'))
      await world.expectDropped([one], LOGS, [], () => two.pool.query('SELECT speak()'))
      await world.expectDropped([one], LOGS, [], () => two.pool.query('SELECT id FROM posts WHERE id = speak()'))
      await world.expectDropped([one], LOGS, [], () => two.pool.query('UPDATE posts SET views = speak() WHERE id = 1'))
      await world.plain.query('ALTER TABLE posts ALTER COLUMN n SET DEFAULT speak()')
      const three = await world.ready()
      await three.pool.query('COMMENT ON TABLE logs IS NULL')
      await world.expectDropped([one], LOGS, [], () => three.pool.query('INSERT INTO posts (id) VALUES (81)'))
    })

    it('A17: declared, it drops what is declared and nothing else', async () => {
      await world.plain.query(opaque)
      const declared = { triggers: { quiet: { writes: ['logs'] } }, functions: { speak: { writes: ['public.logs'] } } }
      const one = await world.ready(declared)
      await world.plain.query('CREATE TABLE calm (id integer)')
      const two = await world.ready(declared)
      await world.expectCached(two, 'SELECT count(*) FROM calm')
      await world.expectDropped([one], LOGS, [], () => two.pool.query('INSERT INTO posts (id) VALUES (82)'))
      await world.expectDropped([one], LOGS, [], () => two.pool.query('SELECT speak()'))
      expect((await two.ask('SELECT count(*) FROM calm')).how).toBe('hit')
    })
  })
})
