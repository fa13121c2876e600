import type { CallExpr, Expr } from '../statement.js'
import { type Context, expressions } from './context.js'
import { bodyOf, expectNode, flagOf, listOf, NotUnderstood, namesOf, nodeOf, only, type Raw, textOf } from './raw.js'

const FIELDS = [
  'funcname',
  'args',
  'agg_order',
  'agg_filter',
  'over',
  'agg_within_group',
  'agg_star',
  'agg_distinct',
  'func_variadic',
  'funcformat',
  'location',
] as const

/** A FuncCall. DISTINCT, WITHIN GROUP and VARIADIC change the value, not what it depends on. */
export function call(body: Raw, context: Context): CallExpr {
  only('FuncCall', body, FIELDS)
  const name = callName(body)
  const args = listOf(body, 'args').map((arg) => argument(arg, context))
  for (const order of listOf(body, 'agg_order')) args.push(sortExpression(order, context))
  if (body.agg_filter !== undefined) args.push(context.expression(body.agg_filter))
  const over = bodyOf(body, 'over')
  if (over) args.push(...windowExpressions(over, context))
  return { kind: 'call', ...name, args, star: flagOf(body, 'agg_star'), window: over !== undefined }
}

/** Functions that the grammar makes of words (`position(a IN b)`) come with the schema pg_catalog. */
function callName(body: Raw): { readonly schema?: string; readonly name: string } {
  const parts = namesOf(body, 'funcname')
  const [first, second] = parts
  if (first === undefined || parts.length > 2) throw new NotUnderstood('a function with a database name')
  return second === undefined ? { name: first } : { schema: first, name: second }
}

function argument(value: unknown, context: Context): Expr {
  const { type, body } = nodeOf(value)
  if (type !== 'NamedArgExpr') return context.expression(value)
  only(type, body, ['arg', 'name', 'argnumber', 'location'])
  return context.expression(body.arg)
}

/** The expression of a SortBy. */
function sortExpression(value: unknown, context: Context): Expr {
  const sort = expectNode(value, 'SortBy', ['node', 'sortby_dir', 'sortby_nulls', 'location'])
  if (!/^SORTBY_(?:DEFAULT|ASC|DESC)$/.test(textOf(sort, 'sortby_dir') ?? '')) throw new NotUnderstood('ORDER BY USING')
  return context.expression(sort.node)
}

/** Everything that a WindowDef evaluates: of an OVER clause or of a WINDOW clause. */
export function windowExpressions(window: Raw, context: Context): readonly Expr[] {
  const fields = ['name', 'refname', 'partitionClause', 'orderClause', 'frameOptions', 'startOffset', 'endOffset']
  only('WindowDef', window, [...fields, 'location'])
  return [
    ...expressions(window, 'partitionClause', context),
    ...listOf(window, 'orderClause').map((item) => sortExpression(item, context)),
    ...[window.startOffset, window.endOffset]
      .filter((offset) => offset !== undefined)
      .map((offset) => context.expression(offset)),
  ]
}

/** ORDER BY items; their direction and the place of NULLs are in the text, which is part of the key. */
export function sortExpressions(body: Raw, field: string, context: Context): readonly Expr[] {
  return listOf(body, field).map((item) => sortExpression(item, context))
}
