import type { CastExpr, CommonTable, Expr, Query, Source, Target, Write } from '../sql/statement.js'

/** What a walk over a statement calls, in the order of the text. Subqueries are entered. */
export interface Visitor {
  expr?(expr: Expr): void
  query?(query: Query): void
  source?(source: Source): void
  write?(write: Write): void
}

export function walkQuery(query: Query, visitor: Visitor): void {
  visitor.query?.(query)
  walkCtes(query.ctes, visitor)
  const body = query.body
  switch (body.kind) {
    case 'select':
      for (const source of body.from) walkSource(source, visitor)
      walkTargets(body.targets, visitor)
      walkAll([body.where, ...body.groupBy, body.having, ...body.distinctOn, ...body.windows], visitor)
      break
    case 'set-operation':
      walkQuery(body.left, visitor)
      walkQuery(body.right, visitor)
      break
    case 'values':
      walkAll(body.rows.flat(), visitor)
  }
  walkAll([...query.orderBy, query.limit, query.offset], visitor)
}

function walkCtes(ctes: readonly CommonTable[], visitor: Visitor): void {
  for (const cte of ctes) {
    if (cte.body.kind === 'query') walkQuery(cte.body.query, visitor)
    else walkWrite(cte.body.write, visitor)
  }
}

export function walkWrite(write: Write, visitor: Visitor): void {
  visitor.write?.(write)
  walkCtes(write.ctes, visitor)
  switch (write.kind) {
    case 'insert':
      if (write.source) walkQuery(write.source, visitor)
      walkAll([...write.assignments.map((assignment) => assignment.value), write.conflictWhere], visitor)
      break
    case 'update':
      walkAll(
        write.assignments.map((assignment) => assignment.value),
        visitor,
      )
      for (const source of write.from) walkSource(source, visitor)
      walkAll([write.where], visitor)
      break
    case 'delete':
      for (const source of write.using) walkSource(source, visitor)
      walkAll([write.where], visitor)
  }
  walkTargets(write.returning, visitor)
}

function walkTargets(targets: readonly Target[], visitor: Visitor): void {
  for (const target of targets) walkExpr(target.expr, visitor)
}

function walkSource(source: Source, visitor: Visitor): void {
  visitor.source?.(source)
  if (source.kind === 'derived') walkQuery(source.query, visitor)
  if (source.kind === 'join') {
    walkSource(source.left, visitor)
    walkSource(source.right, visitor)
    if (source.on) walkExpr(source.on, visitor)
  }
}

function walkAll(exprs: readonly (Expr | undefined)[], visitor: Visitor): void {
  for (const expr of exprs) if (expr) walkExpr(expr, visitor)
}

function walkExpr(expr: Expr, visitor: Visitor): void {
  visitor.expr?.(expr)
  switch (expr.kind) {
    case 'and':
    case 'or':
    case 'call':
    case 'operation':
      walkAll(expr.args, visitor)
      break
    case 'not':
    case 'is-null':
    case 'cast':
      walkExpr(expr.arg, visitor)
      break
    case 'equals':
      walkAll([expr.left, expr.right], visitor)
      break
    case 'in':
      walkAll([expr.arg, ...expr.items], visitor)
      break
    case 'equals-any':
      walkAll([expr.arg, expr.array], visitor)
      break
    case 'subquery':
      if (expr.test) walkExpr(expr.test, visitor)
      walkQuery(expr.query, visitor)
  }
}

/** Every cast of a statement. */
export function castsIn(walk: (visitor: Visitor) => void): CastExpr[] {
  const casts: CastExpr[] = []
  walk({ expr: (expr) => void (expr.kind === 'cast' && casts.push(expr)) })
  return casts
}
