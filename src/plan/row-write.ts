import type { Catalog, Table } from '../catalog/catalog.js'
import type { ConjTemplate } from '../invalidation/template.js'
import type { Write } from '../sql/statement.js'
import { walkWrite } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import { type Cascade, cascadesOf } from './cascades.js'
import { TRUE } from './dnf.js'
import type { Effects } from './effects.js'
import { castsOfParams, ExpressionReader } from './expressions.js'
import { PURE_FUNCTIONS } from './functions.js'
import { QueryReader } from './query.js'
import type { PlanLimits } from './read.js'
import { type Item, occurrenceOf } from './scope.js'

/** A statement's own write, as far as its rows can be followed. */
export interface RowWrite {
  readonly operation: 'insert' | 'update' | 'delete'
  readonly table: Table
  /** How to name a column of the target in RETURNING: its alias, or its name, quoted. */
  readonly qualifier: string
  /** What WHERE says of a row before the write. `[[]]`: nothing. */
  readonly pins: readonly ConjTemplate[]
  /** Columns that may change, `undefined` for any. Of an upsert: what DO UPDATE may change. */
  readonly changed: readonly string[] | undefined
  readonly upsert: boolean
  /** RETURNING may be added: an ordinary table without policies. The role's privileges come on top. */
  readonly returning: boolean
  /** The statement's RETURNING list is not empty. */
  readonly returns: boolean
  /** Columns of a key by which rows can be told apart, for a read before the write; undefined where it cannot be made. */
  readonly preRead: readonly string[] | undefined
  /** RETURNING can name `old` and `new` (PostgreSQL 18). */
  readonly oldImages: boolean
  readonly cascades: readonly Cascade[]
}

/** Whether the value of a column may differ after the write. */
export function mayChange({ changed }: RowWrite, column: string): boolean {
  return changed === undefined || changed.includes(column)
}

/** Plans the write's own rows; undefined where they cannot be followed, which is told to `effects`. */
export function planRows(
  write: Write,
  table: Table,
  catalog: Catalog,
  searchPath: readonly string[],
  effects: Effects,
  limits: PlanLimits,
): RowWrite | undefined {
  if (table.kind !== 'table' || table.inherits || table.rules || table.temporary) {
    effects.wholeTable(table, `${table.id} is not an ordinary table`)
    return undefined
  }
  effects.triggers(table, write.kind)
  effects.named(table)
  const upsert = write.kind === 'insert' && write.onConflict === 'update'
  if (upsert) effects.triggers(table, 'update')
  if (write.kind !== 'delete') effects.defaults(table)
  const changed = changedColumns(write, table)
  const filter = write.kind === 'insert' ? undefined : readFilter(write, table, catalog, searchPath, limits)
  const ordinary = write.kind === 'insert' ? true : isOrdinary(write)
  return {
    operation: write.kind,
    table,
    qualifier: quote(write.alias ?? table.name),
    pins: filter?.pins ?? [[]],
    changed,
    upsert,
    returning: !table.rowSecurity,
    returns: write.returning.length > 0,
    preRead: write.kind === 'update' && ordinary && filter?.pure && !table.rowSecurity ? keyOf(table) : undefined,
    oldImages: catalog.serverVersion >= 180_000 && !namesOldOrNew(write),
    cascades: cascadesOf(table, write.kind, upsert, changed, effects),
  }
}

/** Columns whose value may differ after an update or an upsert (A9); `undefined` for any. */
function changedColumns(write: Write, table: Table): readonly string[] | undefined {
  if (write.kind === 'delete' || (write.kind === 'insert' && write.onConflict !== 'update')) return undefined
  if (table.triggers.some((trigger) => trigger.timing === 'before' && trigger.level === 'row')) return undefined
  const changed = new Set(write.assignments.map((assignment) => assignment.column))
  // A generated column follows the columns that it reads.
  for (const column of table.columns) {
    if (
      column.generated &&
      (column.generatedFrom.length === 0 || column.generatedFrom.some((name) => changed.has(name)))
    ) {
      changed.add(column.name)
    }
  }
  return [...changed]
}

/** What WHERE says of the target's rows, and whether the condition could be evaluated once more beforehand. */
function readFilter(
  write: Exclude<Write, { kind: 'insert' }>,
  table: Table,
  catalog: Catalog,
  searchPath: readonly string[],
  limits: PlanLimits,
): { readonly pins: readonly ConjTemplate[]; readonly pure: boolean } {
  if (!write.where) return { pins: [[]], pure: true }
  const casts = castsOfParams((visitor) => walkWrite(write, visitor))
  const expressions = new ExpressionReader(catalog, casts)
  const reader = new QueryReader(catalog, searchPath, expressions, limits.maxConjs)
  const target = occurrenceOf(table, write.alias)
  const items: Item[] = [target]
  try {
    const ctes = reader.commonTables(write.ctes, undefined, TRUE, undefined)
    const sources = write.kind === 'update' ? write.from : write.using
    const nodes = sources.map((source) => reader.resolve(source, items, ctes))
    const context = reader.filter(write.where, nodes, { items, outer: undefined }, TRUE, ctes)
    // The server reads WHERE before SET and RETURNING: these decide no parameter's type (A23).
    return { pins: reader.project(context, target), pure: isPure(write) }
  } catch (error) {
    // What the condition says is not understood: it pins nothing (S1).
    if (!(error instanceof Bypass)) throw error
    return { pins: [[]], pure: false }
  }
}

function isPure(write: Write): boolean {
  let pure = true
  walkWrite(write, {
    expr: (expr) => {
      if (expr.kind === 'environment') pure = false
      if (expr.kind === 'call' && !PURE_FUNCTIONS.has(expr.name)) pure = false
    },
  })
  return pure
}

/** One table, no CTE: its WHERE clause can stand in a statement of its own. */
function isOrdinary(write: Exclude<Write, { kind: 'insert' }>): boolean {
  return write.ctes.length === 0 && (write.kind === 'update' ? write.from : write.using).length === 0
}

function keyOf(table: Table): readonly string[] | undefined {
  const key = table.keys.find((candidate) => candidate.primary) ?? table.keys.find((candidate) => !candidate.nullable)
  return key?.columns
}

function namesOldOrNew(write: Write): boolean {
  const names = new Set([write.alias ?? write.relation.name])
  walkWrite(write, {
    source: (source) => {
      if (source.kind === 'table') names.add(source.alias ?? source.relation.name)
      if (source.kind === 'derived' && source.alias !== undefined) names.add(source.alias)
    },
  })
  return names.has('old') || names.has('new')
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
