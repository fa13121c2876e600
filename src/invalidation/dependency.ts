/** One table that a read depends on, with its values bound. */
export interface Dependency {
  readonly scheme: Scheme
  /** Canonical values in the order of `scheme.compared`; `null` is SQL NULL. Empty where nothing is compared. */
  readonly values: readonly (string | null)[]
}

/** The shape of a conj: the table, the columns compared, the columns read. */
export interface Scheme {
  /** A full hash of the three; equal schemes have equal ids in every process. */
  readonly id: string
  /** `schema.name`. */
  readonly table: string
  /** Sorted by name. */
  readonly compared: readonly string[]
  /** Sorted by name; `undefined` means every column, also those that come later. Contains `compared`. */
  readonly read: readonly string[] | undefined
}

/** What is known of a row before or after a write. A column that is not in `values` is unknown. */
export interface RowImage {
  readonly values: ReadonlyMap<string, string | null>
}

/** A row, or a set of rows that share what is known of them, that a write changed. */
export interface RowChange {
  readonly kind: 'rows'
  readonly table: string
  /** `undefined`: there was no row before (an insert). */
  readonly before: RowImage | undefined
  /** `undefined`: there is no row afterwards (a delete). */
  readonly after: RowImage | undefined
  /** Columns whose value may differ; `undefined` means any (always for inserts and deletes). */
  readonly columns: readonly string[] | undefined
  /** What is not known touches nothing: for rows that are dropped on suspicion, beyond what must be (A13). */
  readonly onlyKnown?: boolean
}

/** Any row of the table may have changed in any way. */
export interface TableChange {
  readonly kind: 'table'
  readonly table: string
}

/** Anything in the database may have changed. `catalog`: its tables may have other columns now. */
export interface DatabaseChange {
  readonly kind: 'database'
  readonly catalog: boolean
}

/** Anything in any database: an identity is not known, or `invalidateAll()`. */
export interface EverythingChange {
  readonly kind: 'everything'
  /** Tables may have other columns now, in any database. */
  readonly catalog?: boolean
}

export type Change = RowChange | TableChange | DatabaseChange | EverythingChange
