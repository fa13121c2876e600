import { createHash } from 'node:crypto'
import type { CatalogRows } from './rows.js'

/**
 * A7: equal catalogs have equal versions. What is temporary is left out, whose ever it is: it comes and goes with every
 * session, and is never cached (A16).
 */
export function catalogVersion(serverVersion: number, rows: CatalogRows): string {
  const temporary = new Set(rows.relations.filter((relation) => relation[4]).map(([oid]) => oid))
  const kept = <Line extends readonly [number, ...unknown[]]>(lines: readonly Line[]) =>
    lines.filter(([table]) => !temporary.has(table))
  const lasting = <Line extends readonly [number, string, ...unknown[]]>(lines: readonly Line[]) =>
    lines.filter(([, schema]) => !schema.startsWith('pg_temp_'))
  const lastingTypes = new Set(lasting(rows.types).map(([oid]) => oid))

  const canonical: Record<keyof CatalogRows, readonly unknown[]> = {
    relations: kept(rows.relations),
    columns: kept(rows.columns),
    generated: kept(rows.generated),
    calls: kept(rows.calls),
    domainCalls: rows.domainCalls.filter(([type]) => lastingTypes.has(type)),
    keys: kept(rows.keys),
    foreignKeys: kept(rows.foreignKeys),
    triggers: kept(rows.triggers),
    policies: kept(rows.policies),
    inherits: kept(rows.inherits),
    views: kept(rows.views),
    functions: lasting(rows.functions),
    operators: rows.operators,
    casts: rows.casts,
    types: lasting(rows.types),
    eventTriggers: rows.eventTriggers,
    systemRelations: rows.systemRelations,
  }
  return createHash('sha256')
    .update(JSON.stringify([serverVersion, canonical]))
    .digest('base64url')
}
