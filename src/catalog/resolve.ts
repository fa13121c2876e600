import type { Catalog, Column, Table } from './catalog.js'

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema', 'pg_toast'])
const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid'])

/** `Table.id`: a part that holds a dot or a quote is quoted, so that no two tables share an id. */
export function tableId(schema: string, name: string): string {
  return `${part(schema)}.${part(name)}`
}

/**
 * The table that a text's name means under the effective search path, as `current_schemas(true)` gives it. `'system'` is a
 * relation of pg_catalog, information_schema or pg_toast; `undefined` one that the catalog does not know.
 */
export function resolveRelation(
  catalog: Catalog,
  relation: { readonly schema?: string; readonly name: string },
  searchPath: readonly string[],
): Table | undefined | 'system' {
  if (relation.schema !== undefined) return inSchema(catalog, ownSchema(relation.schema, searchPath), relation.name)
  for (const schema of searchPath) {
    if (SYSTEM_SCHEMAS.has(schema) && !isSystemRelation(catalog, schema, relation.name)) continue
    const found = inSchema(catalog, schema, relation.name)
    if (found !== undefined) return found
  }
  return undefined
}

/** B8: a table, what it descends from, and what descends from it, at any depth. */
export function treeOf(catalog: Catalog, table: Table): readonly Table[] {
  return [table, ...relatives(catalog, table, 'parents'), ...relatives(catalog, table, 'children')]
}

function relatives(catalog: Catalog, table: Table, direction: 'parents' | 'children'): readonly Table[] {
  const found = new Set<Table>([table])
  for (const member of found) {
    for (const oid of member[direction]) {
      const next = catalog.tables.get(oid)
      if (next) found.add(next)
    }
  }
  found.delete(table)
  return [...found]
}

export function columnOf(table: Table, name: string): Column | undefined {
  return table.column.get(name)
}

/** Columns that every table has unseen. A table may have an `oid` of its own: ask `columnOf` first. */
export function isSystemColumn(name: string): boolean {
  return SYSTEM_COLUMNS.has(name)
}

function inSchema(catalog: Catalog, schema: string | undefined, name: string): Table | undefined | 'system' {
  if (schema === undefined) return undefined
  if (SYSTEM_SCHEMAS.has(schema) || schema.startsWith('pg_toast_temp_')) return 'system'
  return catalog.byId.get(tableId(schema, name))
}

/** `pg_temp` is an alias for the session's own schema, which has a number. */
function ownSchema(schema: string, searchPath: readonly string[]): string | undefined {
  return schema === 'pg_temp' ? searchPath.find((entry) => entry.startsWith('pg_temp_')) : schema
}

function isSystemRelation(catalog: Catalog, schema: string, name: string): boolean {
  if (schema === 'pg_catalog') return catalog.systemRelations.has(name)
  return schema === 'pg_toast' ? name.startsWith('pg_toast_') : catalog.systemRelations.has(`${schema}.${name}`)
}

function part(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
