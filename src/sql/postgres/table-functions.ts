import type { Expr, FunctionColumn, FunctionSource } from '../statement.js'
import type { Context } from './context.js'
import { aliasOf } from './names.js'
import { bodyOf, expectNode, flagOf, listOf, NotUnderstood, only, type Raw, requiredText } from './raw.js'
import { behaviors, jsonArguments } from './sql-json.js'
import { typeOf } from './types.js'

/** A function in FROM, ROWS FROM, with the columns that the text defines. */
export function rangeFunction(body: Raw, context: Context): FunctionSource {
  only('RangeFunction', body, ['lateral', 'ordinality', 'is_rowsfrom', 'functions', 'alias', 'coldeflist'])
  const calls: Expr[] = []
  const columns: FunctionColumn[] = []
  for (const item of listOf(body, 'functions')) {
    // Each is a pair: the call, and its column definitions, if any.
    const [call, definitions] = listOf(expectNode(item, 'List', ['items']), 'items')
    const called = context.expression(call)
    calls.push(called)
    if (Object.keys((definitions ?? {}) as Raw).length > 0)
      columns.push(...defined(expectNode(definitions, 'List', ['items']), 'items', called))
  }
  const [first] = calls
  if (!first) throw new NotUnderstood('ROWS FROM without a function')
  columns.push(...defined(body, 'coldeflist', first))
  return { kind: 'function', calls, columns, ...aliasOf(body), ordinality: flagOf(body, 'ordinality') }
}

/** `AS t (a integer, b date)`: the function's record is read as these types. */
function defined(body: Raw, field: string, call: Expr): readonly FunctionColumn[] {
  return listOf(body, field).map((item) => {
    const column = expectNode(item, 'ColumnDef', ['colname', 'typeName', 'is_local', 'collClause', 'location'])
    return { name: requiredText(column, 'colname'), value: converted(column, call) }
  })
}

/** The values come out of the function's first argument, as text. */
function converted(body: Raw, call: Expr): Expr {
  const from = call.kind === 'call' ? (call.args[0] ?? call) : call
  return { kind: 'cast', arg: from, ...typeOf(body) }
}

/** XMLTABLE. */
export function xmlTable(body: Raw, context: Context): FunctionSource {
  only('RangeTableFunc', body, ['lateral', 'docexpr', 'rowexpr', 'namespaces', 'columns', 'alias', 'location'])
  const args = [context.expression(body.docexpr), context.expression(body.rowexpr)]
  for (const item of listOf(body, 'namespaces')) {
    args.push(context.expression(expectNode(item, 'ResTarget', ['name', 'val', 'location']).val))
  }
  const fields = ['colname', 'typeName', 'for_ordinality', 'is_not_null', 'colexpr', 'coldefexpr', 'location']
  const columns = listOf(body, 'columns').map((item): FunctionColumn => {
    const column = expectNode(item, 'RangeTableFuncCol', fields)
    for (const value of [column.colexpr, column.coldefexpr])
      if (value !== undefined) args.push(context.expression(value))
    return named(column, 'colname', args[0] as Expr)
  })
  return tableFunction('xmltable', args, columns, body)
}

/** JSON_TABLE. */
export function jsonTable(body: Raw, context: Context): FunctionSource {
  const fields = ['context_item', 'pathspec', 'passing', 'columns', 'on_error', 'lateral', 'alias', 'location']
  only('JsonTable', body, fields)
  const args = [...jsonArguments(body, context)]
  const document = args[0] as Expr
  const columns: FunctionColumn[] = []
  const collect = (within: Raw): void => {
    for (const item of listOf(within, 'columns')) {
      const own = ['coltype', 'name', 'typeName', 'pathspec', 'format', 'wrapper', 'quotes', 'columns', 'on_empty']
      const column = expectNode(item, 'JsonTableColumn', [...own, 'on_error', 'location'])
      const path = bodyOf(column, 'pathspec')
      if (path?.string !== undefined) args.push(context.expression(path.string))
      args.push(...behaviors(column, context))
      if (column.coltype === 'JTC_NESTED') collect(column)
      else columns.push(named(column, 'name', document))
    }
  }
  collect(body)
  return tableFunction('json_table', args, columns, body)
}

/** A column without a type is FOR ORDINALITY. */
function named(column: Raw, field: string, from: Expr): FunctionColumn {
  const name = requiredText(column, field)
  return column.typeName === undefined ? { name } : { name, value: { kind: 'cast', arg: from, ...typeOf(column) } }
}

function tableFunction(
  name: string,
  args: readonly Expr[],
  columns: readonly FunctionColumn[],
  body: Raw,
): FunctionSource {
  const call: Expr = { kind: 'call', name, args, star: false, window: false }
  return { kind: 'function', calls: [call], columns, ...aliasOf(body), ordinality: false }
}
