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
  /** By the names that the statement uses: `AS t (a, b)` renames the first columns. */
  readonly columns: ReadonlyMap<string, Column>
  readonly read: Set<string>
  /** `*`, a whole-row reference: every column, also those that come later. */
  all: boolean
}

/** A derived table, a view, a CTE or a function; `columns` undefined where its output names are not known. */
export interface DerivedOccurrence {
  readonly kind: 'derived'
  readonly alias: string
  /** Of a view that was written without an alias: `schema.name.column` reaches it. */
  readonly schema?: string
  readonly columns: readonly string[] | undefined
  /** The columns of tables inside that come out as they are: what is said of them here holds for those rows (B3). */
  readonly uses?: ReadonlyMap<string, ColumnUse>
}

/** The columns that a join with USING or NATURAL makes one of two; they are read already. */
export interface MergedColumns {
  readonly kind: 'merged'
  /** `USING (…) AS alias`. */
  readonly alias: string | undefined
  /** The column of a table whose values it has, if it is just that. */
  readonly columns: ReadonlyMap<string, ColumnUse | undefined>
  /** The items of the join, whose columns of these names it hides. */
  readonly sides: ReadonlySet<Item>
}

export type Item = Occurrence | DerivedOccurrence | MergedColumns

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

export function occurrenceOf(table: Table, alias: string | undefined, names: readonly string[] = []): Occurrence {
  const columns = names.length === 0 ? table.column : renamedColumns(table, names)
  return {
    kind: 'table',
    alias: alias ?? table.name,
    bare: alias === undefined,
    table,
    columns,
    read: new Set(),
    all: false,
  }
}

function renamedColumns(table: Table, names: readonly string[]): ReadonlyMap<string, Column> {
  return new Map(table.columns.map((column, index) => [names[index] ?? column.name, column]))
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
    const found = level.items.filter((item) => certainlyHas(item, name))
    const hidden = new Set(found.flatMap((item) => (item.kind === 'merged' ? [...item.sides] : [])))
    const visible = found.filter((item) => !hidden.has(item))
    for (const item of visible) note(item, name)
    // An item of unknown columns may have it too.
    const unknown = level.items.filter((item) => item.kind === 'derived' && !item.columns && !hidden.has(item))
    const [only] = visible
    if (only && visible.length === 1 && unknown.length === 0) return useOf(only, name)
    if (only) return undefined
    const whole = level.items.find((item) => item.alias === name)
    if (whole) {
      if (whole.kind === 'table') whole.all = true
      return undefined
    }
    if (isSystemColumn(name) && level.items.some((item) => item.kind === 'table')) {
      throw new Bypass(`it reads the system column ${name}`)
    }
    // If none of them has it, an outer level does: all count as read.
    if (unknown.length > 0) {
      if (level.outer) noteBare(name, level.outer)
      return undefined
    }
  }
  throw new Bypass(`column ${name} is not known`)
}

function certainlyHas(item: Item, name: string): boolean {
  if (item.kind === 'derived') return item.columns?.includes(name) ?? false
  return item.columns.has(name)
}

/** The column of a table that a name means in an item that has it. */
function useOf(item: Item, name: string): ColumnUse | undefined {
  if (item.kind === 'derived') return item.uses?.get(name)
  if (item.kind === 'merged') return item.columns.get(name)
  const column = item.columns.get(name)
  return column && { occurrence: item, column }
}

function note(item: Item, name: string): void {
  const column = item.kind === 'table' ? item.columns.get(name) : undefined
  if (item.kind === 'table' && column) item.read.add(column.name)
}

function noteBare(name: string, scope: Scope): void {
  for (let level: Scope | undefined = scope; level; level = level.outer) {
    for (const item of level.items) note(item, name)
  }
}

function resolveIn(item: Item, name: string, path: readonly string[]): ColumnUse | undefined {
  // A derived table whose columns are not known may have it.
  if (item.kind === 'derived' && !item.columns) return undefined
  if (certainlyHas(item, name)) {
    note(item, name)
    return useOf(item, name)
  }
  if (item.kind === 'table' && isSystemColumn(name)) throw new Bypass(`it reads the system column ${name}`)
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
  return item.kind === 'table' && item.bare ? item.table.schema : undefined
}

function markStar(path: readonly string[], scope: Scope): void {
  if (path.length === 0) {
    for (const item of scope.items) if (item.kind === 'table') item.all = true
    return
  }
  const item = findItem(path[path.length - 1] as string, path.length > 1 ? path[path.length - 2] : undefined, scope)
  if (item.kind === 'table') item.all = true
}
