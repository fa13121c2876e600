import { bindConj } from '../invalidation/bind.js'
import type { BindLimits, CallValues } from '../invalidation/template.js'
import type { RowWrite } from '../plan/row-write.js'

/** Values of columns in their canonical form. */
export type Values = ReadonlyMap<string, string | null>

const UNPINNED: readonly Values[] = [new Map()]

/** What WHERE says of the rows before the write: one map a combination of values. */
export function pinnedValues(write: RowWrite, values: CallValues, limits: BindLimits): readonly Values[] {
  const pinned: Values[] = []
  for (const conj of write.pins) {
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
