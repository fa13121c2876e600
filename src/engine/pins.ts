import { bindConj } from '../invalidation/bind.js'
import type { BindLimits, CallValues, ConjTemplate } from '../invalidation/template.js'
import type { RowWrite } from '../plan/row-write.js'

/** Values of columns in their canonical form. */
export type Values = ReadonlyMap<string, string | null>

export const UNPINNED: readonly Values[] = [new Map()]

/** What WHERE says of the rows before the write: one map a combination of values. */
export function pinnedValues(write: RowWrite, values: CallValues, limits: BindLimits): readonly Values[] {
  return bound(write.pins, values, limits)
}

/** What the text says of rows that do not come back: WHERE of those that were there, VALUES of those that are added. */
export function saidValues(write: RowWrite, values: CallValues, limits: BindLimits): readonly Values[] {
  if (write.operation !== 'insert') return bound(write.pins, values, limits)
  return write.added ? bound(write.added, values, limits) : UNPINNED
}

function bound(conjs: readonly ConjTemplate[], values: CallValues, limits: BindLimits): readonly Values[] {
  const pinned: Values[] = []
  for (const conj of conjs) {
    const { columns, combinations } = bindConj(conj, values, limits)
    for (const combination of combinations) {
      const one = new Map<string, string | null>()
      for (let index = 0; index < columns.length; index++) {
        one.set(columns[index] as string, combination[index] as string | null)
      }
      pinned.push(one)
    }
  }
  return pinned.length > 0 && pinned.length <= limits.maxConjs ? pinned : UNPINNED
}

/** The columns whose value is known of every row. */
export function knownColumns(pinned: readonly Values[]): readonly string[] {
  const [first, ...rest] = pinned
  if (!first) return []
  const names = [...first.keys()]
  return rest.length === 0 ? names : names.filter((name) => rest.every((values) => values.has(name)))
}
