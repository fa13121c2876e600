import type { WireRow } from '../base/vocabulary.js'
import type { Column } from '../catalog/catalog.js'
import { imageValue } from '../invalidation/canonical.js'
import type { Change, RowChange, RowImage } from '../invalidation/dependency.js'
import { mayChange, type RowWrite } from '../plan/row-write.js'
import type { ImagePlan } from './images.js'
import type { Values } from './pins.js'
import { unknownRows, withCascades } from './row-changes.js'

const NONE: Values = new Map()

/** Collects the changes of one write, a bounded number of different images; over the bound the rows are unknown (B10). */
export class ImageFold {
  readonly #write: RowWrite
  readonly #columns: readonly (Column | undefined)[]
  /** What WHERE says, where it says one thing of all rows. */
  readonly #pinned: Values
  readonly #steady: boolean
  readonly #max: number
  /** All there is, as long as `#changes` is not there. */
  #first: RowChange | undefined
  #changes: Map<string, RowChange> | undefined
  #over = false

  constructor(write: RowWrite, { columns, steady }: ImagePlan, pinned: readonly Values[], max: number) {
    this.#write = write
    this.#columns = columns.map((name) => write.table.column.get(name))
    this.#pinned = pinned.length === 1 ? (pinned[0] as Values) : NONE
    this.#steady = steady
    this.#max = max
  }

  /** A row as the server sent it: the values of the columns stand in it from `at` on, in their order. */
  inserted(row: WireRow, at: number): void {
    if (!this.#over) this.#keep(undefined, this.#values(row, at))
  }

  deleted(row: WireRow, at: number): void {
    if (!this.#over) this.#keep(this.#pinnedToo(this.#values(row, at), false), undefined)
  }

  /** Both sides of a row that was updated. */
  updated(before: WireRow, beforeAt: number, after: WireRow, afterAt: number): void {
    if (this.#over) return
    this.#keep(
      this.#pinnedToo(this.#values(before, beforeAt), false),
      this.#pinnedToo(this.#values(after, afterAt), true),
    )
  }

  /**
   * A row of which only its state after the write was seen. Before it, it was what SET does not touch, and what WHERE says
   * (A9). It may also be new: to everyone who reads any of it.
   */
  written(row: WireRow, at: number, mayBeNew: boolean): void {
    if (this.#over) return
    const after = this.#values(row, at)
    if (this.#steady) {
      this.#pinnedToo(after, false)
      this.#keep(after, after)
      return
    }
    if (mayBeNew) this.#keep(undefined, after)
    const before = new Map<string, string | null>()
    for (const [name, value] of after) if (!mayChange(this.#write, name)) before.set(name, value)
    this.#keep(this.#pinnedToo(before, false), this.#pinnedToo(after, true))
  }

  /** Rows of which nothing was seen: any may have changed. */
  unknown(): void {
    this.#over = true
  }

  changes(): readonly Change[] {
    if (this.#over) return unknownRows(this.#write)
    if (this.#changes) return withCascades(this.#write, [...this.#changes.values()])
    return withCascades(this.#write, this.#first ? [this.#first] : [])
  }

  #keep(before: Values | undefined, after: Values | undefined): void {
    const image = before && { values: before }
    const change: RowChange = {
      kind: 'rows',
      table: this.#write.stamps,
      before: image,
      after: after === before ? image : after && { values: after },
      columns: before && after ? this.#write.changed : undefined,
    }
    // Most writes change one row, which need not be told from others.
    if (this.#changes === undefined) {
      const first = this.#first
      if (first === undefined) {
        this.#first = change
        return
      }
      this.#changes = new Map([[nameOf(first), first]])
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

  #values(row: WireRow, at: number): Map<string, string | null> {
    const values = new Map<string, string | null>()
    const columns = this.#columns
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]
      const wire = row[at + index]
      if (column === undefined || wire === undefined) continue
      const value = wire === null ? null : imageValue(column.keyType, wire)
      if (value !== undefined) values.set(column.name, value)
    }
    return values
  }

  /** Adds what WHERE says of the row: all of it before the write, after it what the write leaves alone. */
  #pinnedToo(values: Map<string, string | null>, after: boolean): Map<string, string | null> {
    for (const [name, value] of this.#pinned) {
      if (!after || !mayChange(this.#write, name)) values.set(name, value)
    }
    return values
  }
}

function nameOf({ before, after }: RowChange): string {
  return JSON.stringify([named(before), named(after)])
}

function named(image: RowImage | undefined): readonly unknown[] | undefined {
  return image && [...image.values]
}
