import type { Expr } from '../statement.js'
import { type Context, expressions } from './context.js'
import { bodyOf, listOf, NotUnderstood, namesOf, nodeOf, only, type Raw, requiredText } from './raw.js'

/** `=`, and `myschema.=` where the text says OPERATOR(myschema.=); `pg_catalog.` is taken off. */
export function operatorName(body: Raw, field: string): string {
  const parts = namesOf(body, field)
  return (parts[0] === 'pg_catalog' ? parts.slice(1) : parts).join('.')
}

/** An A_Expr: every operator, and the words that stand for operators. */
export function operator(body: Raw, context: Context): Expr {
  only('A_Expr', body, ['kind', 'name', 'lexpr', 'rexpr', 'rexpr_list_start', 'rexpr_list_end', 'location'])
  const name = operatorName(body, 'name')
  const kind = requiredText(body, 'kind')
  switch (kind) {
    case 'AEXPR_OP':
      return plain(name, body, context)
    case 'AEXPR_OP_ANY':
      return any(name, body, context)
    case 'AEXPR_IN':
      return inList(name, body, context)
    case 'AEXPR_OP_ALL':
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
    case 'AEXPR_NULLIF':
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
      return { kind: 'operation', operators: [name], args: [left(body, context), context.expression(body.rexpr)] }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
      return { kind: 'operation', operators: ['>=', '<='], args: [left(body, context), ...items(body, context)] }
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return { kind: 'operation', operators: ['<', '>'], args: [left(body, context), ...items(body, context)] }
    default:
      throw new NotUnderstood(`${kind}`)
  }
}

const left = (body: Raw, context: Context): Expr => context.expression(body.lexpr)

const items = (body: Raw, context: Context): readonly Expr[] => {
  const { type, body: list } = nodeOf(body.rexpr)
  if (type !== 'List') throw new NotUnderstood(`${type} where a list is expected`)
  only(type, list, ['items'])
  return expressions(list, 'items', context)
}

const isRow = (value: unknown): boolean => nodeOf(value).type === 'RowExpr'

function plain(name: string, body: Raw, context: Context): Expr {
  const right = context.expression(body.rexpr)
  if (bodyOf(body, 'lexpr') === undefined) return { kind: 'operation', operators: [name], args: [right] }
  const args = [left(body, context), right] as const
  if (name === '=' && !isRow(body.lexpr) && !isRow(body.rexpr)) return { kind: 'equals', left: args[0], right: args[1] }
  return { kind: 'operation', operators: [name], args }
}

function any(name: string, body: Raw, context: Context): Expr {
  const arg = left(body, context)
  const array = nodeOf(body.rexpr)
  const operand = context.expression(body.rexpr)
  if (name !== '=' || isRow(body.lexpr)) return { kind: 'operation', operators: [name], args: [arg, operand] }
  // B4: an array of arrays is compared leaf by leaf; only a plain list is an IN.
  if (array.type === 'A_ArrayExpr' && operand.kind === 'operation') {
    const nested = listOf(array.body, 'elements').some((item) => /^(?:A_ArrayExpr|RowExpr)$/.test(nodeOf(item).type))
    if (!nested) return { kind: 'in', arg, items: operand.args }
  }
  return { kind: 'equals-any', arg, array: operand }
}

function inList(name: string, body: Raw, context: Context): Expr {
  if (name !== '=' && name !== '<>') throw new NotUnderstood(`IN with ${name}`)
  const arg = left(body, context)
  const list = items(body, context)
  const rows = isRow(body.lexpr) || listOf(nodeOf(body.rexpr).body, 'items').some(isRow)
  if (rows) return { kind: 'operation', operators: [name], args: [arg, ...list] }
  const test: Expr = { kind: 'in', arg, items: list }
  return name === '=' ? test : { kind: 'not', arg: test }
}
