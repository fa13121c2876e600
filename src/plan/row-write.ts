import type { Table } from '../catalog/catalog.js'
import type { ConjTemplate } from '../invalidation/template.js'
import type { Cascade, RowOperation } from './cascades.js'
import { stampsOf } from './trees.js'

/** A write of rows of one table, as far as they can be followed. */
export interface RowWrite {
  readonly operation: RowOperation
  readonly table: Table
  /** By what stamps and changes know the table: of a member of a tree of partitions the root's id. */
  readonly stamps: string
  /** How to name a column of the target in RETURNING: its alias, or its name, quoted. */
  readonly qualifier: string
  /** What WHERE says of a row before the write. `[[]]`: nothing. */
  readonly pins: readonly ConjTemplate[]
  /** What VALUES says of the rows that an INSERT adds: one conj a row, `undefined` where it says nothing of some row. */
  readonly added: readonly ConjTemplate[] | undefined
  /** Columns that may change, `undefined` for any. Of an upsert: what DO UPDATE may change. */
  readonly changed: readonly string[] | undefined
  readonly upsert: boolean
  /** RETURNING may be added: an ordinary table without policies. The role's privileges come on top. */
  readonly returning: boolean
  /** The statement's RETURNING list is not empty. */
  readonly returns: boolean
  /** Columns of a key by which rows can be told apart, for a read before the write; undefined where it cannot be made. */
  readonly preRead: readonly string[] | undefined
  /** RETURNING can name `old` and `new` (PostgreSQL 18). */
  readonly oldImages: boolean
  readonly cascades: readonly Cascade[]
}

/** A write whose rows never come back: of them only WHERE's and VALUES' word is known, if that. */
export function unseenWrite(
  table: Table,
  operation: RowOperation,
  changed: readonly string[] | undefined,
  cascades: readonly Cascade[],
): RowWrite {
  return {
    operation,
    table,
    stamps: stampsOf(table),
    qualifier: quote(table.name),
    pins: [[]],
    added: undefined,
    changed,
    upsert: false,
    returning: false,
    returns: false,
    preRead: undefined,
    oldImages: false,
    cascades,
  }
}

/** Whether the value of a column may differ after the write. */
export function mayChange({ changed }: RowWrite, column: string): boolean {
  return changed === undefined || changed.includes(column)
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
