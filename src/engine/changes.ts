import type { Change } from '../invalidation/dependency.js'
import type { WritePlan } from '../plan/write.js'

/** Nothing is known of what a statement did. */
export const EVERYTHING: readonly Change[] = [{ kind: 'database', catalog: true }]

/** What a plan changes beyond the rows that it can follow. */
export function wholeChanges(plan: WritePlan): Change[] {
  const changes: Change[] = plan.tables.map((table) => ({ kind: 'table', table }))
  if (plan.database) changes.push({ kind: 'database', catalog: plan.catalog })
  return changes
}

/** All that a plan may change, by table: for a statement of which no image is had. */
export function coarse(plan: WritePlan): Change[] {
  const tables = new Set(plan.tables)
  if (plan.rows) {
    tables.add(plan.rows.table.id)
    for (const { child } of plan.rows.cascades) tables.add(child)
  }
  const changes: Change[] = [...tables].map((table) => ({ kind: 'table', table }))
  if (plan.database) changes.push({ kind: 'database', catalog: plan.catalog })
  return changes
}
