import type pg from 'pg'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cached, type Told, useDatabase } from './support.js'

const database = useDatabase('transactions')
const TITLE = 'SELECT title FROM posts WHERE id = 1'

const RENAME = `CREATE PROCEDURE rename(t text) LANGUAGE plpgsql AS $$ BEGIN
  UPDATE posts SET title = t WHERE id = 1; COMMIT; UPDATE posts SET title = t || '!' WHERE id = 1; END $$`
beforeAll(() => database.admin.query(RENAME))

const open: (() => Promise<unknown>)[] = []
beforeEach(() => database.reset())
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A pool whose cache has the title, and a client of it. */
async function setup(options: pg.PoolConfig = {}) {
  const { cacheops, pg: wrapped, told } = cached()
  const pool = new wrapped.Pool({ connectionString: database.url, ...options })
  await cacheops.ready()
  await pool.query(TITLE)
  const client = await pool.connect()
  open.push(async () => {
    client.release()
    await pool.end()
  })
  clear(told)
  return { cacheops, wrapped, pool, client, told }
}

function clear(told: Told): void {
  for (const list of Object.values(told) as string[][]) list.length = 0
}

const title = async (queryable: pg.Pool | pg.PoolClient | pg.Client) => (await queryable.query(TITLE)).rows[0]?.title

it('S6: a transaction that has not written reads from the cache', async () => {
  const { client, told } = await setup()
  await client.query('BEGIN')
  expect(await title(client)).toBe('first')
  await client.query('COMMIT')
  expect(told.reads).toEqual(['hit'])
})

it('S6: once it has written it reads past the cache, and nobody else notices until it commits', async () => {
  const { client, pool, told } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  expect(await title(client)).toBe('new')
  expect(await title(pool)).toBe('first')
  expect([told.reads, told.past, told.dropped]).toEqual([['hit'], ['the transaction has written'], []])
  await client.query('COMMIT')
  expect(told.dropped).toHaveLength(1)
  expect(await title(pool)).toBe('new')
  expect(told.reads).toEqual(['hit', 'miss'])
})

it.each(['ROLLBACK', 'ABORT', 'rollback work'])('S6: %s drops nothing', async (word) => {
  const { client, pool, told } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  await client.query(word)
  expect([await title(client), await title(pool)]).toEqual(['first', 'first'])
  expect([told.reads, told.dropped]).toEqual([['hit', 'hit'], []])
})

it.each([
  'BEGIN',
  'begin isolation level read committed',
  'START TRANSACTION;',
  '/* x */ BEGIN WORK',
  'BEGIN; SELECT 1',
])('S6: however it begins: %s', async (word) => {
  const { client, pool, told } = await setup()
  await client.query(word)
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  expect(told.dropped).toEqual([])
  await client.query('END')
  expect([await title(pool), await title(client)]).toEqual(['new', 'new'])
})

it('S6: savepoints: what was undone is not dropped, what was kept is; dirtiness stays (B9)', async () => {
  const { client, pool, told } = await setup()
  const users = 'SELECT name FROM users WHERE id = 1'
  await pool.query(users)
  await client.query('BEGIN')
  await client.query('SAVEPOINT a')
  await client.query("UPDATE posts SET title = 'undone' WHERE id = 1")
  await client.query('ROLLBACK TO a')
  clear(told)
  expect(await title(client)).toBe('first')
  expect(told.reads).toEqual([])
  await client.query('SAVEPOINT b')
  await client.query("UPDATE users SET name = 'kept' WHERE id = 1")
  await client.query('RELEASE b')
  await client.query('COMMIT')
  clear(told)
  expect(await title(pool)).toBe('first')
  expect((await pool.query(users)).rows).toEqual([{ name: 'kept' }])
  expect(told.reads).toEqual(['hit', 'miss'])
})

it('A14: COMMIT of a failed transaction is a rollback', async () => {
  const { client, pool, told } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  await client.query('SELECT 1/0').catch(() => undefined)
  expect((await client.query('COMMIT')).command).toBe('ROLLBACK')
  expect([await title(pool), told.dropped]).toEqual(['first', []])
  expect(told.reads).toEqual(['hit'])
})

it('A14: COMMIT AND CHAIN commits, and what follows is a transaction', async () => {
  const { client, pool, told } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'one' WHERE id = 1")
  await client.query('COMMIT AND CHAIN')
  expect(await title(pool)).toBe('one')
  await client.query("UPDATE posts SET title = 'two' WHERE id = 1")
  expect(await title(pool)).toBe('one')
  expect(told.reads).toEqual(['miss', 'hit'])
  await client.query('ROLLBACK AND CHAIN')
  await client.query("UPDATE posts SET title = 'three' WHERE id = 1")
  await client.query('COMMIT')
  expect(await title(pool)).toBe('three')
})

it('A14: a string that commits and then fails', async () => {
  const { client, pool } = await setup()
  await expect(client.query("BEGIN; UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; SELECT 1/0")).rejects.toThrow(
    'division by zero',
  )
  expect(await title(pool)).toBe('new')
})

it('A14: a string that ends a transaction which was begun before', async () => {
  const { client, pool } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  await client.query('SELECT 1; COMMIT')
  expect(await title(pool)).toBe('new')
})

it('A14: PREPARE TRANSACTION and COMMIT PREPARED', async () => {
  const { client, pool } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  const prepared = await client.query(`PREPARE TRANSACTION 'tx_${process.pid}'`).then(
    () => true,
    () => false,
  )
  // Where the server allows none, the transaction failed.
  if (!prepared) await client.query('ROLLBACK')
  else {
    expect(await title(pool)).toBe('first')
    await client.query(`COMMIT PREPARED 'tx_${process.pid}'`)
  }
  expect(await title(pool)).toBe(prepared ? 'new' : 'first')
})

it('S6: a procedure that commits inside', async () => {
  const { client, pool } = await setup()
  await client.query("CALL rename('new')")
  expect(await title(pool)).toBe('new!')
})

it('S6: under REPEATABLE READ and SERIALIZABLE reads go past the cache', async () => {
  const { client, told } = await setup()
  for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
    await client.query(`BEGIN ISOLATION LEVEL ${level}`)
    await title(client)
    await client.query('COMMIT')
    await client.query('BEGIN')
    await client.query(`SET TRANSACTION ISOLATION LEVEL ${level}`)
    await title(client)
    await client.query('COMMIT')
  }
  expect(told.reads).toEqual([])
  await client.query('SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await title(client)
  expect(told.reads).toEqual([])
  await client.query('SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await title(client)
  expect(told.reads).toEqual(['hit'])
})

it.each(['FOR UPDATE', 'FOR SHARE', 'FOR NO KEY UPDATE', 'FOR KEY SHARE'])(
  'S6: %s: it and what follows read past',
  async (lock) => {
    const { client, pool, told } = await setup()
    await client.query(`${TITLE} ${lock}`)
    expect(told.reads).toEqual([])
    await client.query('BEGIN')
    await client.query(`${TITLE} ${lock}`)
    await title(client)
    expect(told.reads).toEqual([])
    await client.query('COMMIT')
    await title(client)
    await title(pool)
    expect(told.reads).toEqual(['hit', 'hit'])
  },
)

it('S6: LOCK TABLE', async () => {
  const { client, told } = await setup()
  await client.query('BEGIN')
  await client.query('LOCK TABLE users IN SHARE MODE')
  await title(client)
  expect(told.reads).toEqual([])
  await client.query('ROLLBACK')
})

it('S6: advisory locks, of a transaction and of the session, until they are released', async () => {
  const { client, told } = await setup()
  await client.query('BEGIN')
  await client.query('SELECT pg_advisory_xact_lock(1)')
  await title(client)
  await client.query('COMMIT')
  expect(told.reads).toEqual([])
  await title(client)
  expect(told.reads).toEqual(['hit'])
  await client.query('SELECT pg_advisory_lock(1)')
  await client.query('SELECT pg_try_advisory_lock(2)')
  await title(client)
  await client.query('SELECT pg_advisory_unlock(1)')
  await title(client)
  expect(told.reads).toEqual(['hit'])
  await client.query('SELECT pg_advisory_unlock_all()')
  await title(client)
  expect(told.reads).toEqual(['hit', 'hit'])
})

it('S6: a transaction that is begun on one connection is on that one', async () => {
  const { client, pool } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  const other = await pool.connect()
  expect([await title(client), await title(other), await title(pool)]).toEqual(['new', 'first', 'first'])
  other.release()
  await client.query('ROLLBACK')
})

it('S6: BEGIN through pool.query leaves nothing half known', async () => {
  const { pool } = await setup({ max: 1 })
  await pool.query('BEGIN')
  await pool.query("UPDATE posts SET title = 'new' WHERE id = 1")
  await pool.query('COMMIT')
  expect(await title(pool)).toBe('new')
})
