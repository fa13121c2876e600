import { CacheopsError } from '../base/errors.js'
import type { Query } from '../base/query.js'
import { buildCatalog } from './build.js'
import type { Catalog } from './catalog.js'
import type { CatalogRows } from './rows.js'
import { catalogQuery } from './statements.js'

export interface LoadOptions {
  /**
   * Whether to open a transaction for the load: `query` must then run on one connection that is not in a transaction.
   * With `false`, it must be in one.
   */
  readonly snapshot?: boolean
}

/**
 * Set for the length of the transaction: what the printed names, definitions and constants depend on; no compiling, as the many small
 * parts of the statement look dear enough for it, and it takes ten times as long as to run them; and to give up where a
 * view's definition has to wait for who alters its tables: before `deadlock_timeout`, so that it is never the user's
 * migration that fails for it.
 */
const PINNED: readonly (readonly [name: string, value: string])[] = [
  ['search_path', ''],
  ['quote_all_identifiers', 'off'],
  ['standard_conforming_strings', 'on'],
  ['DateStyle', 'ISO, MDY'],
  ['IntervalStyle', 'postgres'],
  ['TimeZone', 'UTC'],
  ['bytea_output', 'hex'],
  ['extra_float_digits', '1'],
  ['jit', 'off'],
  ['lock_timeout', '500ms'],
]

/**
 * Reads the catalog of the database that `query` talks to: an ordinary role is enough, from PostgreSQL 12 on.
 * `database` is the identity of its data, see `databaseIdentity`.
 *
 * A change of the schema that commits while this runs is not seen: take the catalog's stamp before (A7).
 *
 * @throws whatever `query` throws, after a rollback of the transaction that was opened. `55P03` (lock not available), where a
 *   view's tables are being altered, and `XX000`, where something was dropped meanwhile, go by: load again.
 */
export async function loadCatalog(query: Query, database: string, options: LoadOptions = {}): Promise<Catalog> {
  const { snapshot = true } = options
  return snapshot ? loadInTransaction(query, database) : loadWithin(query, database)
}

async function loadInTransaction(query: Query, database: string): Promise<Catalog> {
  await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  let catalog: Catalog
  try {
    await set(query, PINNED)
    catalog = await read(query, database)
  } catch (error) {
    // The first error is the one to tell of, also where the connection is gone.
    await query('ROLLBACK').catch(() => undefined)
    throw error
  }
  await query('COMMIT')
  return catalog
}

async function loadWithin(query: Query, database: string): Promise<Catalog> {
  const [before] = await query(`SELECT ${PINNED.map(([name]) => `pg_catalog.current_setting('${name}')`).join(', ')}`)
  const restored = PINNED.map(([name], index) => [name, before?.[index] ?? ''] as const)
  await set(query, PINNED)
  let catalog: Catalog
  try {
    catalog = await read(query, database)
  } catch (error) {
    // In a transaction that has failed this fails too, and the rollback restores them.
    await set(query, restored).catch(() => undefined)
    throw error
  }
  await set(query, restored)
  return catalog
}

async function set(query: Query, settings: typeof PINNED): Promise<void> {
  const calls = settings.map(([name], index) => `pg_catalog.set_config('${name}', $${index + 1}, true)`)
  await query(
    `SELECT ${calls.join(', ')}`,
    settings.map(([, value]) => value),
  )
}

async function read(query: Query, database: string): Promise<Catalog> {
  const [server] = await query(`SELECT pg_catalog.current_setting('server_version_num')`)
  const serverVersion = Number(server?.[0])
  const [row] = await query(catalogQuery(serverVersion))
  if (row?.[0] !== '') {
    throw new CacheopsError(
      'CACHEOPS_CATALOG',
      `The catalog was read under the search path '${row?.[0]}', not the one that was set: its statements ran on several ` +
        'connections, or outside of a transaction. Expected a `query` that stays on one connection.',
    )
  }
  return buildCatalog(database, serverVersion, JSON.parse(row[1] ?? '') as CatalogRows)
}
