import type { Expr, OperationExpr, SubqueryExpr } from '../statement.js'
import { call } from './calls.js'
import { type Context, expressions } from './context.js'
import { operator, operatorName } from './operators.js'
import {
  bodyOf,
  expectNode,
  listOf,
  NotUnderstood,
  namesOf,
  nodeOf,
  numberOf,
  only,
  type Raw,
  requiredText,
  textOf,
} from './raw.js'
import { isSqlJson, sqlJson, xml, xmlSerialize } from './sql-json.js'
import { typeOf } from './types.js'

const operation = (operators: readonly string[], args: readonly Expr[]): OperationExpr => ({
  kind: 'operation',
  operators,
  args,
})

export function expression(value: unknown, context: Context): Expr {
  const { type, body } = nodeOf(value)
  switch (type) {
    case 'A_Const':
      return context.constant(body)
    case 'ColumnRef':
      return column(body)
    case 'ParamRef':
      return param(body)
    case 'A_Expr':
      return operator(body, context)
    case 'BoolExpr':
      return boolean(body, context)
    case 'FuncCall':
      return call(body, context)
    case 'TypeCast':
      only(type, body, ['arg', 'typeName', 'location'])
      return { kind: 'cast', arg: context.expression(body.arg), ...typeOf(body) }
    case 'SubLink':
      return subquery(body, context)
    case 'NullTest':
      return nullTest(body, context)
    case 'BooleanTest':
      only(type, body, ['arg', 'booltesttype', 'location'])
      return booleanTest(requiredText(body, 'booltesttype'), context.expression(body.arg))
    case 'CaseExpr':
      return caseExpression(body, context)
    case 'CoalesceExpr':
      only(type, body, ['args', 'location'])
      return operation([], expressions(body, 'args', context))
    case 'A_ArrayExpr':
      only(type, body, ['elements', 'list_start', 'list_end', 'location'])
      return operation([], context.list(listOf(body, 'elements')))
    case 'MinMaxExpr':
      return minMax(body, context)
    case 'RowExpr':
      only(type, body, ['args', 'row_format', 'location'])
      return operation([], expressions(body, 'args', context))
    case 'GroupingFunc':
      only(type, body, ['args', 'location'])
      return operation([], expressions(body, 'args', context))
    case 'XmlExpr':
      return xml(body, context)
    case 'XmlSerialize':
      return xmlSerialize(body, context)
    case 'CollateClause':
      only(type, body, ['arg', 'collname', 'location'])
      return operation([], [context.expression(body.arg)])
    case 'A_Indirection':
      return subscript(body, context)
    case 'SQLValueFunction':
      only(type, body, ['op', 'typmod', 'location'])
      return { kind: 'environment', name: valueFunction(requiredText(body, 'op')) }
    default:
      if (isSqlJson(type)) return sqlJson(type, body, context)
      throw new NotUnderstood(type)
  }
}

function column(body: Raw): Expr {
  only('ColumnRef', body, ['fields', 'location'])
  const path: string[] = []
  let star = false
  for (const field of listOf(body, 'fields')) {
    const { type, body: part } = nodeOf(field)
    if (star) throw new NotUnderstood('a field of *')
    if (type === 'A_Star') star = true
    else if (type === 'String') path.push(requiredText(part, 'sval'))
    else throw new NotUnderstood(`${type} in a column's name`)
  }
  if (path.length > 3 || (path.length === 0 && !star))
    throw new NotUnderstood("a column's name of more than three parts")
  return { kind: 'column', path, star }
}

function param(body: Raw): Expr {
  only('ParamRef', body, ['number', 'location'])
  const number = numberOf(body, 'number') ?? 0
  if (number < 1) throw new NotUnderstood('a parameter without a number')
  return { kind: 'param', index: number - 1 }
}

function boolean(body: Raw, context: Context): Expr {
  only('BoolExpr', body, ['boolop', 'args', 'location'])
  const args = expressions(body, 'args', context)
  switch (body.boolop) {
    case 'AND_EXPR':
      return { kind: 'and', args }
    case 'OR_EXPR':
      return { kind: 'or', args }
    case 'NOT_EXPR': {
      const [arg] = args
      if (arg && args.length === 1) return { kind: 'not', arg }
    }
  }
  throw new NotUnderstood('an unknown BoolExpr')
}

function nullTest(body: Raw, context: Context): Expr {
  only('NullTest', body, ['arg', 'nulltesttype', 'location'])
  const arg = context.expression(body.arg)
  // B4: a row is NULL, or not NULL, field by field.
  if (nodeOf(body.arg).type === 'RowExpr') return operation([], [arg])
  const test: Expr = { kind: 'is-null', arg }
  switch (body.nulltesttype) {
    case 'IS_NULL':
      return test
    case 'IS_NOT_NULL':
      return { kind: 'not', arg: test }
    default:
      throw new NotUnderstood('an unknown NullTest')
  }
}

function booleanTest(test: string, arg: Expr): Expr {
  switch (test) {
    case 'IS_TRUE':
    case 'IS_FALSE':
      return { kind: 'is-truth', arg, truth: test === 'IS_TRUE' }
    case 'IS_NOT_TRUE':
    case 'IS_NOT_FALSE':
      return { kind: 'not', arg: { kind: 'is-truth', arg, truth: test === 'IS_NOT_TRUE' } }
    case 'IS_UNKNOWN':
      return { kind: 'is-null', arg }
    case 'IS_NOT_UNKNOWN':
      return { kind: 'not', arg: { kind: 'is-null', arg } }
    default:
      throw new NotUnderstood('an unknown boolean test')
  }
}

function caseExpression(body: Raw, context: Context): Expr {
  only('CaseExpr', body, ['arg', 'args', 'defresult', 'location'])
  const args: Expr[] = []
  const subject = bodyOf(body, 'arg')
  if (subject) args.push(context.expression(subject))
  for (const item of listOf(body, 'args')) {
    const when = expectNode(item, 'CaseWhen', ['expr', 'result', 'location'])
    args.push(context.expression(when.expr), context.expression(when.result))
  }
  if (body.defresult !== undefined) args.push(context.expression(body.defresult))
  return operation(subject ? ['='] : [], args)
}

function minMax(body: Raw, context: Context): Expr {
  only('MinMaxExpr', body, ['op', 'args', 'location'])
  const op = body.op
  if (op !== 'IS_GREATEST' && op !== 'IS_LEAST') throw new NotUnderstood('an unknown MinMaxExpr')
  return operation([op === 'IS_GREATEST' ? '>' : '<'], expressions(body, 'args', context))
}

function subscript(body: Raw, context: Context): Expr {
  only('A_Indirection', body, ['arg', 'indirection'])
  return listOf(body, 'indirection').reduce((arg: Expr, item): Expr => {
    const { type, body: step } = nodeOf(item)
    if (type === 'String') return { kind: 'field', arg, name: requiredText(step, 'sval') }
    if (type === 'A_Star') return operation([], [arg])
    return operation([], [arg, ...subscripts({ indirection: [item] }, context)])
  }, context.expression(body.arg))
}

/** `[1]`, `[1:2]`. */
export function subscripts(body: Raw, context: Context): readonly Expr[] {
  return listOf(body, 'indirection').flatMap((item) => {
    const indices = expectNode(item, 'A_Indices', ['is_slice', 'lidx', 'uidx'])
    return [indices.lidx, indices.uidx].filter((index) => index !== undefined).map((i) => context.expression(i))
  })
}

function subquery(body: Raw, context: Context): Expr {
  only('SubLink', body, ['subLinkType', 'testexpr', 'operName', 'subselect', 'location'])
  const select = nodeOf(body.subselect)
  if (select.type !== 'SelectStmt') throw new NotUnderstood(`${select.type} as a subquery`)
  const query = context.query(select.body)
  const form = SUBQUERIES.get(textOf(body, 'subLinkType') ?? '')
  if (form === undefined) throw new NotUnderstood('an unknown SubLink')
  const compared = form === 'any' || form === 'all'
  if (compared !== (body.testexpr !== undefined)) throw new NotUnderstood('a SubLink of an unknown shape')
  if (!compared) return { kind: 'subquery', form, query }
  const test = context.expression(body.testexpr)
  // `x IN (SELECT …)` names no operator.
  const name = namesOf(body, 'operName').length > 0 ? operatorName(body, 'operName') : '='
  return { kind: 'subquery', form, test, operator: name, query }
}

const SUBQUERIES: ReadonlyMap<string, SubqueryExpr['form']> = new Map<string, SubqueryExpr['form']>([
  ['EXISTS_SUBLINK', 'exists'],
  ['EXPR_SUBLINK', 'scalar'],
  ['ARRAY_SUBLINK', 'array'],
  ['ANY_SUBLINK', 'any'],
  ['ALL_SUBLINK', 'all'],
])

const valueFunction = (op: string): string => {
  if (!op.startsWith('SVFOP_')) throw new NotUnderstood('an unknown SQLValueFunction')
  return op.slice('SVFOP_'.length).replace(/_N$/, '').toLowerCase()
}
