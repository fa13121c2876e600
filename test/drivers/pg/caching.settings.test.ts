import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cached, useDatabase } from './support.js'

const database = useDatabase('settings')
const WHEN = 'SELECT created::text AS w FROM posts WHERE id = 1'
const ROLE = `cacheops_reader_${process.pid}`

beforeAll(async () => {
  await database.admin.query(`
    CREATE SCHEMA other; CREATE TABLE other.posts (id integer PRIMARY KEY, title text);
    INSERT INTO other.posts VALUES (1, 'of the other schema');
    CREATE TABLE guarded (id integer PRIMARY KEY, owner text); INSERT INTO guarded VALUES (1, '${ROLE}'), (2, 'nobody');
    CREATE ROLE ${ROLE}; GRANT SELECT ON guarded TO ${ROLE};
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON guarded USING (owner = current_user);
    CREATE FUNCTION to_tokyo() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config('TimeZone', 'Asia/Tokyo', false); END $$;`)
})
afterAll(async () => {
  await database.admin.query(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`)
})

const open: (() => Promise<unknown>)[] = []
beforeEach(() => database.reset())
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function setup(options: pg.PoolConfig = {}) {
  const { cacheops, pg: wrapped, told } = cached()
  const pool = new wrapped.Pool({ connectionString: database.url, ...options })
  await cacheops.ready()
  const client = await pool.connect()
  open.push(async () => {
    client.release()
    await pool.end()
  })
  const ask = async (queryable: pg.Pool | pg.PoolClient, text = WHEN) =>
    Object.values((await queryable.query(text)).rows[0] ?? {})[0]
  return { cacheops, wrapped, pool, client, told, ask }
}

it('A5: SET changes the key, RESET brings the old one back', async () => {
  const { client, pool, told, ask } = await setup()
  const utc = await ask(client)
  for (const text of [
    "SET TimeZone = 'Asia/Tokyo'",
    "SET SESSION TIME ZONE 'Asia/Tokyo'",
    "SELECT set_config('timezone', 'Asia/Tokyo', false)",
  ]) {
    await client.query(text)
    expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
    await client.query('RESET TimeZone')
    expect(await ask(client)).toBe(utc)
  }
  expect(await ask(pool)).toBe(utc)
  expect(told.reads.filter((read) => read === 'miss')).toHaveLength(2)
})

it('A5: a function or a DO block that sets', async () => {
  const { client, ask } = await setup()
  await ask(client)
  await client.query('SELECT to_tokyo()')
  expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
  await client.query('DISCARD ALL')
  await ask(client)
  await client.query("DO $$ BEGIN SET TimeZone = 'Asia/Tokyo'; END $$")
  expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
})

it('A5: DateStyle, search_path', async () => {
  const { client, ask } = await setup()
  const title = 'SELECT title FROM posts WHERE id = 1'
  expect(await ask(client, title)).toBe('first')
  await client.query('SET search_path = other, public')
  expect(await ask(client, title)).toBe('of the other schema')
  await client.query("SET search_path TO 'public'; SET DateStyle = 'German'")
  expect([await ask(client, title), await ask(client)]).toEqual(['first', '01.01.2024 00:00:00 UTC'])
})

it('S8, A6: SET ROLE: nobody sees what the policies hide', async () => {
  const { client, ask, pool } = await setup()
  const count = 'SELECT count(*) FROM guarded'
  expect([await ask(client, count), await ask(pool, count)]).toEqual(['2', '2'])
  await client.query(`SET ROLE ${ROLE}`)
  expect([await ask(client, count), await ask(client, count), await ask(pool, count)]).toEqual(['1', '1', '2'])
  await expect(client.query(WHEN)).rejects.toThrow('permission denied')
  await client.query('RESET ROLE')
  expect(await ask(client, count)).toBe('2')
})

it.each([true, false])(
  'S8, A6: the role that a client takes on first of all is not the role of its pool (ready: %s)',
  async (ready) => {
    const { cacheops, pg: wrapped } = cached()
    const pool = new wrapped.Pool({ connectionString: database.url })
    if (ready) await cacheops.ready()
    const client = await pool.connect()
    open.push(async () => {
      client.release()
      await pool.end()
    })
    const count = async (queryable: pg.Pool | pg.PoolClient) =>
      (await queryable.query('SELECT count(*)::int AS n FROM guarded')).rows[0].n
    await client.query(`SET ROLE ${ROLE}`)
    expect([await count(client), await count(client), await count(pool), await count(pool)]).toEqual([1, 1, 2, 2])
  },
)

it('B7: SET LOCAL ends with the transaction', async () => {
  const { client, ask } = await setup()
  const utc = await ask(client)
  await client.query('BEGIN')
  await client.query("SET LOCAL TimeZone = 'Asia/Tokyo'")
  expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
  await client.query('COMMIT')
  expect(await ask(client)).toBe(utc)
})

it.each(['ROLLBACK', 'ROLLBACK TO s', 'SELECT 1/0; SELECT 1', 'COMMIT of a failed transaction'])(
  'B7: SET is undone by %s',
  async (how) => {
    const { client, ask } = await setup()
    const utc = await ask(client)
    await client.query('BEGIN')
    await client.query('SAVEPOINT s')
    await client.query("SET TimeZone = 'Asia/Tokyo'")
    expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
    if (how.startsWith('SELECT') || how.startsWith('COMMIT')) {
      await client.query('SELECT 1/0; SELECT 1').catch(() => undefined)
      await client.query(how.startsWith('COMMIT') ? 'COMMIT' : 'ROLLBACK')
    } else await client.query(how)
    expect(await ask(client)).toBe(utc)
    await client.query('ROLLBACK')
    expect(await ask(client)).toBe(utc)
  },
)

it('B7: a string with SET that fails', async () => {
  const { client, ask } = await setup()
  const utc = await ask(client)
  await client.query("SET TimeZone = 'Asia/Tokyo'; SELECT 1/0").catch(() => undefined)
  expect(await ask(client)).toBe(utc)
  await client.query("SET TimeZone = 'Asia/Tokyo'; SELECT 1")
  expect(await ask(client)).toBe('2024-01-01 09:00:00+09')
})

it('S8: where connections of a pool differ, each answers by its own settings', async () => {
  const { client, pool, ask } = await setup({ max: 1 })
  const utc = await ask(client)
  await client.query("SET TimeZone = 'Asia/Tokyo'")
  client.release()
  // As with pg: the one connection of the pool stays as it was left.
  expect(await ask(pool)).toBe('2024-01-01 09:00:00+09')
  const again = await pool.connect()
  expect(await ask(again)).toBe('2024-01-01 09:00:00+09')
  await again.query('RESET ALL')
  expect([await ask(again), await ask(again)]).toEqual([utc, utc])
  again.release()
  open.length = 0
  expect(await ask(pool)).toBe(utc)
  await pool.end()
})

it('A5: settings of the start, and of a hook, are in the key', async () => {
  const { wrapped, pool, ask } = await setup()
  const started = new wrapped.Pool({ connectionString: database.url, options: '-c TimeZone=Asia/Tokyo' })
  const hooked = new wrapped.Pool({ connectionString: database.url })
  hooked.on('connect', (client) => void client.query("SELECT set_config('TimeZone', 'Asia/Tokyo', false)"))
  for (let round = 0; round < 2; round++) {
    expect(await ask(started)).toBe('2024-01-01 09:00:00+09')
    expect(await ask(hooked)).toBe('2024-01-01 09:00:00+09')
    expect(await ask(pool)).toBe('2024-01-01 00:00:00+00')
  }
  await started.end()
  await hooked.end()
})

it('a temporary table in the way: that connection reads past the cache', async () => {
  const { client, pool, told, ask } = await setup()
  const title = 'SELECT title FROM posts WHERE id = 1'
  expect(await ask(client, title)).toBe('first')
  await client.query("CREATE TEMPORARY TABLE posts AS SELECT 1 AS id, 'temporary'::text AS title")
  expect(await ask(client, title)).toBe('temporary')
  await client.query("UPDATE posts SET title = 'changed' WHERE id = 1")
  expect([await ask(client, title), await ask(pool, title)]).toEqual(['changed', 'first'])
  await client.query('DROP TABLE posts')
  expect(await ask(client, title)).toBe('first')
  expect(told.failures).toEqual([])
})

it('A24: without standard_conforming_strings a backslash hides nothing', async () => {
  const { client, ask } = await setup()
  await client.query('SET standard_conforming_strings = off')
  const text = "SELECT title FROM posts WHERE title = 'it\\'s' OR id = 1 --'"
  expect([await ask(client, text), await ask(client, text)]).toEqual(['first', 'first'])
  await client.query("UPDATE posts SET title = 'a\\'b' WHERE id = 1 -- '")
  await client.query('SET standard_conforming_strings = on')
  expect(await ask(client, 'SELECT title FROM posts WHERE id = 1')).toBe("a'b")
})

it('A3: a replica, or a session that is read-only by default, is served and fills nothing', async () => {
  const { cacheops, pool, told, ask } = await setup()
  const { cachedPg } = await import('cacheops/pg')
  const replica = new (cachedPg(cacheops, pg, { replica: true }).Pool)({ connectionString: database.url })
  const readOnly = new (cachedPg(cacheops, pg).Pool)({
    connectionString: database.url,
    options: '-c default_transaction_read_only=on',
  })
  for (const one of [replica, readOnly]) {
    await ask(one)
    await ask(one)
  }
  expect(told.reads).toEqual(['miss', 'miss', 'miss', 'miss'])
  await ask(pool)
  await ask(replica)
  await ask(readOnly)
  expect(told.reads.slice(4)).toEqual(['miss', 'hit', 'hit'])
  await replica.end()
  await readOnly.end()
})
