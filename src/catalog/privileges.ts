import type { Query } from '../base/query.js'
import { FIRST_USER_OID } from './statements.js'

/**
 * The oids of the tables of which a role may SELECT every column, those that come later included. Granting column by
 * column does not count: what is not known costs row images, and never an error in the user's own write (A8).
 */
export async function readableTables(query: Query, role: string): Promise<ReadonlySet<number>> {
  // The search path is the session's: operators are named in full.
  const rows = await query(
    `SELECT c.oid FROM pg_catalog.pg_class c
      WHERE c.oid OPERATOR(pg_catalog.>=) ${FIRST_USER_OID}::pg_catalog.oid
        AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'v', 'm', 'f']::pg_catalog."char"[])
        AND pg_catalog.has_table_privilege($1::pg_catalog.name, c.oid, 'SELECT')`,
    [role],
  )
  return new Set(rows.map(([oid]) => Number(oid)))
}
