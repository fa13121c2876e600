import type { Choices } from '../choices.js'
import { Params } from '../kinds.js'
import type { Menu } from '../menu.js'
import type { Place } from '../reads/conditions.js'
import type { SchemaModel } from '../schema/model.js'
import { inCte } from './ctes.js'
import { flip } from './flips.js'
import { alongKey } from './keys.js'
import { merge } from './merge.js'
import { insert, remove, target, throughView, update, upsert } from './row-writes.js'
import { several } from './several.js'
import { called, copied, prepared, truncate } from './utility.js'

/** A statement that writes. */
export interface WriteText {
  /** What sort of write it is, for the tally. */
  readonly form: string
  readonly text: string
  readonly params: readonly unknown[]
}

/** Where a write runs. */
export interface Circumstances {
  readonly inTransaction: boolean
  /** The session keeps its connection. */
  readonly sticky: boolean
  readonly embedded: boolean
}

export interface WriteMaker {
  readonly form: string
  make(place: Place, where: Circumstances): string
}

/** Every form of a write. */
export const WRITES: Menu<WriteMaker> = [
  [60, { form: 'one row', make: flip }],
  [9, { form: 'update', make: (place) => update(place, target(place)) }],
  [5, { form: 'insert', make: (place) => insert(place, target(place)) }],
  [4, { form: 'delete', make: (place) => remove(place, target(place)) }],
  [4, { form: 'upsert', make: (place) => upsert(place, target(place)) }],
  [5, { form: 'along a key', make: alongKey }],
  [3, { form: 'through a view', make: throughView }],
  [3, { form: 'in a CTE', make: inCte }],
  [1, { form: 'truncate', make: truncate }],
  [2, { form: 'several in one string', make: (place, { inTransaction }) => several(place, inTransaction) }],
  [2, { form: 'called', make: called }],
  [2, { form: 'merge', make: merge }],
  [1, { form: 'prepared', make: (place, { sticky }) => prepared(place, sticky) }],
  [1, { form: 'copy', make: (place, { embedded }) => (embedded ? flip(place) : copied(place)) }],
]

export function makeWrite(schema: SchemaModel, menu: Menu<WriteMaker>, c: Choices, where: Circumstances): WriteText {
  const params = new Params()
  const place: Place = {
    schema,
    c,
    v: c,
    params,
    sources: [],
    outer: undefined,
    names: { next: 0 },
    depth: 1,
    ctes: [],
  }
  const { form, make } = c.weighted(menu)
  const text = make(place, where)
  return { form, text, params: params.values }
}
