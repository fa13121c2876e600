import type { Expr, Query } from '../sql/statement.js'

/** The names of a query's output columns; undefined where the database would choose one that we do not mirror, or for `*`. */
export function outputNames(query: Query): readonly string[] | undefined {
  const body = query.body
  switch (body.kind) {
    case 'values':
      return (body.rows[0] ?? []).map((_, index) => `column${index + 1}`)
    case 'set-operation':
      return outputNames(body.left)
    case 'select': {
      const names: string[] = []
      for (const target of body.targets) {
        const name = target.alias ?? implicitName(target.expr)
        if (name === undefined) return undefined
        names.push(name)
      }
      return names
    }
  }
}

function implicitName(expr: Expr): string | undefined {
  if (expr.kind === 'column' && !expr.star) return expr.path[expr.path.length - 1]
  if (expr.kind === 'call' || expr.kind === 'field') return expr.name
  return undefined
}
