import type { CommonTable, Expr, Query, QueryBody, SelectBody, SetOperationBody, Target } from '../statement.js'
import { sortExpressions, windowExpressions } from './calls.js'
import { type Context, expressions, optional } from './context.js'
import { bodyOf, expectNode, flagOf, listOf, NotUnderstood, namesOf, nodeOf, only, type Raw, textOf } from './raw.js'
import { source } from './sources.js'

const AROUND = ['sortClause', 'limitOffset', 'limitCount', 'limitOption', 'lockingClause', 'withClause', 'op'] as const
const SELECT = [
  'distinctClause',
  'targetList',
  'fromClause',
  'whereClause',
  'groupClause',
  'groupDistinct',
  'havingClause',
  'windowClause',
]

/** A SelectStmt: SELECT, VALUES, TABLE, or a set operation over two of them. */
export function query(body: Raw, context: Context): Query {
  const option = textOf(body, 'limitOption') ?? 'LIMIT_OPTION_DEFAULT'
  if (!/^LIMIT_OPTION_(?:DEFAULT|COUNT|WITH_TIES)$/.test(option)) throw new NotUnderstood('an unknown LIMIT')
  if (listOf(body, 'lockingClause').length > 0) context.locks = true
  return {
    ctes: commonTables(body, context),
    body: queryBody(body, context),
    orderBy: sortExpressions(body, 'sortClause', context),
    ...optional('limit', body.limitCount, context),
    ties: option === 'LIMIT_OPTION_WITH_TIES',
    ...optional('offset', body.limitOffset, context),
  }
}

function queryBody(body: Raw, context: Context): QueryBody {
  if (body.op !== 'SETOP_NONE' && body.op !== undefined) return setOperation(body, context)
  if (body.valuesLists === undefined) return select(body, context)
  only('VALUES', body, [...AROUND, 'valuesLists'])
  return { kind: 'values', rows: listOf(body, 'valuesLists').map((row) => valuesRow(row, context)), unlisted: 0 }
}

const OPERATORS: ReadonlyMap<unknown, SetOperationBody['operator']> = new Map<unknown, SetOperationBody['operator']>([
  ['SETOP_UNION', 'union'],
  ['SETOP_INTERSECT', 'intersect'],
  ['SETOP_EXCEPT', 'except'],
])

function setOperation(body: Raw, context: Context): SetOperationBody {
  only('SelectStmt', body, [...AROUND, 'all', 'larg', 'rarg'])
  const operator = OPERATORS.get(body.op)
  const left = bodyOf(body, 'larg')
  const right = bodyOf(body, 'rarg')
  if (!operator || !left || !right) throw new NotUnderstood('an unknown set operation')
  const all = flagOf(body, 'all')
  return { kind: 'set-operation', operator, all, left: context.query(left), right: context.query(right) }
}

function select(body: Raw, context: Context): SelectBody {
  // Not named, so refused: intoClause.
  only('SelectStmt', body, [...AROUND, ...SELECT])
  return {
    kind: 'select',
    from: listOf(body, 'fromClause').map((item) => source(item, context)),
    ...optional('where', body.whereClause, context),
    targets: targets(body, 'targetList', context),
    groupBy: listOf(body, 'groupClause').flatMap((item) => grouping(item, context)),
    ...optional('having', body.havingClause, context),
    ...distinct(body, context),
    windows: listOf(body, 'windowClause').flatMap((item) => {
      const { type, body: window } = nodeOf(item)
      if (type !== 'WindowDef') throw new NotUnderstood(type)
      return windowExpressions(window, context)
    }),
  }
}

/** An item of GROUP BY. Which sets are made of the expressions is in the text; an empty set groups too. */
function grouping(value: unknown, context: Context): readonly Expr[] {
  const { type, body } = nodeOf(value)
  // `(a, b)` without ROW is a list, whose items may be names of outputs.
  if (type === 'RowExpr' && body.row_format === 'COERCE_IMPLICIT_CAST')
    return listOf(body, 'args').flatMap((item) => grouping(item, context))
  if (type !== 'GroupingSet') return [context.expression(value)]
  only(type, body, ['kind', 'content', 'location'])
  const content = listOf(body, 'content').flatMap((item) => grouping(item, context))
  return content.length > 0 ? content : [{ kind: 'operation', operators: [], args: [] }]
}

function distinct(body: Raw, context: Context): Pick<SelectBody, 'distinct' | 'distinctOn'> {
  const list = listOf(body, 'distinctClause')
  const [first] = list
  if (first === undefined) return { distinct: 'none', distinctOn: [] }
  // A plain DISTINCT is a list with one empty node.
  if (list.length === 1 && typeof first === 'object' && first !== null && Object.keys(first).length === 0)
    return { distinct: 'all', distinctOn: [] }
  return { distinct: 'on', distinctOn: expressions(body, 'distinctClause', context) }
}

/** The output columns of a select or of RETURNING. */
export function targets(body: Raw, field: string, context: Context): readonly Target[] {
  return listOf(body, field).map((item) => {
    const target = expectNode(item, 'ResTarget', ['name', 'val', 'location'])
    const alias = textOf(target, 'name')
    return { expr: context.expression(target.val), ...(alias !== undefined && { alias }) }
  })
}

function valuesRow(value: unknown, context: Context): readonly Expr[] {
  const row = expectNode(value, 'List', ['items'])
  return listOf(row, 'items').map((item) => {
    const { type, body } = nodeOf(item)
    if (type !== 'SetToDefault') return context.expression(item)
    only(type, body, ['location'])
    return DEFAULT
  })
}

/** DEFAULT in a row of VALUES: a value that the text does not know. */
const DEFAULT: Expr = { kind: 'environment', name: 'default' }

/** The WITH clause of a query or a write. */
export function commonTables(body: Raw, context: Context): readonly CommonTable[] {
  const clause = bodyOf(body, 'withClause')
  if (!clause) return []
  only('WithClause', clause, ['ctes', 'recursive', 'location'])
  const recursive = flagOf(clause, 'recursive')
  return listOf(clause, 'ctes').map((item) => {
    const fields = ['ctename', 'aliascolnames', 'ctematerialized', 'ctequery', 'location']
    const { search_clause, cycle_clause } = nodeOf(item).body
    if (search_clause ?? cycle_clause) throw new NotUnderstood('SEARCH and CYCLE add columns that are not followed')
    const table = expectNode(item, 'CommonTableExpr', fields)
    const { type, body: inner } = nodeOf(table.ctequery)
    return {
      name: textOf(table, 'ctename') ?? '',
      recursive,
      columnAliases: namesOf(table, 'aliascolnames'),
      body:
        type === 'SelectStmt'
          ? { kind: 'query', query: context.query(inner) }
          : { kind: 'write', write: context.write(type, inner) },
    }
  })
}
