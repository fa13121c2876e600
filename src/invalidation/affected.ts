import { UNKEYED } from './canonical.js'
import type { RowChange, RowImage, Scheme } from './dependency.js'
import { conjKey } from './scheme.js'

/** What a change means for the dependencies of one scheme. */
export type Affected =
  | { readonly kind: 'none' }
  /** Those whose values have one of these keys (`conjKey`). */
  | { readonly kind: 'conjs'; readonly keys: readonly string[] }
  /** It is not known which: all of them. */
  | { readonly kind: 'scheme' }

const NONE: Affected = { kind: 'none' }
const WHOLE: Affected = { kind: 'scheme' }
const ANY_ROW: Affected = { kind: 'conjs', keys: [conjKey([])] }

/**
 * A dependency is affected when its conj is met by the row before or after the change, and a column that it reads has
 * changed; an insert or a delete changes all.
 *
 * An image may leave a column out, which costs precision only. What is left out is taken from the other image where the
 * column is not among those that may differ, and a column whose value is known and equal in both images has not changed.
 * Both hold for a change that stands for many rows, because each of them has the values that the images give.
 */
export function affected(change: RowChange, scheme: Scheme): Affected {
  if (change.table !== scheme.table) return NONE
  const { before, after } = change
  // Nobody can say what such a change is.
  if (before === undefined && after === undefined) return WHOLE
  if (before !== undefined && after !== undefined && scheme.read !== undefined) {
    if (!anyDiffers(scheme.read, before, after, change.columns)) return NONE
  }
  if (scheme.compared.length === 0) return ANY_ROW

  const left = before === undefined ? 'unmet' : metBy(before, after, change, scheme)
  // Rows of which nothing that is known has changed have one image.
  const entered = after === before ? left : after === undefined ? 'unmet' : metBy(after, before, change, scheme)
  if (left === 'unknown' || entered === 'unknown') return change.onlyKnown ? NONE : WHOLE
  const keys = new Set<string>()
  if (left !== 'unmet') keys.add(left.key)
  if (entered !== 'unmet') keys.add(entered.key)
  return keys.size === 0 ? NONE : { kind: 'conjs', keys: [...keys] }
}

/** Whether an update may have changed one of the columns. System columns are no matter here: a scheme that reads them reads all. */
function anyDiffers(
  read: readonly string[],
  before: RowImage,
  after: RowImage,
  columns: readonly string[] | undefined,
): boolean {
  // Few columns are written, many are read.
  if (columns === undefined) return read.some((column) => mayDiffer(column, before, after))
  return columns.some((column) => read.includes(column) && mayDiffer(column, before, after))
}

function mayDiffer(column: string, before: RowImage, after: RowImage): boolean {
  const value = before.values.get(column)
  return value === undefined || value === UNKEYED || value !== after.values.get(column)
}

/** The one conj of the scheme that an image meets; `unmet` where it meets none that a reader could have. */
function metBy(
  image: RowImage,
  other: RowImage | undefined,
  change: RowChange,
  scheme: Scheme,
): { readonly key: string } | 'unmet' | 'unknown' {
  const values: (string | null)[] = []
  let unknown = false
  for (const column of scheme.compared) {
    let value = image.values.get(column)
    if (
      value === undefined &&
      other !== undefined &&
      change.columns !== undefined &&
      !change.columns.includes(column)
    ) {
      value = other.values.get(column)
    }
    if (value === UNKEYED) return 'unmet'
    if (value === undefined) unknown = true
    else values.push(value)
  }
  return unknown ? 'unknown' : { key: conjKey(values) }
}
