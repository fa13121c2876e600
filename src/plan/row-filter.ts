import type { Table } from '../catalog/catalog.js'
import type { ConjTemplate, Restriction, ValueSource } from '../invalidation/template.js'
import type { Expr, InsertWrite, Write } from '../sql/statement.js'
import { type Visitor, walkQuery, walkWrite } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import { TRUE } from './dnf.js'
import { castsOfParams, ExpressionReader } from './expressions.js'
import { PURE_FUNCTIONS } from './functions.js'
import type { Planning } from './planning.js'
import { QueryReader } from './query.js'
import { type Item, occurrenceOf } from './scope.js'
import type { CteScope } from './sources.js'

/** What a statement says around a write that stands in it. */
export interface Around {
  /** Names of CTEs that the write could mean and that are not read with it. */
  readonly ctes: readonly string[]
  /** Parameters that stand elsewhere in the statement, too: their type may be decided there (A23). */
  readonly params: ReadonlySet<number>
}

export const ALONE: Around = { ctes: [], params: new Set() }

/** What the statement says around one of its writes. `walk` walks all of it. */
export function around(walk: (visitor: Visitor) => void, write: Write): Around {
  const ctes = new Set<string>()
  const all = countParams(walk)
  const own = countParams((visitor) => walkWrite(write, visitor))
  const note = (list: readonly { readonly name: string }[]): void => {
    for (const { name } of list) ctes.add(name)
  }
  walk({ query: (query) => note(query.ctes), write: (other) => note(other.ctes) })
  const params = new Set([...all.keys()].filter((index) => all.get(index) !== own.get(index)))
  // Its own CTEs are not read either where one of them writes.
  for (const { body } of write.ctes) {
    const inner = countParams((visitor) =>
      body.kind === 'query' ? walkQuery(body.query, visitor) : walkWrite(body.write, visitor),
    )
    for (const index of inner.keys()) params.add(index)
  }
  return { ctes: [...ctes], params }
}

function countParams(walk: (visitor: Visitor) => void): Map<number, number> {
  const counts = new Map<number, number>()
  walk({
    expr: (expr) => {
      if (expr.kind === 'param') counts.set(expr.index, (counts.get(expr.index) ?? 0) + 1)
    },
  })
  return counts
}

/** Whether any CTE of the write, at any depth, writes itself. */
export function writesBeside(write: Write): boolean {
  let others = -1
  walkWrite(write, { write: () => void others++ })
  return others > 0
}

/** What WHERE says of the target's rows, and whether the condition could be evaluated once more beforehand. */
export function readFilter(
  write: Exclude<Write, { kind: 'insert' }>,
  table: Table,
  { catalog, searchPath, limits }: Planning,
  { ctes, params }: Around,
): { readonly pins: readonly ConjTemplate[]; readonly pure: boolean } {
  if (!write.where) return { pins: [[]], pure: true }
  const expressions = new ExpressionReader(
    catalog,
    castsOfParams((visitor) => walkWrite(write, visitor)),
  )
  const reader = new QueryReader(catalog, searchPath, expressions, limits.maxConjs)
  const target = occurrenceOf(table, write.alias)
  const items: Item[] = [target]
  try {
    for (const index of params) expressions.use(index)
    const outer = ctes.reduce<CteScope | undefined>(
      (scope, name) => ({ name, columns: undefined, outer: scope }),
      undefined,
    )
    const scope = ctes.length > 0 ? outer : reader.commonTables(write.ctes, undefined, TRUE, undefined)
    const sources = write.kind === 'update' ? write.from : write.using
    const nodes = sources.map((source) => reader.resolve(source, items, scope))
    const context = reader.filter(write.where, nodes, { items, outer: undefined }, TRUE, scope)
    // The server reads WHERE before SET and RETURNING: these decide no parameter's type (A23).
    return { pins: reader.project(context, target), pure: isPure(write, (index) => expressions.trusted(param(index))) }
  } catch (error) {
    // What the condition says is not understood: it pins nothing (S1).
    if (!(error instanceof Bypass)) throw error
    return { pins: [[]], pure: false }
  }
}

/** What VALUES says of the rows that are added; `undefined` where it does not say all of them. */
export function readValues(
  write: InsertWrite,
  members: readonly Table[],
  { catalog, limits }: Planning,
  { params }: Around,
): readonly ConjTemplate[] | undefined {
  const table = members[0] as Table
  const { source } = write
  // A9: what runs before it may put in other values.
  if (members.some(({ triggers }) => triggers.some(({ timing, level }) => timing === 'before' && level === 'row')))
    return undefined
  if (!source) return [[]]
  const { body, ctes, orderBy, limit, offset } = source
  // With these it is a query, whose columns have types of their own.
  if (body.kind !== 'values' || ctes.length > 0 || orderBy.length > 0 || limit || offset) return undefined
  if (body.unlisted > 0 || body.rows.length > limits.maxConjs) return undefined
  const names = write.columns.length > 0 ? write.columns : table.columns.map(({ name }) => name)
  const expressions = new ExpressionReader(
    catalog,
    castsOfParams((visitor) => walkWrite(write, visitor)),
  )
  for (const index of params) expressions.use(index)
  const target = occurrenceOf(table, write.alias)
  const said = (expr: Expr, name: string): Restriction | undefined => {
    const column = table.column.get(name)
    if (!column || column.generated) return undefined
    const { keyType } = column
    // `varchar(3)` takes off spaces.
    if (column.typeModifier !== -1 && keyType === 'text') return undefined
    const value = expressions.constant(expr, { occurrence: target, column })
    return value && { column: name, keyType, kind: 'value', value }
  }
  try {
    const rows = body.rows.map((row) => row.map((expr, index) => said(expr, names[index] ?? '')))
    for (const row of body.rows) {
      // A parameter that stands inside an expression has the type that it needs there.
      for (const expr of row) if (expr.kind !== 'param') paramsIn(expr, (index) => expressions.use(index))
    }
    return rows.map((row) =>
      row
        .filter((said) => said !== undefined)
        .filter((said) => said.kind === 'value' && expressions.trusted(said.value)),
    )
  } catch (error) {
    if (!(error instanceof Bypass)) throw error
    return undefined
  }
}

function paramsIn(expr: Expr, use: (index: number) => void): void {
  const query = { ctes: [], body: { kind: 'values', rows: [[expr]], unlisted: 0 }, orderBy: [], ties: false } as const
  walkQuery(query, {
    expr: (inner) => {
      if (inner.kind === 'param') use(inner.index)
    },
  })
}

function param(index: number): ValueSource {
  return { kind: 'param', index }
}

/**
 * Whether FROM and WHERE can be read alone: what SET and RETURNING compute does not choose the rows.
 *
 * @param typed - whether a parameter has its type from FROM and WHERE; it may have it from SET
 */
function isPure(write: Exclude<Write, { kind: 'insert' }>, typed: (index: number) => boolean): boolean {
  const chooses: Write =
    write.kind === 'update' ? { ...write, assignments: [], returning: [] } : { ...write, returning: [] }
  const all = countParams((visitor) => walkWrite(write, visitor))
  const own = countParams((visitor) => walkWrite(chooses, visitor))
  let pure = [...own].every(([index, times]) => times === all.get(index) || typed(index))
  walkWrite(chooses, {
    expr: (expr) => {
      if (expr.kind === 'environment') pure = false
      if (expr.kind === 'call' && !PURE_FUNCTIONS.has(expr.name)) pure = false
    },
  })
  return pure
}
