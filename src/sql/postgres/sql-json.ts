import type { CallExpr, Expr } from '../statement.js'
import { sortExpressions, windowExpressions } from './calls.js'
import { type Context, expressions } from './context.js'
import { bodyOf, expectNode, listOf, NotUnderstood, nodeOf, only, type Raw, requiredText } from './raw.js'
import { typeOf } from './types.js'

/** SQL/JSON's own syntax, and the functions that it stands for: what they are called decides what they are called by. */
const CONSTRUCTORS: ReadonlyMap<string, string> = new Map([
  ['JsonObjectConstructor', 'json_object'],
  ['JsonArrayConstructor', 'json_array'],
  ['JsonArrayQueryConstructor', 'json_array'],
  ['JsonObjectAgg', 'json_objectagg'],
  ['JsonArrayAgg', 'json_arrayagg'],
  ['JsonParseExpr', 'json'],
  ['JsonScalarExpr', 'json_scalar'],
  ['JsonSerializeExpr', 'json_serialize'],
])

const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['JSON_EXISTS_OP', 'json_exists'],
  ['JSON_QUERY_OP', 'json_query'],
  ['JSON_VALUE_OP', 'json_value'],
])

/** ABSENT ON NULL, WITH UNIQUE KEYS, WRAPPER, QUOTES: they change the value, not what it depends on. */
const OPTIONS = ['format', 'absent_on_null', 'unique', 'wrapper', 'quotes', 'location']

export function isSqlJson(type: string): boolean {
  return CONSTRUCTORS.has(type) || type === 'JsonFuncExpr' || type === 'JsonIsPredicate'
}

/**
 * SQL/JSON as a call of its function's name: a server that does not know the syntax yet takes it for a user's function.
 * RETURNING is a cast of the result.
 */
export function sqlJson(type: string, body: Raw, context: Context): Expr {
  switch (type) {
    case 'JsonIsPredicate':
      only(type, body, ['expr', 'item_type', 'unique_keys', ...OPTIONS])
      return { kind: 'operation', operators: [], args: [context.expression(body.expr)] }
    case 'JsonFuncExpr': {
      const fields = ['op', 'column_name', 'context_item', 'pathspec', 'passing', 'output', 'on_empty', 'on_error']
      only(type, body, [...fields, ...OPTIONS])
      const name = FUNCTIONS.get(requiredText(body, 'op'))
      if (name === undefined) throw new NotUnderstood('an unknown SQL/JSON function')
      return returning(body, called(name, jsonArguments(body, context), false))
    }
    case 'JsonObjectAgg':
    case 'JsonArrayAgg':
      return aggregate(type, body, context)
    case 'JsonArrayQueryConstructor': {
      only(type, body, ['query', 'output', ...OPTIONS])
      const select = nodeOf(body.query)
      if (select.type !== 'SelectStmt') throw new NotUnderstood(`${select.type} in JSON_ARRAY`)
      const rows: Expr = { kind: 'subquery', form: 'array', query: context.query(select.body) }
      return returning(body, called('json_array', [rows], false))
    }
    default: {
      only(type, body, ['exprs', 'expr', 'output', ...OPTIONS])
      const args = [...listOf(body, 'exprs'), ...(body.expr === undefined ? [] : [body.expr])]
      const values = args.flatMap((arg) => jsonValues(arg, context))
      return returning(body, called(CONSTRUCTORS.get(type) ?? '', values, false))
    }
  }
}

function aggregate(type: string, body: Raw, context: Context): Expr {
  only(type, body, ['constructor', 'arg', 'absent_on_null', 'unique'])
  const around = bodyOf(body, 'constructor') ?? {}
  only('JsonAggConstructor', around, ['output', 'agg_filter', 'agg_order', 'over', 'location'])
  const over = bodyOf(around, 'over')
  const args = [
    ...jsonValues(body.arg, context),
    ...sortExpressions(around, 'agg_order', context),
    ...(around.agg_filter === undefined ? [] : [context.expression(around.agg_filter)]),
    ...(over ? windowExpressions(over, context) : []),
  ]
  return returning(around, called(CONSTRUCTORS.get(type) ?? '', args, over !== undefined))
}

/** What JSON_VALUE and JSON_TABLE evaluate. Defaults are evaluated too, but never the columns'. */
export function jsonArguments(body: Raw, context: Context): readonly Expr[] {
  const passing = listOf(body, 'passing').flatMap((item) => {
    const argument = expectNode(item, 'JsonArgument', ['val', 'name'])
    return jsonValues(argument.val, context)
  })
  return [...jsonValues(body.context_item, context), ...path(body, context), ...passing, ...behaviors(body, context)]
}

/** A path of JSON_VALUE is an expression; one of JSON_TABLE is a node that holds one. */
function path(body: Raw, context: Context): readonly Expr[] {
  const spec = bodyOf(body, 'pathspec')
  if (!spec) return []
  if (spec.string === undefined) return [context.expression(spec)]
  only('JsonTablePathSpec', spec, ['string', 'name', 'name_location', 'location'])
  return [context.expression(spec.string)]
}

/** `DEFAULT 1 ON EMPTY`. */
export function behaviors(body: Raw, context: Context): readonly Expr[] {
  return ['on_empty', 'on_error'].flatMap((field) => {
    const behavior = bodyOf(body, field)
    if (!behavior) return []
    only('JsonBehavior', behavior, ['btype', 'expr', 'coerce', 'location'])
    return behavior.expr === undefined ? [] : [context.expression(behavior.expr)]
  })
}

/** A key with its value, a value with its format, or a plain expression. Some stand without their kind. */
function jsonValues(value: unknown, context: Context): readonly Expr[] {
  const body = value as Raw
  if (body.raw_expr !== undefined) {
    only('JsonValueExpr', body, ['raw_expr', 'format'])
    return [context.expression(body.raw_expr)]
  }
  if (body.key !== undefined) {
    only('JsonKeyValue', body, ['key', 'value'])
    return [context.expression(body.key), ...jsonValues(body.value, context)]
  }
  const { type, body: inner } = nodeOf(value)
  if (type === 'JsonKeyValue' || type === 'JsonValueExpr') return jsonValues(inner, context)
  return [context.expression(value)]
}

function called(name: string, args: readonly Expr[], window: boolean): CallExpr {
  return { kind: 'call', name, args, star: false, window }
}

function returning(body: Raw, call: CallExpr): Expr {
  const output = bodyOf(body, 'output')
  if (!output) return call
  only('JsonOutput', output, ['typeName', 'returning'])
  return output.typeName === undefined ? call : { kind: 'cast', arg: call, ...typeOf(output) }
}

const XML: ReadonlyMap<string, string> = new Map([
  ['IS_XMLCONCAT', 'xmlconcat'],
  ['IS_XMLELEMENT', 'xmlelement'],
  ['IS_XMLFOREST', 'xmlforest'],
  ['IS_XMLPARSE', 'xmlparse'],
  ['IS_XMLPI', 'xmlpi'],
  ['IS_XMLROOT', 'xmlroot'],
  ['IS_DOCUMENT', 'is document'],
])

/** XMLELEMENT and its like, as calls of pg_catalog: their names are keywords. */
export function xml(body: Raw, context: Context): Expr {
  only('XmlExpr', body, ['op', 'name', 'named_args', 'args', 'xmloption', 'indent', 'location'])
  const name = XML.get(requiredText(body, 'op'))
  if (name === undefined) throw new NotUnderstood('an unknown XmlExpr')
  const attributes = listOf(body, 'named_args').map((item) => {
    return context.expression(expectNode(item, 'ResTarget', ['name', 'val', 'location']).val)
  })
  const args = [...attributes, ...expressions(body, 'args', context)]
  if (name === 'is document') return { kind: 'operation', operators: [], args }
  return { ...called(name, args, false), schema: 'pg_catalog' }
}

/** XMLSERIALIZE (… AS type). */
export function xmlSerialize(body: Raw, context: Context): Expr {
  only('XmlSerialize', body, ['xmloption', 'expr', 'typeName', 'indent', 'location'])
  return { kind: 'cast', arg: context.expression(body.expr), ...typeOf(body) }
}
