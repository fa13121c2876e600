import { unseenCalls } from './calls.js'
import type { Catalog, Reference, Table, UserFunction } from './catalog.js'
import { customSettings } from './custom-settings.js'
import { overloadedTypes } from './equality.js'
import { buildFunction } from './functions.js'
import type { CatalogRows } from './rows.js'
import { buildTables } from './tables.js'
import { catalogVersion } from './version.js'

const ACTIONS = { a: 'no action', r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' } as const

/** The catalog as one value, from what the statements gave. */
export function buildCatalog(database: string, serverVersion: number, rows: CatalogRows): Catalog {
  const overloaded = overloadedTypes(rows.operators, rows.casts, rows.types)
  const references = new Map<number, Reference[]>()
  const unseen = unseenCalls(rows)
  const tables = buildTables(rows, overloaded, unseen, (oid) => listAt(references, oid))
  addReferences(rows, tables, references)

  const functionByOid = new Map<number, UserFunction>()
  const functions = new Map<string, UserFunction[]>()
  for (const line of rows.functions) {
    const built = buildFunction(line)
    functionByOid.set(built.oid, built)
    listAt(functions, built.name).push(built)
  }

  const userOperators = new Map<string, { readonly immutable: boolean }>()
  for (const [name, immutable] of rows.operators) {
    userOperators.set(name, { immutable: immutable && userOperators.get(name)?.immutable !== false })
  }

  return {
    database,
    version: catalogVersion(serverVersion, rows),
    serverVersion,
    tables,
    byId: new Map([...tables.values()].map((table) => [table.id, table])),
    functions,
    functionByOid,
    userOperators,
    overloadedTypes: overloaded,
    userTypes: new Set(rows.types.map(([, , name]) => name)),
    operatorCalls: unseen.operators,
    castCalls: unseen.casts,
    implicitCalls: unseen.implicit,
    userCasts: new Set(rows.casts.filter((cast) => !cast[6]).map((cast) => cast[3])),
    customSettings: customSettings(rows),
    systemRelations: new Set(rows.systemRelations.map(([schema, name]) => systemName(schema, name))),
    opaque: opaque(rows),
  }
}

/** Tables and their references name each other, so the lists are filled once all tables are there. */
function addReferences(
  rows: CatalogRows,
  tables: ReadonlyMap<number, Table>,
  references: ReadonlyMap<number, Reference[]>,
): void {
  for (const [childOid, parentOid, childPositions, parentPositions, onDelete, onUpdate, set] of rows.foreignKeys) {
    const child = tables.get(childOid)
    const parent = tables.get(parentOid)
    if (!child || !parent) continue
    const childColumns = columnNames(child, childPositions)
    const setPositions = set ?? []
    references.get(parentOid)?.push({
      child,
      childColumns,
      parentColumns: columnNames(parent, parentPositions),
      onDelete: ACTIONS[onDelete],
      onUpdate: ACTIONS[onUpdate],
      setColumns: setPositions.length > 0 ? columnNames(child, setPositions) : childColumns,
    })
  }
}

function columnNames(table: Table, positions: readonly number[]): readonly string[] {
  return positions.map((position) => {
    const column = table.columns.find((candidate) => candidate.position === position)
    if (!column) throw new Error(`Catalog: ${table.id} has no column at position ${position}`)
    return column.name
  })
}

function opaque(rows: CatalogRows): string | undefined {
  const reasons: string[] = []
  if (rows.eventTriggers.length > 0) {
    reasons.push(`event triggers: ${rows.eventTriggers.map(([name, event]) => `${name} (${event})`).join(', ')}`)
  }
  const casts = rows.casts.filter((cast) => cast[2] === 'i' && !cast[6])
  if (casts.length > 0) {
    const names = casts.map((cast) => `${cast[4]} to ${cast[5]}`)
    reasons.push(`implicit casts that are not immutable: ${names.join(', ')}`)
  }
  return reasons.length > 0 ? reasons.join('; ') : undefined
}

function systemName(schema: string, name: string): string {
  return schema === 'pg_catalog' ? name : `${schema}.${name}`
}

function listAt<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  const known = lists.get(key)
  if (known) return known
  const list: Value[] = []
  lists.set(key, list)
  return list
}
