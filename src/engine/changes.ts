import type { Change } from '../invalidation/dependency.js'
import type { BindLimits, CallValues } from '../invalidation/template.js'
import type { WritePlan } from '../plan/write.js'
import { saidValues } from './pins.js'
import { pinnedChanges } from './row-changes.js'

/** Nothing is known of what a statement did. */
export const EVERYTHING: readonly Change[] = [{ kind: 'database', catalog: true }]

/** What a plan changes besides the rows that come back. */
export function besides(plan: WritePlan, values: CallValues, limits: BindLimits): readonly Change[] {
  const { unseen, tables, database, catalog } = plan
  if (unseen.length === 0 && tables.length === 0 && !database) return NOTHING
  const changes: Change[] = unseen.flatMap((write) => pinnedChanges(write, saidValues(write, values, limits)))
  for (const table of tables) changes.push({ kind: 'table', table })
  if (database) changes.push({ kind: 'database', catalog })
  return changes
}

const NOTHING: readonly Change[] = []

/** All that a plan may change, where no row comes back. */
export function coarse(plan: WritePlan, values: CallValues, limits: BindLimits): readonly Change[] {
  const { rows } = plan
  const others = besides(plan, values, limits)
  return rows ? [...pinnedChanges(rows, saidValues(rows, values, limits)), ...others] : others
}
