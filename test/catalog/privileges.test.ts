import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readableTables } from '../../src/catalog/privileges.js'
import { SERVERS, type TestDatabase } from './support.js'

const ROLE = `privileges "reader" ${process.pid}`
const QUOTED = `"${ROLE.replaceAll('"', '""')}"`

describe.each(SERVERS)('A8: what a role may read, on $name', ({ open }) => {
  let db: TestDatabase
  const names = async (role: string) => {
    const oids = await readableTables(db.query, role)
    const rows = await db.query('SELECT c.oid, c.relname FROM pg_catalog.pg_class c')
    return rows.filter(([oid]) => oids.has(Number(oid))).map(([, name]) => name)
  }

  beforeAll(async () => {
    db = await open()
    await db.exec(`
      CREATE ROLE ${QUOTED};
      CREATE TABLE granted (a int, b int); CREATE TABLE by_column (a int, b int); CREATE TABLE writable (a int);
      CREATE TABLE refused (a int); CREATE TABLE open (a int); CREATE VIEW granted_view AS SELECT * FROM granted;
      GRANT SELECT ON granted, granted_view TO ${QUOTED};
      GRANT SELECT (a, b), UPDATE ON by_column TO ${QUOTED};
      GRANT INSERT, UPDATE, DELETE ON writable TO ${QUOTED};
      GRANT SELECT ON open TO PUBLIC`)
  })
  afterAll(async () => {
    await db.exec(`DROP OWNED BY ${QUOTED}; DROP ROLE ${QUOTED}`)
    await db.close()
  })

  test('tables of which it may SELECT every column', async () => {
    expect((await names(ROLE)).sort()).toEqual(['granted', 'granted_view', 'open'])
    expect(await names('postgres')).toHaveLength(6)
  })

  test('whatever the search path is', async () => {
    await db.exec(`BEGIN;
      CREATE SCHEMA evil;
      CREATE FUNCTION evil.never(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
      CREATE OPERATOR evil.>= (FUNCTION = evil.never, LEFTARG = oid, RIGHTARG = oid);
      SET search_path = evil, pg_catalog`)
    const found = await readableTables(db.query, ROLE)
    await db.exec('ROLLBACK')
    expect(found.size).toBe(3)
  })

  test('a role that is not there is an error', async () => {
    await expect(readableTables(db.query, 'nobody at all')).rejects.toThrow(/does not exist/)
  })
})
