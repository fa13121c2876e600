import { UNKEYED } from '../invalidation/canonical.js'
import type { Change, RowChange, RowImage } from '../invalidation/dependency.js'
import type { Cascade } from '../plan/cascades.js'
import type { RowWrite } from '../plan/row-write.js'
import type { Values } from './pins.js'

/** The changes of a write of which only WHERE's word is known. */
export function pinnedChanges(write: RowWrite, pinned: readonly Values[]): readonly Change[] {
  if (write.operation === 'insert') return unknownRows(write)
  return withCascades(
    write,
    pinned.map((values): RowChange => {
      const image: RowImage = { values }
      if (write.operation === 'delete') {
        return { kind: 'rows', table: write.table.id, before: image, after: undefined, columns: undefined }
      }
      const { changed } = write
      const kept = new Map([...values].filter(([name]) => changed !== undefined && !changed.includes(name)))
      return { kind: 'rows', table: write.table.id, before: image, after: { values: kept }, columns: changed }
    }),
  )
}

const NOTHING: RowImage = { values: new Map() }

function unknownChange(write: RowWrite): RowChange {
  const { operation, table } = write
  return {
    kind: 'rows',
    table: table.id,
    // An insert of unknown values reaches all that an upsert's update could.
    before: operation === 'insert' ? undefined : NOTHING,
    after: operation === 'delete' ? undefined : NOTHING,
    columns: operation === 'update' ? write.changed : undefined,
  }
}

/** What foreign keys do to the referencing rows of each changed row. */
export function withCascades(write: RowWrite, changes: readonly RowChange[]): readonly Change[] {
  if (write.cascades.length === 0) return changes
  const all: Change[] = [...changes]
  const seen = new Set<string>()
  for (const change of changes) {
    for (const cascade of write.cascades) {
      const follow = cascaded(cascade, change)
      if (!follow) continue
      const key = JSON.stringify([
        follow.table,
        follow.before && [...follow.before.values],
        follow.after && [...follow.after.values],
      ])
      if (!seen.has(key)) all.push(follow)
      seen.add(key)
    }
  }
  return all
}

function cascaded(cascade: Cascade, change: RowChange): RowChange | undefined {
  if (!change.before) return undefined
  if (cascade.on === 'update') {
    const { before, after } = change
    // A key whose value stays touches nobody; one that is not known may have moved.
    const same =
      cascade.columns.length > 0 &&
      cascade.columns.every(({ parent }) => {
        const value = before.values.get(parent)
        return value !== undefined && value !== UNKEYED && value === after?.values.get(parent)
      })
    if (same && cascade.columns.length === cascade.sets.length) return undefined
  }
  const before = childValues(cascade, change.before)
  if (cascade.on === 'delete' && cascade.action === 'cascade') {
    return { kind: 'rows', table: cascade.child, before: { values: before }, after: undefined, columns: undefined }
  }
  const after = new Map<string, string | null>()
  if (!cascade.anyColumn) {
    for (const [name, value] of before) if (!cascade.sets.includes(name)) after.set(name, value)
    for (const name of cascade.sets) if (cascade.action === 'set null') after.set(name, null)
    if (cascade.action === 'cascade' && change.after) {
      for (const [name, value] of childValues(cascade, change.after)) after.set(name, value)
    }
  }
  return {
    kind: 'rows',
    table: cascade.child,
    before: { values: before },
    after: { values: after },
    columns: cascade.anyColumn ? undefined : cascade.sets,
  }
}

function childValues(cascade: Cascade, image: RowImage): Map<string, string | null> {
  const values = new Map<string, string | null>()
  for (const { parent, child } of cascade.columns) {
    const value = image.values.get(parent)
    if (value !== undefined) values.set(child, value)
  }
  return values
}

/** A change of which no image is known. */
export function unknownRows(write: RowWrite): readonly Change[] {
  const change = unknownChange(write)
  // The update that an upsert may have been, for the keys that follow it.
  return withCascades(write, write.upsert ? [change, { ...change, before: NOTHING, columns: write.changed }] : [change])
}
