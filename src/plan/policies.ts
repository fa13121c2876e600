import type { Table } from '../catalog/catalog.js'
import type { SubqueryExpr } from '../sql/statement.js'
import { policyExpression } from './definitions.js'
import type { ExpressionReader } from './expressions.js'
import type { Occurrence, Scope } from './scope.js'

/**
 * A6: what the policies of a table read: columns of the table, which are noted at the occurrence, and subqueries, which
 * `read` is given. Those for every role count, also where the session's own, or a view's owner, is above them.
 *
 * @param reading - tables whose policies are being read: their subqueries are known
 * @throws Bypass where a policy is not known to be pure
 */
export function readPolicies(
  occurrence: Occurrence,
  reading: Set<Table>,
  expressions: ExpressionReader,
  read: (subqueries: readonly SubqueryExpr[], scope: Scope) => void,
): void {
  const { table } = occurrence
  if (!table.rowSecurity) return
  if (reading.has(table)) {
    // Which of the policies hold here, nobody knows: each of their columns may matter.
    occurrence.all = true
    return
  }
  reading.add(table)
  // A policy knows the table by its own name, whatever the statement calls it.
  const item: Occurrence = { ...occurrence, alias: table.name, bare: false, columns: table.column }
  const scope: Scope = { items: [item], outer: undefined }
  const found: SubqueryExpr[] = []
  for (const policy of table.policies) {
    if (policy.using === '' || (policy.command !== 'all' && policy.command !== 'select')) continue
    expressions.visit(policyExpression(table, policy), scope, found)
  }
  read(found, scope)
  // Columns are noted in a set that both share.
  occurrence.all ||= item.all
  reading.delete(table)
}
