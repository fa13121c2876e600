import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { advisoryLockQuery, parseSettings, type Settings, settingsQuery } from '../../src/catalog/settings.js'
import { openPostgres, pgQuery, SERVERS, type TestDatabase } from './support.js'

const ROLE = `settings_reader_${process.pid}`

/** A setting, and a value that is no server's default. */
const ANSWERS: Readonly<Record<string, string>> = {
  search_path: 'public, mine',
  TimeZone: 'Asia/Kathmandu',
  timezone_abbreviations: 'India',
  DateStyle: 'German',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '-3',
  bytea_output: 'escape',
  client_encoding: 'LATIN1',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  array_nulls: 'off',
  transform_null_equals: 'on',
  default_text_search_config: 'pg_catalog.dutch',
  xmlbinary: 'hex',
  xmloption: 'document',
  quote_all_identifiers: 'on',
  row_security: 'off',
  gin_fuzzy_search_limit: '7',
  session_replication_role: 'replica',
  role: ROLE,
}
const NO_ANSWERS: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  transaction_isolation: 'serializable',
  work_mem: '1MB',
  statement_timeout: '9s',
  application_name: 'x',
  'app.tenant': '1',
}

describe.each(SERVERS)('settings on $name', ({ name, open }) => {
  let db: TestDatabase
  let before: Settings
  const read = async (query = db.query) => parseSettings((await query(settingsQuery([])))[0] ?? [], [])
  async function under(setting: string, value: string): Promise<Settings> {
    const list = setting === 'search_path' ? value : `'${value}'`
    await db.exec(`BEGIN; SET LOCAL ${setting} ${setting.includes(' ') ? '' : '='} ${list}`)
    try {
      return await read()
    } finally {
      await db.exec('ROLLBACK')
    }
  }

  beforeAll(async () => {
    db = await open()
    await db.exec(`CREATE SCHEMA mine; CREATE ROLE ${ROLE}`)
    before = await read()
  })
  afterAll(async () => {
    await db.exec(`DROP ROLE ${ROLE}`)
    await db.close()
  })

  test('S8: custom settings that are asked for are part of the fingerprint', async () => {
    const custom = ['app.tenant', 'other.name']
    const asked = async () => parseSettings((await db.query(settingsQuery(custom)))[0] ?? [], custom)
    const unset = await asked()
    expect(unset.custom).toEqual(custom)
    expect(unset.fingerprint).not.toBe(before.fingerprint)
    const seen = new Set([unset.fingerprint])
    for (const value of ['1', '2', '', 'null']) {
      await db.exec(`SET app.tenant = '${value}'`)
      seen.add((await asked()).fingerprint)
    }
    expect(seen.size).toBe(5)
    await db.exec(`SET other.name = '1'`)
    seen.add((await asked()).fingerprint)
    expect(seen.size).toBe(6)
    await db.exec(`SET other.unknown = '1'`)
    seen.add((await asked()).fingerprint)
    expect(seen.size).toBe(6)
    await db.exec('RESET ALL')
  })

  test('what they say', async () => {
    expect(before).toMatchObject({
      searchPath: ['pg_catalog', 'public'],
      role: 'postgres',
      sessionRole: 'postgres',
      isolation: 'read committed',
      transactionIsolation: 'read committed',
      readOnly: false,
      inRecovery: false,
      liftable: true,
      nullEquals: false,
      replicationRole: 'origin',
      temporary: false,
    })
    expect(before.pid).toBeGreaterThan(0)
    expect(before.fingerprint).toMatch(/^[\w-]{43}$/)
    expect(await under('role', ROLE)).toMatchObject({ role: ROLE, sessionRole: 'postgres' })
    expect(await under('search_path', 'mine, missing, "Q q"')).toMatchObject({ searchPath: ['pg_catalog', 'mine'] })
    expect(await under('default_transaction_isolation', 'repeatable read')).toMatchObject({
      isolation: 'repeatable read',
    })
    expect(await under('transaction_isolation', 'serializable')).toMatchObject({ transactionIsolation: 'serializable' })
    expect(await under('default_transaction_read_only', 'on')).toMatchObject({ readOnly: true })
    expect(await under('standard_conforming_strings', 'off')).toMatchObject({ liftable: false })
    expect(await under('transform_null_equals', 'on')).toMatchObject({ nullEquals: true })
    expect(await under('session_replication_role', 'replica')).toMatchObject({ replicationRole: 'replica' })
  })

  test.each(Object.entries(ANSWERS))('A5: %s can change an answer', async (setting, value) => {
    const changed = await under(setting, value)
    expect(changed.fingerprint).not.toBe(before.fingerprint)
    expect((await under(setting, value)).fingerprint).toBe(changed.fingerprint)
    expect((await read()).fingerprint).toBe(before.fingerprint)
  })

  test('A5: session authorization can change an answer', async () => {
    await db.exec(`SET SESSION AUTHORIZATION ${ROLE}`)
    const changed = await read()
    // Not RESET, nor the end of a transaction: PGlite does not know whom to go back to.
    await db.exec('SET SESSION AUTHORIZATION postgres')
    expect(changed).toMatchObject({ role: ROLE, sessionRole: ROLE })
    expect(changed.fingerprint).not.toBe(before.fingerprint)
    expect((await read()).fingerprint).toBe(before.fingerprint)
  })

  test.each(['lc_monetary', 'lc_numeric', 'lc_time'])('A5: %s can change an answer', async (setting) => {
    const [row] = await db.query(`SELECT current_setting('${setting}')`)
    const other = row?.[0] === 'C' ? 'POSIX' : 'C'
    expect((await under(setting, other)).fingerprint).not.toBe(before.fingerprint)
  })

  test.each(Object.entries(NO_ANSWERS))('%s cannot', async (setting, value) => {
    expect((await under(setting, value)).fingerprint).toBe(before.fingerprint)
  })

  test('a row of something else is refused', () => {
    expect(() => parseSettings(['a', 'b'], [])).toThrow(/2 values, expected 32/)
  })

  test('session advisory locks', async () => {
    expect(await db.query(advisoryLockQuery)).toEqual([['f']])
    await db.exec('SELECT pg_advisory_lock(1)')
    expect(await db.query(advisoryLockQuery)).toEqual([['t']])
    await db.exec('SELECT pg_advisory_unlock_all()')
    expect(await db.query(advisoryLockQuery)).toEqual([['f']])
  })

  test('a temporary schema', async () => {
    await db.exec('CREATE TEMP TABLE passing (id int)')
    const after = await read()
    expect(after).toMatchObject({
      temporary: true,
      searchPath: [expect.stringMatching(/^pg_temp_\d+$/), 'pg_catalog', 'public'],
    })
    expect(after.fingerprint).not.toBe(before.fingerprint)
  })

  if (name === 'PostgreSQL') {
    test('two connections that are set alike have one fingerprint and two pids', async () => {
      const database = await openPostgres('settings_alike')
      const other = new pg.Client({ connectionString: database.url })
      await other.connect()
      const [one, two] = [await read(database.query), await read(pgQuery(other))]
      expect(two).toEqual({ ...one, pid: two.pid })
      expect(two.pid).not.toBe(one.pid)
      await other.query(`SELECT pg_advisory_lock(5)`)
      expect(await database.query(advisoryLockQuery)).toEqual([['f']])
      await other.end()
      await database.close()
    })
  }
})
