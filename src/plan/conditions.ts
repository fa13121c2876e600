import type { Restriction, ValueSource } from '../invalidation/template.js'
import type { Expr, NotDistinctExpr, SubqueryExpr } from '../sql/statement.js'
import { type Atom, conjoin, type Dnf, disjoin, same, TRUE } from './dnf.js'
import { TEMPORAL_TYPE_NAMES } from './functions.js'
import type { ColumnUse } from './scope.js'

/** What the planner of expressions offers to the reader of conditions. */
export interface ConditionContext {
  /** Resolves a column and notes that it is read; undefined where it is not a column of a table. */
  column(expr: Expr): ColumnUse | undefined
  /** The value of a constant, if it compares with that column as the database would (A23). */
  constant(expr: Expr, on: ColumnUse): ValueSource | undefined
  /** The same of an array whose elements are compared with the column. */
  array(expr: Expr, on: ColumnUse): ValueSource | undefined
  /** Visits an expression for what it reads and for purity, and gives the subqueries directly inside it. */
  visit(expr: Expr): readonly SubqueryExpr[]
  readonly maxConjs: number
}

/**
 * The disjunctive normal form of a condition: NOT is pushed to the leaves first, and whatever is not `column = constant`,
 * `IN`, `IS NULL` or `column = column` counts as true (S2).
 */
export function dnf(expr: Expr, context: ConditionContext, negated = false): Dnf {
  switch (expr.kind) {
    case 'and':
    case 'or': {
      const parts = expr.args.map((arg) => dnf(arg, context, negated))
      return (expr.kind === 'and') !== negated
        ? parts.reduce((left, right) => conjoin(left, right, context.maxConjs), TRUE)
        : disjoin(parts, context.maxConjs)
    }
    case 'not':
      return dnf(expr.arg, context, !negated)
    case 'is-truth':
      // `c IS FALSE` says that NOT c; that it is not FALSE says nothing, as it may be NULL.
      return negated ? leaf(context.visit(expr)) : dnf(expr.arg, context, !expr.truth)
    case 'column': {
      const on = context.column(expr)
      if (on?.column.keyType !== 'boolean') return TRUE
      const value: ValueSource = { kind: 'constant', value: negated ? 'false' : 'true', literal: 'boolean' }
      return restricted(on, { kind: 'value', ...columnOf(on), value })
    }
    default:
      return negated ? leaf(context.visit(expr)) : positive(expr, context)
  }
}

function positive(expr: Expr, context: ConditionContext): Dnf {
  switch (expr.kind) {
    case 'equals':
      return equality(expr.left, expr.right, context)
    case 'not-distinct':
      return notDistinct(expr, context)
    case 'in': {
      const on = expr.arg.kind === 'column' ? context.column(expr.arg) : undefined
      const items = on ? expr.items.map((item) => context.constant(item, on)) : []
      if (on && items.length > 0 && items.every((item) => item !== undefined)) {
        return restricted(on, { kind: 'list', ...columnOf(on), items: items as ValueSource[] })
      }
      return leaf(context.visit(expr))
    }
    case 'equals-any': {
      const on = expr.arg.kind === 'column' ? context.column(expr.arg) : undefined
      if (on) {
        const array = context.array(expr.array, on)
        if (array) return restricted(on, { kind: 'array', ...columnOf(on), array })
      }
      return leaf(context.visit(expr))
    }
    case 'is-null': {
      const on = expr.arg.kind === 'column' ? context.column(expr.arg) : undefined
      if (on && isScalar(on)) return restricted(on, { kind: 'null', ...columnOf(on) })
      if (on) return TRUE
      return leaf(context.visit(expr))
    }
    default:
      return leaf(context.visit(expr))
  }
}

function equality(left: Expr, right: Expr, context: ConditionContext): Dnf {
  const a = left.kind === 'column' ? context.column(left) : undefined
  const b = right.kind === 'column' ? context.column(right) : undefined
  if (a && b) {
    const atom = same(a, b)
    return atom ? [[atom]] : leaf(context.visit({ kind: 'equals', left, right }))
  }
  const on = a ?? b
  const other = a ? right : left
  if (on && other.kind !== 'column') {
    const value = context.constant(other, on)
    if (value) return restricted(on, { kind: 'value', ...columnOf(on), value })
  }
  return leaf([
    ...(left.kind === 'column' ? [] : context.visit(left)),
    ...(right.kind === 'column' ? [] : context.visit(right)),
  ])
}

/** Of a NULL it says what IS NULL says: a value that turns out to be NULL is met by rows with NULL there. */
function notDistinct(expr: NotDistinctExpr, context: ConditionContext): Dnf {
  const a = expr.left.kind === 'column' ? context.column(expr.left) : undefined
  const b = expr.right.kind === 'column' ? context.column(expr.right) : undefined
  const on = a ?? b
  const other = a ? expr.right : expr.left
  const value = on && !(a && b) ? context.constant(other, on) : undefined
  return on && value ? restricted(on, { kind: 'value', ...columnOf(on), value }) : leaf(context.visit(expr))
}

/** B4: a composite IS NULL where all its fields are; only for types that are surely not composite is NULL just NULL. */
function isScalar(on: ColumnUse): boolean {
  return on.column.keyType !== 'other' || SCALAR_TYPES.has(on.column.typeName)
}

const SCALAR_TYPES: ReadonlySet<string> = new Set([
  ...TEMPORAL_TYPE_NAMES,
  'numeric',
  'real',
  'double precision',
  'json',
  'jsonb',
  'bytea',
  'text',
  'character varying',
  'character',
  'interval',
  'inet',
])

function restricted(on: ColumnUse, restriction: Restriction): Dnf {
  return [[{ kind: 'restriction', on, restriction }]]
}

function leaf(subqueries: readonly SubqueryExpr[]): Dnf {
  return [subqueries.map((query): Atom => ({ kind: 'subquery', query }))]
}

function columnOf(on: ColumnUse): { readonly column: string; readonly keyType: ColumnUse['column']['keyType'] } {
  return { column: on.column.name, keyType: on.column.keyType }
}
