import { createDatabase as create, databaseName, type PostgresDatabase } from '../../scripts/postgres.js'

/**
 * The server that `test/support/global-setup.ts` found or started.
 *
 * @throws where a test file is run by something that does not run the global setup
 */
export function serverUrl(): string {
  return setting('CACHEOPS_TEST_SERVER')
}

/**
 * A new, empty database on the tests' PostgreSQL server. `hint` makes its name readable.
 *
 * ```ts
 * const database = await createDatabase('orders')
 * const pool = new pg.Pool({ connectionString: database.url })
 * // …
 * await pool.end()
 * await database.drop()
 * ```
 */
export function createDatabase(hint: string): Promise<PostgresDatabase> {
  return create(serverUrl(), databaseName(setting('CACHEOPS_TEST_RUN'), hint))
}

function setting(name: string): string {
  const value = process.env[name]
  if (!value) {
    throw new Error(
      `${name} is not set: run the tests with 'npm test' or 'npx vitest run <file>', which find a PostgreSQL.`,
    )
  }
  return value
}
