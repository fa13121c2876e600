import type { Expr, FunctionSource } from '../sql/statement.js'

/** Functions of pg_catalog whose result has names of its own, whatever the alias is. */
const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ['json_each', ['key', 'value']],
  ['json_each_text', ['key', 'value']],
  ['jsonb_each', ['key', 'value']],
  ['jsonb_each_text', ['key', 'value']],
  ['json_array_elements', ['value']],
  ['json_array_elements_text', ['value']],
  ['jsonb_array_elements', ['value']],
  ['jsonb_array_elements_text', ['value']],
])

/** The columns that functions in FROM give; `undefined` where they hang on types that the text does not show. */
export function functionColumns(
  source: FunctionSource,
  isBuiltIn: (type: string) => boolean,
): readonly string[] | undefined {
  const columns = ownColumns(source, isBuiltIn)
  return columns && (source.ordinality ? [...columns, 'ordinality'] : columns)
}

function ownColumns(source: FunctionSource, isBuiltIn: (type: string) => boolean): readonly string[] | undefined {
  const [call, ...more] = source.calls
  if (source.columns.length > 0) return more.length === 0 ? source.columns.map(({ name }) => name) : undefined
  if (!call || more.length > 0 || call.kind !== 'call') return undefined
  const named = NAMED.get(call.name)
  if (named) return named
  if (call.name !== 'unnest') return [source.alias ?? call.name]
  // Rows and text search vectors come apart into columns of their own.
  if (!call.args.every((arg) => arg.kind === 'cast' && arg.array && isScalarCast(arg, isBuiltIn))) return undefined
  return call.args.length === 1 ? [source.alias ?? call.name] : call.args.map(() => call.name)
}

function isScalarCast(expr: Expr & { kind: 'cast' }, isBuiltIn: (type: string) => boolean): boolean {
  return expr.schema === undefined && isBuiltIn(expr.type)
}
