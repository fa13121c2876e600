import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Query } from '../../src/base/query.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { createPGlite } from '../support/pglite.js'
import { openPostgres, pgliteQuery, pgQuery, SERVERS, type TestDatabase } from './support.js'

const SETTINGS = `SELECT current_setting('search_path'), current_setting('quote_all_identifiers'), current_setting('jit'),
  current_setting('lock_timeout'), current_setting('transaction_isolation')`

describe.each(SERVERS)('the session that loads, on $name', ({ open }) => {
  let db: TestDatabase

  beforeAll(async () => {
    db = await open()
    await db.exec('CREATE TABLE post (id int PRIMARY KEY); CREATE VIEW shown AS SELECT id FROM post')
  })
  afterAll(() => db.close())

  test('is as it was before', async () => {
    await db.exec(
      `SET search_path = "$user", public, pg_catalog; SET quote_all_identifiers = on; SET lock_timeout = '7s'`,
    )
    const before = await db.query(SETTINGS)
    await loadCatalog(db.query, 'd')
    expect(await db.query(SETTINGS)).toEqual(before)

    await db.exec('BEGIN; SET LOCAL search_path = pg_catalog; SET search_path = public; SET jit = on')
    const within = await db.query(SETTINGS)
    await loadCatalog(db.query, 'd', { snapshot: false })
    expect(await db.query(SETTINGS)).toEqual(within)
    await db.exec('COMMIT')
    expect((await db.query(SETTINGS))[0]).toEqual(within[0])
    await db.exec('RESET ALL')
  })

  test('is out of the transaction after an error, which is passed on', async () => {
    const broken: Query = (sql, params) =>
      sql.includes('json_agg') ? Promise.reject(new Error('lost')) : db.query(sql, params)
    await expect(loadCatalog(broken, 'd')).rejects.toThrow('lost')
    expect(await db.query(`SELECT current_setting('transaction_isolation')`)).toEqual([['read committed']])
  })

  test('has its settings back after an error within its own transaction', async () => {
    const broken: Query = (sql, params) =>
      sql.includes('json_agg') ? Promise.reject(new Error('lost')) : db.query(sql, params)
    await db.exec(`BEGIN; SET LOCAL search_path = pg_catalog`)
    const before = await db.query(SETTINGS)
    await expect(loadCatalog(broken, 'd', { snapshot: false })).rejects.toThrow('lost')
    expect(await db.query(SETTINGS)).toEqual(before)
    await db.exec('ROLLBACK')
  })

  test('cannot be many connections', async () => {
    // Without a transaction, what is set for one is gone at the next statement: as if another connection served it.
    await expect(loadCatalog(db.query, 'd', { snapshot: false })).rejects.toThrow(/stays on one connection/)
  })

  test('may have operators and functions of its own before those of the system', async () => {
    const before = await loadCatalog(db.query, 'd')
    await db.exec(`
      BEGIN;
      CREATE SCHEMA evil;
      CREATE FUNCTION evil.never(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
      CREATE FUNCTION evil.never(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';
      CREATE OPERATOR evil.= (FUNCTION = evil.never, LEFTARG = oid, RIGHTARG = oid);
      CREATE OPERATOR evil.= (FUNCTION = evil.never, LEFTARG = name, RIGHTARG = name);
      CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT ''''';
      SET search_path = evil, public, pg_catalog`)
    const loaded = await loadCatalog(db.query, 'd', { snapshot: false })
    await db.exec('ROLLBACK')
    expect([...loaded.byId.values()]).toEqual([...before.byId.values()])
  })
})

test('a transaction of PGlite', async () => {
  const db = await createPGlite()
  await db.exec('CREATE TABLE post (id int PRIMARY KEY)')
  const within = db.transaction((tx) => loadCatalog(pgliteQuery(db, tx), 'd', { snapshot: false }))
  // Queued behind it: with `snapshot: true` this would land in the transaction of the load, which is read only.
  const beside = db.query('INSERT INTO post VALUES (1)')
  expect((await within).byId.has('public.post')).toBe(true)
  expect((await beside).affectedRows).toBe(1)
  await db.close()
})

test('wire text from PGlite, whatever the type', async () => {
  const db = await createPGlite()
  const query = pgliteQuery(db)
  await db.exec(`CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE kept (moods mood[])`)
  await db.refreshArrayTypes()
  const sql = `SELECT 9007199254740993, $1::boolean, $2::int[], '{"a":  1.0}'::json, '\\x00'::bytea, ARRAY['sad']::mood[], NULL,
    'NaN'::float8, '2020-01-01'::date`
  expect(await query(sql, ['t', '{1,2}'])).toEqual([
    ['9007199254740993', 't', '{1,2}', '{"a":  1.0}', '\\x00', '{sad}', null, 'NaN', '2020-01-01'],
  ])
  await db.close()
})

describe('beside other sessions', () => {
  let db: TestDatabase
  let other: pg.Client

  beforeAll(async () => {
    db = await openPostgres('catalog_beside')
    other = new pg.Client({ connectionString: db.url })
    await other.connect()
    await db.exec('CREATE TABLE post (id int PRIMARY KEY); CREATE VIEW shown AS SELECT id FROM post')
  })
  afterAll(async () => {
    await other.end()
    await db.close()
  })

  test('one statement reads one state: DDL beside it is seen whole or not at all', async () => {
    const names = new Set<string>()
    let running = true
    const migrating = (async () => {
      for (let i = 0; running; i++) {
        await other.query(`BEGIN; CREATE TABLE a_${i} (id int); CREATE TABLE b_${i} (id int, c text); COMMIT`)
        await other.query(`BEGIN; DROP TABLE b_${i}; DROP TABLE a_${i}; COMMIT`)
      }
    })()
    try {
      for (let i = 0; i < 60; i++) {
        const { byId } = await loadCatalog(db.query, 'd')
        const seen = [...byId.values()].filter(({ name }) => /^[ab]_/.test(name))
        names.add(seen.map(({ name, columns }) => `${name[0]}${columns.length}`).join())
      }
    } finally {
      running = false
      await migrating
    }
    for (const seen of names) expect(['', 'a1,b2']).toContain(seen)
  })

  test('a view whose table is being altered does not hold it up for ever', async () => {
    await other.query('BEGIN; ALTER TABLE post ADD extra int')
    const started = performance.now()
    await expect(loadCatalog(db.query, 'd')).rejects.toMatchObject({ code: '55P03' })
    expect(performance.now() - started).toBeLessThan(5000)
    await other.query('ROLLBACK')
    expect((await loadCatalog(db.query, 'd')).byId.has('public.shown')).toBe(true)
  })

  test('temporary tables of others are flagged', async () => {
    await other.query('CREATE TEMP TABLE theirs (id int)')
    const mine = await loadCatalog(db.query, 'd')
    const found = [...mine.tables.values()].find(({ name }) => name === 'theirs')
    expect(found).toMatchObject({ temporary: true })
    expect((await loadCatalog(pgQuery(other), 'd')).version).toBe(mine.version)
  })
})
