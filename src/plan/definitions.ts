import type { RowPolicy, Table, UserFunction } from '../catalog/catalog.js'
import { readDefinition } from '../sql/definition.js'
import type { Expr, Query, Statement } from '../sql/statement.js'
import { walk } from '../sql/walk.js'
import { Bypass } from './bypass.js'

/**
 * Views and policies as the catalog prints them, parsed once for a catalog. Every name in them that is not of pg_catalog is
 * qualified, whatever the session's search path.
 */

/** Where the bare names of a definition are looked up. */
export const DEFINITION_PATH: readonly string[] = ['pg_catalog']

const views = new WeakMap<Table, Statement>()
const policies = new WeakMap<RowPolicy, Statement>()
const functions = new WeakMap<UserFunction, Statement>()

/** What a view is, `opaque` with the reason where its form is not understood. */
export function viewStatement(view: Table): Statement {
  return parsed(views, view, view.definition)
}

/** @throws Bypass where the view's form is not understood, or it locks rows */
export function viewQuery(view: Table): Query {
  const statement = viewStatement(view)
  if (statement.kind !== 'select') throw new Bypass(`view ${view.id}: ${reasonOf(statement)}`)
  if (statement.locks) throw new Bypass(`view ${view.id} locks rows`)
  return statement.query
}

/**
 * What a policy demands of a row that is read: an expression over the table's columns, bare or after the table's name.
 *
 * @throws Bypass where its form is not understood
 */
export function policyExpression(table: Table, policy: RowPolicy): Expr {
  const statement = parsed(policies, policy, `SELECT ${policy.using}`)
  const body = statement.kind === 'select' ? statement.query.body : undefined
  const target = body?.kind === 'select' && body.from.length === 0 ? body.targets[0] : undefined
  if (!target) throw new Bypass(`policy ${policy.name} of ${table.id}: ${reasonOf(statement)}`)
  return target.expr
}

/**
 * The expression that a function in SQL is, as `auth.uid()` is one; undefined for any that reads a table or its arguments.
 * Its names are those of whoever calls it.
 */
export function functionExpression(fn: UserFunction): Expr | undefined {
  if (fn.kind !== 'function' || fn.language !== 'sql') return undefined
  const statement = parsed(functions, fn, fn.source)
  if (statement.kind !== 'select') return undefined
  const { body } = statement.query
  const target = body.kind === 'select' && body.targets.length === 1 ? body.targets[0] : undefined
  let parts = 0
  walk(statement, {
    query: () => void parts++,
    source: () => void parts++,
    expr: (expr) => void (expr.kind === 'param' && parts++),
  })
  // One query, no FROM, no parameter.
  return parts === 1 ? target?.expr : undefined
}

function parsed<Key extends object>(known: WeakMap<Key, Statement>, key: Key, text: string): Statement {
  let statement = known.get(key)
  if (!statement) {
    statement = readDefinition(text)
    known.set(key, statement)
  }
  return statement
}

function reasonOf(statement: Statement): string {
  return statement.kind === 'opaque' ? statement.reason : 'its definition is no query'
}
