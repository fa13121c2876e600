import type { Column, Table } from '../catalog/catalog.js'
import { isSystemColumn } from '../catalog/resolve.js'
import type { ColumnExpr } from '../sql/statement.js'
import { Bypass } from './bypass.js'

/** A table where it stands in a FROM clause (or as the target of a write): one alias, with what is read of it. */
export interface Occurrence {
  readonly kind: 'table'
  readonly alias: string
  /** The name was written without an alias, so `schema.name.column` reaches it. */
  readonly bare: boolean
  readonly table: Table
  readonly read: Set<string>
  /** `*`, a whole-row reference: every column, also those that come later. */
  all: boolean
}

/** A derived table, a view or a CTE; `columns` undefined where its output names are not known. */
export interface DerivedOccurrence {
  readonly kind: 'derived'
  readonly alias: string
  /** Of a view that was written without an alias: `schema.name.column` reaches it. */
  readonly schema?: string
  readonly columns: readonly string[] | undefined
}

export type Item = Occurrence | DerivedOccurrence

/** The names that an expression sees: its own FROM clause, then the enclosing queries'. */
export interface Scope {
  readonly items: readonly Item[]
  readonly outer: Scope | undefined
}

/** A column of a table occurrence, as conditions compare it. */
export interface ColumnUse {
  readonly occurrence: Occurrence
  readonly column: Column
}

/**
 * Resolves a column reference and notes what it reads. Where more than one item could be meant, every candidate counts
 * as read, and nothing is returned to compare.
 *
 * @throws Bypass where no item has the column
 */
export function resolveColumn(expr: ColumnExpr, scope: Scope): ColumnUse | undefined {
  if (expr.star) {
    markStar(expr.path, scope)
    return undefined
  }
  const [first, second, third] = expr.path
  if (expr.path.length === 1) return resolveBare(first as string, scope)
  if (expr.path.length === 2) return resolveIn(findItem(first as string, undefined, scope), second as string, expr.path)
  if (expr.path.length === 3) {
    return resolveIn(findItem(second as string, first, scope), third as string, expr.path)
  }
  throw new Bypass(`column ${expr.path.join('.')} is not understood`)
}

function resolveBare(name: string, scope: Scope): ColumnUse | undefined {
  for (let level: Scope | undefined = scope; level; level = level.outer) {
    const tables = level.items.filter(
      (item): item is Occurrence => item.kind === 'table' && item.table.column.has(name),
    )
    const derived = level.items.filter(
      (item) => item.kind === 'derived' && (!item.columns || item.columns.includes(name)),
    )
    const certain = level.items.some((item) => item.kind === 'derived' && item.columns?.includes(name))
    for (const item of tables) item.read.add(name)
    if (tables.length === 1 && derived.length === 0) {
      const occurrence = tables[0] as Occurrence
      return { occurrence, column: occurrence.table.column.get(name) as Column }
    }
    if (tables.length > 0 || certain) return undefined
    const whole = level.items.find((item) => item.alias === name)
    if (whole) {
      if (whole.kind === 'table') whole.all = true
      return undefined
    }
    if (isSystemColumn(name) && level.items.some((item) => item.kind === 'table')) {
      throw new Bypass(`it reads the system column ${name}`)
    }
    // An item of unknown columns may have it; so may an outer level: both count as read.
    if (derived.length > 0) {
      if (level.outer) markBare(name, level.outer)
      return undefined
    }
  }
  throw new Bypass(`column ${name} is not known`)
}

function markBare(name: string, scope: Scope): void {
  for (let level: Scope | undefined = scope; level; level = level.outer) {
    for (const item of level.items) if (item.kind === 'table' && item.table.column.has(name)) item.read.add(name)
  }
}

function resolveIn(item: Item, name: string, path: readonly string[]): ColumnUse | undefined {
  if (item.kind === 'derived') {
    if (item.columns && !item.columns.includes(name)) throw new Bypass(`column ${path.join('.')} is not known`)
    return undefined
  }
  const column = item.table.column.get(name)
  if (column) {
    item.read.add(name)
    return { occurrence: item, column }
  }
  if (isSystemColumn(name)) throw new Bypass(`it reads the system column ${name}`)
  throw new Bypass(`column ${path.join('.')} is not known`)
}

function findItem(alias: string, schema: string | undefined, scope: Scope): Item {
  for (let level: Scope | undefined = scope; level; level = level.outer) {
    const found = level.items.filter(
      (item) => item.alias === alias && (schema === undefined || schemaOf(item) === schema),
    )
    // The same name twice in one FROM clause is an error of the database's, unless schemas differ.
    if (found.length > 1) throw new Bypass(`table name ${alias} is ambiguous`)
    if (found[0]) return found[0]
  }
  throw new Bypass(`table ${schema === undefined ? alias : `${schema}.${alias}`} is not known in this place`)
}

function schemaOf(item: Item): string | undefined {
  if (item.kind === 'derived') return item.schema
  return item.bare ? item.table.schema : undefined
}

function markStar(path: readonly string[], scope: Scope): void {
  if (path.length === 0) {
    for (const item of scope.items) if (item.kind === 'table') item.all = true
    return
  }
  const item = findItem(path[path.length - 1] as string, path.length > 1 ? path[path.length - 2] : undefined, scope)
  if (item.kind === 'table') item.all = true
}
