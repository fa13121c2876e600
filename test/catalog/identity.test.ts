import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/base/errors.js'
import { databaseIdentity } from '../../src/catalog/identity.js'
import { openPostgres, SERVERS, type TestDatabase } from './support.js'

const ROLE = `identity_reader_${process.pid}`

describe.each(SERVERS)('A4: the identity of the data on $name', ({ open }) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await open()
  })
  afterAll(() => db.close())

  test('is the server and the oid of the database, never a name', async () => {
    const identity = await databaseIdentity(db.query)
    const [row] = await db.query('SELECT oid FROM pg_database WHERE datname = current_database()')
    expect(identity).toMatch(/^\d{15,20}-\d+$/)
    expect(identity.split('-')[1]).toBe(row?.[0])
    expect(await databaseIdentity(db.query)).toBe(identity)
  })

  test('where the role may not ask, the error says what to set', async () => {
    await db.exec(`CREATE ROLE ${ROLE}; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; SET ROLE ${ROLE}`)
    try {
      const refused = databaseIdentity(db.query)
      await expect(refused).rejects.toBeInstanceOf(ConfigError)
      await expect(refused).rejects.toThrow(/permission denied for function pg_control_system.*`database` option/s)
    } finally {
      await db.exec(`RESET ROLE; GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC; DROP ROLE ${ROLE}`)
    }
  })

  test('other errors are passed on as they are', async () => {
    const lost = Object.assign(new Error('terminating connection'), { code: '57P01' })
    await expect(databaseIdentity(() => Promise.reject(lost))).rejects.toBe(lost)
    await expect(databaseIdentity(() => Promise.resolve([]))).rejects.toBeInstanceOf(ConfigError)
  })
})

test('A4: two databases of one server are two', async () => {
  const [one, two] = [await openPostgres('identity_one'), await openPostgres('identity_two')]
  const identities = [await databaseIdentity(one.query), await databaseIdentity(two.query)]
  expect(identities[0]).not.toBe(identities[1])
  expect(identities[0]?.split('-')[0]).toBe(identities[1]?.split('-')[0])
  await one.close()
  await two.close()
})
