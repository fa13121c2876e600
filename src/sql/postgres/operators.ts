import type { Expr } from '../statement.js'
import type { Context } from './context.js'
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
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return distinct(kind === 'AEXPR_DISTINCT', name, body, context)
    case 'AEXPR_OP_ALL':
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
  return context.list(listOf(list, 'items'))
}

const isRow = (value: unknown): boolean => nodeOf(value).type === 'RowExpr'

function plain(name: string, body: Raw, context: Context): Expr {
  const right = context.expression(body.rexpr)
  if (bodyOf(body, 'lexpr') === undefined) return { kind: 'operation', operators: [name], args: [right] }
  const one = left(body, context)
  if (name === '=') {
    const rows = rowsEqual(body.lexpr, one, body.rexpr, right)
    if (rows) return rows
    if (!isRow(body.lexpr) && !isRow(body.rexpr)) return { kind: 'equals', left: one, right }
  }
  return { kind: 'operation', operators: [name], args: [one, right] }
}

/** `(a, b) = (1, 'x')` is `a = 1 AND b = 'x'`, NULLs included. */
function rowsEqual(leftNode: unknown, one: Expr, rightNode: unknown, other: Expr): Expr | undefined {
  if (!isRow(leftNode) || !isRow(rightNode) || one.kind !== 'operation' || other.kind !== 'operation') return undefined
  const pairs = one.args.map((arg, index): Expr | undefined => {
    const right = other.args[index]
    return right && { kind: 'equals', left: arg, right }
  })
  if (pairs.length === 0 || one.args.length !== other.args.length) return undefined
  // A row inside a row is compared as a value, where two NULLs are equal; so is what `t.*` puts in.
  const plain = [...one.args, ...other.args].every((arg) => arg.kind !== 'operation' && !isStar(arg))
  return plain ? { kind: 'and', args: pairs as Expr[] } : undefined
}

const isStar = (expr: Expr): boolean => expr.kind === 'column' && expr.star

function distinct(negated: boolean, name: string, body: Raw, context: Context): Expr {
  const one = left(body, context)
  const right = context.expression(body.rexpr)
  // Rows are compared field by field.
  if (name !== '=' || isRow(body.lexpr) || isRow(body.rexpr))
    return { kind: 'operation', operators: [name], args: [one, right] }
  const same: Expr = { kind: 'not-distinct', left: one, right }
  return negated ? { kind: 'not', arg: same } : same
}

function any(name: string, body: Raw, context: Context): Expr {
  const arg = left(body, context)
  const operand = context.expression(body.rexpr)
  if (name !== '=' || isRow(body.lexpr)) return { kind: 'operation', operators: [name], args: [arg, operand] }
  const items = plainItems(body.rexpr, operand)
  return items ? { kind: 'in', arg, items } : { kind: 'equals-any', arg, array: operand }
}

/**
 * The items of `ARRAY[…]`, also with a cast, which each item takes. B4: an array of arrays is compared leaf by leaf; only a
 * plain list is an IN.
 */
function plainItems(value: unknown, operand: Expr): readonly Expr[] | undefined {
  const { type, body } = nodeOf(value)
  if (type === 'TypeCast' && operand.kind === 'cast' && operand.array) {
    const items = plainItems(body.arg, operand.arg)
    return items?.map((arg): Expr => ({ ...operand, array: false, arg }))
  }
  if (type !== 'A_ArrayExpr' || operand.kind !== 'operation') return undefined
  const nested = listOf(body, 'elements').some((item) => /^(?:A_ArrayExpr|RowExpr)$/.test(nodeOf(item).type))
  return nested ? undefined : operand.args
}

function inList(name: string, body: Raw, context: Context): Expr {
  if (name !== '=' && name !== '<>') throw new NotUnderstood(`IN with ${name}`)
  const arg = left(body, context)
  const list = items(body, context)
  const nodes = listOf(nodeOf(body.rexpr).body, 'items')
  if (isRow(body.lexpr) || nodes.some(isRow)) {
    const tests = list.map((item, index) => rowsEqual(body.lexpr, arg, nodes[index], item))
    if (name === '=' && tests.every((test) => test !== undefined)) return { kind: 'or', args: tests }
    return { kind: 'operation', operators: [name], args: [arg, ...list] }
  }
  const test: Expr = { kind: 'in', arg, items: list }
  return name === '=' ? test : { kind: 'not', arg: test }
}
