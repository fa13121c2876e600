import { ConfigError } from '../base/errors.js'
import type { Query } from '../base/query.js'

/** Not permitted, not there, not built: what services that only look like PostgreSQL answer. */
const REFUSALS: ReadonlySet<unknown> = new Set(['42501', '42883', '42P01', '0A000'])

/**
 * A4: the identity of the data, never a name: the server's system identifier, which replicas share and a restored dump does
 * not, and the database's oid.
 *
 * @throws ConfigError where the role may not ask; outside of a transaction, as a refusal fails one
 */
export async function databaseIdentity(query: Query): Promise<string> {
  let row: readonly (string | null)[] | undefined
  let cause: unknown
  try {
    ;[row] = await query(
      `SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
        WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()`,
    )
  } catch (error) {
    if (!REFUSALS.has((error as { readonly code?: unknown } | undefined)?.code)) throw error
    cause = error
  }
  if (row?.[0] && row[1]) return `${row[0]}-${row[1]}`
  throw new ConfigError(
    'The server does not tell the identity of its data' +
      `${cause instanceof Error ? ` (${cause.message})` : ''}: expected that the role may call pg_control_system(). ` +
      "Set the driver's `database` option to a name of your own for this data, the same in every process that reads or " +
      'writes it, or GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() to the role.',
    { cause },
  )
}
