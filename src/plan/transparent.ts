import type { Expr, Query, SelectBody } from '../sql/statement.js'
import { walkQuery } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import { type ColumnUse, type Item, resolveColumn } from './scope.js'

/**
 * The SELECT of a query each of whose rows comes from one combination of rows of its FROM clause, whatever the others are:
 * only then does what is said of a row that comes out hold for those that it was made of (B3). Its own CTEs are left
 * alone, since they may be read more than once.
 */
export function transparentBody(query: Query): SelectBody | undefined {
  const { body } = query
  if (body.kind !== 'select' || query.ctes.length > 0 || query.limit || query.offset || query.ties) return undefined
  if (body.distinct !== 'none' || body.groupBy.length > 0 || body.having || body.windows.length > 0) return undefined
  return hasWindow(query) ? undefined : body
}

/** The columns of tables that come out as they are, by the names of the outputs. An aggregate's query has none. */
export function passedColumns(
  body: SelectBody,
  names: readonly string[],
  inside: readonly Item[],
): ReadonlyMap<string, ColumnUse> {
  const uses = new Map<string, ColumnUse>()
  const seen = new Set<string>()
  for (const [index, { expr }] of body.targets.entries()) {
    const name = names[index]
    if (name === undefined) continue
    const use = seen.has(name) ? undefined : columnOf(expr, inside)
    // The same name twice means neither.
    if (use) uses.set(name, use)
    else uses.delete(name)
    seen.add(name)
  }
  return uses
}

function columnOf(expr: Expr, items: readonly Item[]): ColumnUse | undefined {
  if (expr.kind !== 'column' || expr.star) return undefined
  try {
    return resolveColumn(expr, { items, outer: undefined })
  } catch (error) {
    // A lateral query may name what stands before it.
    if (error instanceof Bypass) return undefined
    throw error
  }
}

function hasWindow(query: Query): boolean {
  let found = false
  walkQuery(query, {
    expr: (expr) => {
      if (expr.kind === 'call' && expr.window) found = true
    },
  })
  return found
}
