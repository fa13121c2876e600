import type { WireRow } from '../base/vocabulary.js'
import type { Column } from '../catalog/catalog.js'
import { bindConj } from '../invalidation/bind.js'
import { imageValue, UNKEYED } from '../invalidation/canonical.js'
import type { Change, RowChange, RowImage, Scheme } from '../invalidation/dependency.js'
import type { BindLimits, CallValues } from '../invalidation/template.js'
import type { Cascade } from '../plan/cascades.js'
import type { RowWrite } from '../plan/write.js'

/** How the images of a write are had: the cheapest way that the schemes in use need. */
export interface ImagePlan {
  /** `pins`: what WHERE says is enough, or nothing can be had. */
  readonly way: 'pins' | 'returning' | 'returning-old' | 'pre-read'
  /** Columns that RETURNING brings, beyond the statement's own. */
  readonly columns: readonly string[]
  /** The key by which a pre-read row is found again: the first columns of `columns`. */
  readonly key: readonly string[]
}

type Values = ReadonlyMap<string, string | null>

/** What WHERE says of the rows before the write: one map a combination of values. */
export function pinnedValues(write: RowWrite, values: CallValues, limits: BindLimits): readonly Values[] {
  const pinned: Values[] = []
  for (const conj of write.pins) {
    const { columns, combinations } = bindConj(conj, values, limits)
    for (const combination of combinations) {
      pinned.push(new Map(columns.map((column, index) => [column, combination[index] as string | null])))
    }
  }
  return pinned.length > 0 && pinned.length <= limits.maxConjs ? pinned : [new Map()]
}

/** Chooses the way, from the schemes in use now: only a hint, as the registry is read again at the commit (B1). */
export function chooseImages(
  write: RowWrite,
  schemes: readonly Scheme[],
  childSchemes: (table: string) => number,
  pinned: readonly Values[],
  readable: boolean,
): ImagePlan {
  const inserts = write.operation === 'insert'
  const changed = inserts || write.operation === 'delete' ? undefined : write.changed
  const touches = (column: string): boolean =>
    write.operation !== 'delete' && (write.changed === undefined || write.changed.includes(column))
  const wanted = new Set<string>()
  for (const scheme of schemes) {
    const relevant =
      changed === undefined || scheme.read === undefined || scheme.read.some((column) => changed.includes(column))
    if (relevant) for (const column of scheme.compared) if (write.table.column.has(column)) wanted.add(column)
  }
  for (const cascade of write.cascades) {
    if (childSchemes(cascade.child) > 0) for (const { parent } of cascade.columns) wanted.add(parent)
  }
  const nothing: ImagePlan = { way: 'pins', columns: [], key: [] }
  if (wanted.size === 0 || !write.returning || !readable) return nothing
  if (inserts && !write.upsert) return { way: 'returning', columns: [...wanted], key: [] }
  if (write.upsert) {
    return { way: write.oldImages ? 'returning-old' : 'returning', columns: withKey(wanted, write), key: [] }
  }
  const known = (column: string): boolean => pinned.every((values) => values.has(column))
  if ([...wanted].every((column) => known(column) && !touches(column))) return nothing
  if (write.operation === 'delete') return { way: 'returning', columns: [...wanted], key: [] }
  const single = pinned.length === 1
  const missing = [...wanted].some((column) => touches(column) && !(single && known(column)))
  if (!missing) return { way: 'returning', columns: [...wanted], key: [] }
  if (write.oldImages) return { way: 'returning-old', columns: [...wanted], key: [] }
  if (write.preRead) {
    const rest = [...wanted].filter((column) => !write.preRead?.includes(column))
    return { way: 'pre-read', columns: [...write.preRead, ...rest], key: write.preRead }
  }
  return { way: 'returning', columns: [...wanted], key: [] }
}

/** An upsert's old row is told from none by its key. */
function withKey(wanted: ReadonlySet<string>, write: RowWrite): readonly string[] {
  const key = write.table.keys.find((candidate) => candidate.primary)?.columns ?? []
  return [...new Set([...key, ...wanted])]
}

/** Collects the changes of one write, a bounded number of different images; over the bound the rows are unknown (B10). */
export class ImageFold {
  readonly #write: RowWrite
  readonly #columns: readonly (Column | undefined)[]
  readonly #pinned: Values
  readonly #max: number
  /** All there is, as long as `#changes` is empty. */
  #first: RowChange | undefined
  readonly #changes = new Map<string, RowChange>()
  #over = false

  /** @param pinned - what WHERE says, where it says one thing of all rows */
  constructor(write: RowWrite, columns: readonly string[], pinned: readonly Values[], max: number) {
    this.#write = write
    this.#columns = columns.map((name) => write.table.column.get(name))
    this.#pinned = pinned.length === 1 ? (pinned[0] as Values) : new Map()
    this.#max = max
  }

  /** Both sides as the server sent them, in the order of the columns; undefined where there was no row or it is unknown. */
  add(before: WireRow | undefined | 'unknown', after: WireRow | undefined): void {
    if (this.#over) return
    const afterValues = after && this.#values(after)
    // An upsert of which the old row was not seen is either: as an insert it is new to everyone who reads any of it.
    if (this.#write.upsert && before === 'unknown') this.#keep(this.#change(undefined, afterValues))
    const beforeValues = before === 'unknown' ? this.#unseen(after) : before && this.#values(before)
    this.#keep(this.#change(beforeValues, afterValues))
  }

  #keep(change: RowChange): void {
    // Most writes change one row, which need not be told from others.
    if (this.#changes.size === 0) {
      const first = this.#first
      this.#first = change
      if (first === undefined) return
      this.#changes.set(nameOf(first), first)
    }
    const key = nameOf(change)
    if (this.#changes.has(key)) return
    if (this.#changes.size >= this.#max) {
      this.#over = true
      this.#changes.clear()
      return
    }
    this.#changes.set(key, change)
  }

  /** Rows of which nothing was seen: any may have changed. */
  unknown(): void {
    this.#over = true
  }

  changes(): readonly Change[] {
    if (this.#over) return unknownRows(this.#write)
    const single = this.#changes.size === 0 && this.#first !== undefined
    return withCascades(this.#write, single ? [this.#first as RowChange] : [...this.#changes.values()])
  }

  #values(row: WireRow): Map<string, string | null> {
    const values = new Map<string, string | null>()
    this.#columns.forEach((column, index) => {
      const wire = row[index]
      if (!column || wire === undefined) return
      const value = wire === null ? null : imageValue(column.keyType, wire)
      if (value !== undefined) values.set(column.name, value)
    })
    return values
  }

  /** The row before an update that RETURNING showed only afterwards: what SET does not touch, and what WHERE says (A9). */
  #unseen(after: WireRow | undefined): Map<string, string | null> {
    const values = after ? this.#values(after) : new Map<string, string | null>()
    const { changed } = this.#write
    for (const name of [...values.keys()]) if (changed === undefined || changed.includes(name)) values.delete(name)
    for (const [name, value] of this.#pinned) values.set(name, value)
    return values
  }

  #change(before: Values | undefined, after: Values | undefined): RowChange {
    return {
      kind: 'rows',
      table: this.#write.table.id,
      before: before && { values: before },
      after: after && { values: after },
      columns: before && after ? this.#write.changed : undefined,
    }
  }
}

function nameOf({ before, after }: RowChange): string {
  return JSON.stringify([before && [...before.values], after && [...after.values]])
}

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
function withCascades(write: RowWrite, changes: readonly RowChange[]): readonly Change[] {
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
