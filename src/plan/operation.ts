import type { Operation } from '../base/vocabulary.js'
import type { Table } from '../catalog/catalog.js'
import { textOf } from '../invalidation/bind.js'
import type { CallValues, ValueSource } from '../invalidation/template.js'
import type { CommonTable, Expr, Query, SelectBody, Source, TableSource } from '../sql/statement.js'
import { viewStatement } from './definitions.js'
import { AGGREGATES } from './functions.js'

/** What a read is, and what it is when its LIMIT turns out to be 1. */
export interface OperationRule {
  readonly base: Operation
  readonly limitOne: Operation
  readonly limit: ValueSource | undefined
}

/** The operation of one call. */
export function operationOf(rule: OperationRule, values: CallValues): Operation {
  if (rule.limit === undefined) return rule.base
  return textOf(rule.limit, values)?.text === '1' ? rule.limitOne : rule.base
}

type TableOf = (source: TableSource) => Table | undefined

/** The rule of a query: the table in docs/operations. `tableOf` gives undefined for CTEs and what is not known. */
export function operationRule(query: Query, tableOf: TableOf): OperationRule {
  const body = query.body
  const limit = query.ties ? undefined : limitOf(query.limit)
  if (body.kind !== 'select') return { base: 'fetch', limitOne: 'get', limit }
  const fixed = shape(body)
  if (fixed) return { base: fixed, limitOne: fixed, limit: undefined }
  const base = isUnique(body, query.ctes, tableOf) ? 'get' : 'fetch'
  const probe = query.orderBy.length === 0 && body.distinct === 'none' && selectsKeyOnly(body, tableOf)
  return { base, limitOne: probe ? 'exists' : 'get', limit }
}

function limitOf(expr: Expr | undefined): ValueSource | undefined {
  if (expr?.kind === 'param') return { kind: 'param', index: expr.index }
  if (expr?.kind === 'literal') return { kind: 'literal', slot: expr.slot, negated: expr.negated }
  if (expr?.kind === 'constant' && expr.literal === 'integer') {
    return { kind: 'constant', value: String(expr.value), literal: 'integer' }
  }
  if (expr?.kind === 'cast') return limitOf(expr.arg)
  return undefined
}

function shape(body: SelectBody): Operation | undefined {
  const targets = body.targets.map((target) => target.expr)
  const grouped = body.groupBy.length > 0 || body.having !== undefined
  if (!grouped && targets.length > 0 && targets.every(isConstant)) return 'exists'
  const single = targets.length === 1 ? targets[0] : undefined
  if (!grouped && single?.kind === 'subquery' && single.form === 'exists') return 'exists'
  if (!grouped && single && isCount(single)) return 'count'
  if (grouped || targets.some(hasAggregate)) return 'aggregate'
  return undefined
}

function isConstant(expr: Expr): boolean {
  if (expr.kind === 'cast') return isConstant(expr.arg)
  if (expr.kind === 'operation') return expr.args.length > 0 && expr.args.every(isConstant)
  return expr.kind === 'constant' || expr.kind === 'literal' || expr.kind === 'param'
}

function isCount(expr: Expr): boolean {
  if (expr.kind === 'cast') return isCount(expr.arg)
  return expr.kind === 'call' && expr.name === 'count' && !expr.window
}

/** Whether an aggregate stands in the outermost select: one inside a subquery groups the subquery. */
function hasAggregate(expr: Expr): boolean {
  switch (expr.kind) {
    case 'call':
      return (AGGREGATES.has(expr.name) && !expr.window) || expr.args.some(hasAggregate)
    case 'and':
    case 'or':
    case 'operation':
      return expr.args.some(hasAggregate)
    case 'not':
    case 'is-null':
    case 'is-truth':
    case 'field':
    case 'cast':
      return hasAggregate(expr.arg)
    case 'equals':
    case 'not-distinct':
      return hasAggregate(expr.left) || hasAggregate(expr.right)
    case 'in':
      return hasAggregate(expr.arg) || expr.items.some(hasAggregate)
    default:
      return false
  }
}

/** `true` where equality with a whole key lets one row of the first table through, and no join can multiply it. */
function isUnique(body: SelectBody, ctes: readonly CommonTable[], tableOf: TableOf): boolean {
  if (body.from.length !== 1) return false
  const root = rootOf(body.from[0] as Source, tableOf)
  // With names that the statement gives, those in WHERE are not the key's.
  if (!root || root.kind === 'function' || root.columnAliases.length > 0) return false
  if (root.kind === 'table' && tableOf(root) === undefined) {
    const cte = ctes.find((candidate) => candidate.name === root.relation.name)
    return cte?.body.kind === 'query' && uniqueThrough(body, cte.body.query, aliasOf(root), tableOf)
  }
  if (root.kind === 'derived') return uniqueThrough(body, root.query, root.alias ?? '', tableOf)
  const table = tableOf(root)
  if (table?.kind === 'view') {
    const statement = viewStatement(table)
    return statement.kind === 'select' && uniqueThrough(body, statement.query, aliasOf(root), tableOf)
  }
  return table !== undefined && fixesKey(table, pinnedColumns(body.where, aliasOf(root), true))
}

/** A key fixed outside holds inside where the inner query only projects and filters. */
function uniqueThrough(body: SelectBody, inner: Query, alias: string, tableOf: TableOf): boolean {
  if (inner.body.kind !== 'select' || inner.body.from.length !== 1 || shape(inner.body)) return false
  const source = inner.body.from[0] as Source
  if (source.kind !== 'table') return false
  const table = tableOf(source)
  if (!table) return false
  const names = new Map<string, string>()
  for (const { expr, alias: name } of inner.body.targets) {
    if (expr.kind !== 'column') continue
    if (expr.star) for (const column of table.columns) names.set(column.name, column.name)
    else {
      const column = expr.path[expr.path.length - 1] as string
      names.set(name ?? column, column)
    }
  }
  const outside = [...pinnedColumns(body.where, alias, true)]
    .map((name) => names.get(name))
    .filter((name) => name !== undefined)
  return fixesKey(table, new Set([...outside, ...pinnedColumns(inner.body.where, aliasOf(source), true)]))
}

/** The first table, where every join is a LEFT JOIN on a whole key of the joined table. */
function rootOf(source: Source, tableOf: TableOf): Exclude<Source, { kind: 'join' }> | undefined {
  if (source.kind !== 'join') return source
  if (source.join !== 'left' || source.right.kind !== 'table') return undefined
  const table = tableOf(source.right)
  if (!table || !fixesKey(table, pinnedColumns(source.on, aliasOf(source.right), false))) return undefined
  return rootOf(source.left, tableOf)
}

function aliasOf(source: TableSource): string {
  return source.alias ?? source.relation.name
}

function fixesKey(table: Table, columns: ReadonlySet<string>): boolean {
  return table.keys.some((key) => key.columns.every((column) => columns.has(column)))
}

/** Columns of `alias` that top-level equalities fix: to a constant, or (`constants` false) to anything outside of it. */
function pinnedColumns(expr: Expr | undefined, alias: string, constants: boolean): Set<string> {
  const columns = new Set<string>()
  const visit = (part: Expr): void => {
    if (part.kind === 'and') for (const arg of part.args) visit(arg)
    if (part.kind !== 'equals') return
    for (const [side, other] of [
      [part.left, part.right],
      [part.right, part.left],
    ] as const) {
      const name = columnIn(side, alias, constants)
      if (name === undefined) continue
      if (constants ? isConstant(other) : columnIn(other, alias, false) === undefined) columns.add(name)
    }
  }
  if (expr) visit(expr)
  return columns
}

function columnIn(expr: Expr, alias: string, bare: boolean): string | undefined {
  if (expr.kind !== 'column' || expr.star) return undefined
  if (expr.path.length === 1) return bare ? expr.path[0] : undefined
  return expr.path[expr.path.length - 2] === alias ? expr.path[expr.path.length - 1] : undefined
}

/** Key columns alone, of one table that has others too: a row that is all key is found, not probed. */
function selectsKeyOnly(body: SelectBody, tableOf: TableOf): boolean {
  const source = body.from.length === 1 ? body.from[0] : undefined
  if (source?.kind !== 'table' || source.columnAliases.length > 0) return false
  const table = tableOf(source)
  const primary = table?.keys.find((key) => key.primary)
  if (!table || !primary || body.targets.length === 0 || primary.columns.length === table.columns.length) return false
  return body.targets.every(({ expr }) => {
    if (expr.kind !== 'column' || expr.star) return false
    return primary.columns.includes(expr.path[expr.path.length - 1] as string)
  })
}
