import { UNKEYED } from '../invalidation/canonical.js'
import type { Change, RowChange, RowImage } from '../invalidation/dependency.js'
import type { Cascade } from '../plan/cascades.js'
import { mayChange, type RowWrite } from '../plan/row-write.js'
import { UNPINNED, type Values } from './pins.js'

/** The changes of a write of which only the word of WHERE, or of VALUES, is known. */
export function pinnedChanges(write: RowWrite, pinned: readonly Values[]): readonly Change[] {
  if (write.operation === 'insert') return withCascades(write, [...added(write, pinned), ...overwritten(write)])
  const { stamps: table, operation } = write
  return withCascades(
    write,
    pinned.map((values): RowChange => {
      const before: RowImage = { values }
      if (operation === 'delete') return { kind: 'rows', table, before, after: undefined, columns: undefined }
      const kept = new Map([...values].filter(([name]) => !mayChange(write, name)))
      return { kind: 'rows', table, before, after: { values: kept }, columns: write.changed }
    }),
  )
}

/** The changes of a write of which nothing is known but its columns. */
export function unknownRows(write: RowWrite): readonly Change[] {
  return pinnedChanges(write, UNPINNED)
}

const NOTHING: RowImage = { values: new Map() }

function added({ stamps: table }: RowWrite, pinned: readonly Values[]): readonly RowChange[] {
  return pinned.map((values) => ({ kind: 'rows', table, before: undefined, after: { values }, columns: undefined }))
}

/** The update that an upsert may have been: of which row is not known from here. */
function overwritten({ stamps: table, upsert, changed }: RowWrite): readonly RowChange[] {
  return upsert ? [{ kind: 'rows', table, before: NOTHING, after: NOTHING, columns: changed }] : []
}

/** What foreign keys do to the referencing rows of each changed row, and to those that refer to these. */
export function withCascades(write: RowWrite, changes: readonly RowChange[]): readonly Change[] {
  if (write.cascades.length === 0) return changes
  const all: Change[] = [...changes]
  const seen = new Set<string>()
  const follow = (cascades: readonly Cascade[], change: RowChange): void => {
    for (const cascade of cascades) {
      const next = cascaded(cascade, change)
      if (!next) continue
      const key = JSON.stringify([
        next.table,
        next.before && [...next.before.values],
        next.after && [...next.after.values],
        next.columns,
      ])
      if (seen.has(key)) continue
      seen.add(key)
      all.push(next)
      follow(cascade.next, next)
    }
  }
  for (const change of changes) follow(write.cascades, change)
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
  const { changed } = cascade
  const after = new Map<string, string | null>()
  if (changed !== undefined) {
    for (const [name, value] of before) if (!changed.includes(name)) after.set(name, value)
    for (const name of cascade.sets) if (cascade.action === 'set null') after.set(name, null)
    if (cascade.action === 'cascade' && change.after) {
      for (const [name, value] of childValues(cascade, change.after)) after.set(name, value)
    }
  }
  return { kind: 'rows', table: cascade.child, before: { values: before }, after: { values: after }, columns: changed }
}

function childValues(cascade: Cascade, image: RowImage): Map<string, string | null> {
  const values = new Map<string, string | null>()
  for (const { parent, child } of cascade.columns) {
    const value = image.values.get(parent)
    if (value !== undefined) values.set(child, value)
  }
  return values
}
