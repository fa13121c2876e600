import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCacheops } from '../../src/cacheops.js'
import { cachedPg } from '../../src/drivers/pg/index.js'
import { memory } from '../../src/store/memory.js'
import { createDatabase } from '../support/postgres.js'

/** What the property tests and a hostile reading have found, each as small as it gets. */

type Statement = string | readonly [text: string, ...params: readonly unknown[]]

let database: Awaited<ReturnType<typeof createDatabase>>
let plain: pg.Pool

beforeAll(async () => {
  database = await createDatabase('regressions')
  plain = new pg.Pool({ connectionString: database.url })
})

afterAll(async () => {
  await plain.end()
  await database.drop()
})

const split = (statement: Statement) =>
  typeof statement === 'string' ? ([statement, []] as const) : ([statement[0], statement.slice(1)] as const)

/** Caches a read, writes through the cache, and expects the next read to be what the database says. */
async function stays(schema: string, read: Statement, ...writes: readonly Statement[]): Promise<void> {
  await plain.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${schema}`)
  const cacheops = createCacheops({ store: memory(), defaults: { ttl: '1h' }, models: { '*': 'all' } })
  const pool = new (cachedPg(cacheops, pg).Pool)({ connectionString: database.url, max: 1 })
  try {
    await cacheops.ready()
    const [text, values] = split(read)
    const ask = async (on: pg.Pool) => (await on.query({ text, values: [...values], rowMode: 'array' })).rows
    const before = await ask(pool)
    for (const write of writes) {
      const [words, params] = split(write)
      await pool.query(words, [...params])
    }
    const after = await ask(plain)
    expect(after, 'the write changes the answer').not.toEqual(before)
    expect(await ask(pool)).toEqual(after)
  } finally {
    await pool.end()
    await cacheops.close()
  }
}

describe('A23: a parameter that stands in several places', () => {
  it('is rounded where its first place is a real', async () => {
    await stays(
      'CREATE TABLE t (id integer, f real)',
      ['SELECT id FROM t WHERE f <= $1 AND id = $1', '16777217'],
      'INSERT INTO t VALUES (16777216, 1)',
    )
  })

  it('loses its blanks where its first place is a char', async () => {
    await stays(
      'CREATE TABLE t (c char(3), s text)',
      ['SELECT s FROM t WHERE c = $1 AND s = $1', 'a  '],
      `INSERT INTO t VALUES ('a', 'a')`,
    )
  })

  it('also in the WHERE clause of a write', async () => {
    await stays(
      'CREATE TABLE t (id integer, f real); INSERT INTO t VALUES (16777216, 1)',
      'SELECT count(*) FROM t WHERE id = 16777216',
      ['DELETE FROM t WHERE f <= $1 AND id = $1', '16777217'],
    )
  })
})

describe('S2: names in FROM', () => {
  const tables = `
    CREATE TABLE q (id integer, x integer); CREATE TABLE t (id integer); CREATE TABLE r (id integer);
    INSERT INTO q VALUES (1, 7), (2, 5); INSERT INTO t VALUES (2);`

  it('ON does not see what is joined later: the name is the enclosing query’s', async () => {
    await stays(
      tables,
      'SELECT o.id FROM q AS o WHERE EXISTS (SELECT 1 FROM t JOIN r ON r.id = x JOIN q AS q2 ON q2.id = t.id WHERE q2.x = 5)',
      'INSERT INTO r VALUES (7)',
    )
  })

  it('nor does a lateral query see what stands behind it', async () => {
    await stays(
      tables,
      'SELECT o.id FROM q AS o WHERE EXISTS (SELECT 1 FROM t, LATERAL (SELECT 1 AS one FROM r WHERE r.id = x) AS d, q AS q2 WHERE q2.x = 5)',
      'INSERT INTO r VALUES (7)',
    )
  })
})

describe('B8: foreign keys', () => {
  it('an upsert that moves a key takes along children that are not keyed alike', async () => {
    await stays(
      `CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE r (t_id bigint REFERENCES t ON UPDATE CASCADE);
       INSERT INTO t VALUES (1); INSERT INTO r VALUES (1)`,
      'SELECT t_id FROM r',
      'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2',
    )
  })

  it('ON UPDATE SET NULL sets all columns, whatever ON DELETE SET NULL (…) says', async () => {
    await stays(
      `CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b));
       CREATE TABLE c (a integer, b integer, FOREIGN KEY (a, b) REFERENCES p ON DELETE SET NULL (b) ON UPDATE SET NULL);
       INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, 1)`,
      'SELECT a FROM c',
      'UPDATE p SET a = 2 WHERE a = 1',
    )
  })

  it('a trigger of the child moves a key of its own, which others follow', async () => {
    await stays(
      `CREATE TABLE t (id integer PRIMARY KEY);
       CREATE TABLE m (t_id integer REFERENCES t ON UPDATE CASCADE, code integer UNIQUE);
       CREATE TABLE f (code integer REFERENCES m (code) ON UPDATE CASCADE);
       CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.code := NEW.t_id; RETURN NEW; END';
       CREATE TRIGGER move BEFORE UPDATE ON m FOR EACH ROW EXECUTE FUNCTION move();
       INSERT INTO t VALUES (1); INSERT INTO m VALUES (1, 1); INSERT INTO f VALUES (1)`,
      'SELECT code FROM f',
      'UPDATE t SET id = 2',
    )
  })
})

describe('S1: what a statement does beyond its text', () => {
  const log =
    'CREATE TABLE log (id integer PRIMARY KEY); CREATE TABLE line (log_id integer REFERENCES log); INSERT INTO log VALUES (1); INSERT INTO line VALUES (1);'

  it('a view that is read runs the functions of its definition', async () => {
    await stays(
      `${log} CREATE FUNCTION touch() RETURNS integer LANGUAGE sql AS 'UPDATE log SET id = id + 1 WHERE id > 1; SELECT 1';
       INSERT INTO log VALUES (5); CREATE VIEW v AS SELECT touch() AS touched`,
      'SELECT id FROM log WHERE id > 1',
      'SELECT * FROM v',
    )
  })

  it('a trigger that truncates with CASCADE empties the tables that refer', async () => {
    await stays(
      `${log} CREATE TABLE t (id integer); CREATE FUNCTION clear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE log CASCADE; RETURN NULL; END';
       CREATE TRIGGER clear AFTER INSERT ON t EXECUTE FUNCTION clear()`,
      'SELECT log_id FROM line',
      'INSERT INTO t VALUES (1)',
    )
  })

  it('TRUNCATE … CASCADE of several tables, one of which a trigger of another writes', async () => {
    await stays(
      `${log} CREATE TABLE t (id integer); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE log SET id = id; RETURN NULL; END';
       CREATE TRIGGER note AFTER INSERT ON t EXECUTE FUNCTION note()`,
      'SELECT log_id FROM line',
      'TRUNCATE t, log CASCADE',
    )
  })
})
