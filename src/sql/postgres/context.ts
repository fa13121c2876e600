import type { Expr, Query, Write } from '../statement.js'
import { listOf, type Raw } from './raw.js'

/** What the readers of expressions, sources, queries and writes need of each other, without importing in a circle. */
export interface Context {
  expression(value: unknown): Expr
  /** An A_Const: the lifted literal that stands there, or a constant. */
  constant(body: Raw): Expr
  /** A list of expressions that may be long: with the items that were taken out of the text. */
  list(items: readonly unknown[]): readonly Expr[]
  /** The body of a SelectStmt. */
  query(body: Raw): Query
  /** An InsertStmt, UpdateStmt or DeleteStmt. */
  write(type: string, body: Raw): Write
  /** FOR UPDATE, FOR SHARE and their like, at any depth. */
  locks: boolean
}

/** A list of expressions. */
export function expressions(body: Raw, field: string, context: Context): readonly Expr[] {
  return listOf(body, field).map((item) => context.expression(item))
}

/** An optional expression, to be spread into its node. */
export function optional<Name extends string>(
  name: Name,
  value: unknown,
  context: Context,
): { readonly [key in Name]?: Expr } {
  return value === undefined ? {} : ({ [name]: context.expression(value) } as { readonly [key in Name]: Expr })
}
