import type { MaybePromise, WireRow } from '../base/vocabulary.js'
import type { Change, Dependency, Scheme } from '../invalidation/dependency.js'

/** A column of a result, as the driver described it. Plain data. */
export interface EntryField {
  readonly name: string
  readonly dataTypeID: number
  readonly tableID?: number
  readonly columnID?: number
  readonly dataTypeSize?: number
  readonly dataTypeModifier?: number
  readonly format?: string
}

/** A cached result: rows as the server sent them. Never changed once built; every hit decodes its own. */
export interface Entry {
  readonly command: string
  readonly rowCount: number | null
  readonly fields: readonly EntryField[]
  readonly rows: readonly WireRow[]
}

/**
 * What a read asks of the store. `dependencies` is called only when the store needs the stamps' names: a store in memory
 * does not for a hit.
 */
export interface ReadRequest {
  /** The entry's key, complete but for the store's prefix. */
  readonly key: string
  /** The identity of the data. */
  readonly database: string
  /** The catalog stamp under which the catalog of this read was loaded (A7), see `Store.catalogStamp`. */
  readonly catalogStamp: string
  /** Ids (`schema.name`) of every table that the dependencies name. */
  readonly tables: readonly string[]
  /** Also kept in this process, for at most so many milliseconds since it was stored. */
  readonly local?: number | undefined
  dependencies(): readonly Dependency[]
}

/** S4: the stamps that a reader holds from before it asks the database. Opaque to all but its store. */
export interface Lease {
  readonly key: string
}

/** `stale-catalog`: the catalog stamp is another now; reload the catalog first (A7). */
export type ReadReply =
  | { readonly kind: 'stale-catalog' }
  /** `stored`: when, in milliseconds since 1970 by the clock of who stored it; for stories, nothing is decided by it. */
  | { readonly kind: 'hit'; readonly entry: Entry; readonly lease: Lease; readonly stored?: number }
  | { readonly kind: 'miss'; readonly lease: Lease }
  /** A table is blocked (A2), or another process speaks another layout (A22): neither read nor stored. */
  | { readonly kind: 'blocked'; readonly reason: string }

/** What `recall` finds. `miss`: the lease holds the global stamp and the key's own. */
export type Recalled =
  | { readonly kind: 'hit'; readonly entry: Entry; readonly lease: Lease; readonly stored?: number }
  | { readonly kind: 'miss'; readonly lease: Lease }

/** What an invalidation dropped, for events. */
export interface Invalidated {
  /** The catalog stamp of the database, read in the same step or later (A7); absent where nothing is known of the database. */
  readonly catalogStamp?: string | undefined
  /** Table id → what was replaced: `'table'`, or the stamps of schemes and conjs. */
  readonly tables: readonly {
    readonly table: string
    readonly schemes: number
    readonly conjs: number
    readonly whole: boolean
  }[]
}

/**
 * The store's contract. Every method may fail by throwing or rejecting; the engine then degrades (S7).
 * Values of stamps are random and made here; replacing a stamp is deleting it.
 */
export interface Store {
  readonly name: string
  /** One step: look for the entry, and take the lease in case it is not there (creates missing stamps, registers schemes: A1). */
  read(request: ReadRequest): MaybePromise<ReadReply>
  /** Stores the entry under its lease. `ttl` in milliseconds. Nothing is stored where a stamp of the lease is already gone. */
  write(lease: Lease, entry: Entry, ttl: number): MaybePromise<void>
  /**
   * An entry by its key alone, for results of functions. Who asks does not know what it depends on: it is a hit while every
   * stamp that it was stored under stands. A miss gives a lease for an entry that depends on no table, or to be combined with others.
   *
   * @param key - complete but for the store's prefix; never one of a `ReadRequest`
   */
  recall(key: string): MaybePromise<Recalled>
  /**
   * One lease, for `key`, that holds all that the leases hold (A21); what is written under it is found by `recall`. It does not stand
   * where one of them does not, where two hold different stamps of one name, or where one is another store's.
   */
  combine(key: string, leases: readonly Lease[]): Lease
  /** Drops what `recall` finds under the key, and the key's own stamp: what was begun before is not stored any more. */
  drop(key: string): MaybePromise<void>
  /**
   * The catalog stamp of a database, created where missing. Read it before the catalog is loaded.
   *
   * @param known - what this process saw last is enough, so that no round trip is needed where it saw any
   */
  catalogStamp(database: string, known?: boolean): MaybePromise<string>
  /** Whether every stamp of the lease still stands: for joiners of a single flight (S4). */
  stands(lease: Lease): MaybePromise<boolean>
  /** Replaces the stamps that the changes affect, by the registry as it is now (B1). */
  invalidate(database: string, changes: readonly Change[]): MaybePromise<Invalidated>
  /**
   * Schemes of a table, as far as this process knows: what row images a write should bring. A hint, asked before each write, for
   * which no round trip should be made where anything is known; `invalidate` reads the registry again.
   */
  schemes(database: string, table: string): MaybePromise<readonly Scheme[]>
  /**
   * Whose turn it is to compute what is missing, where a query asks for `lock`. Absent where a process's single flight is all that
   * is needed. It never keeps a read from the database: a store that cannot tell says that it is the caller's turn.
   */
  turn?(lease: Lease): MaybePromise<Turn>
  /** A2: until the token is unblocked, reads of these tables are `blocked`. Also replaces their table stamps. */
  block(database: string, tables: readonly string[] | 'database', token: string): MaybePromise<void>
  unblock(database: string, token: string): MaybePromise<void>
  stats(): MaybePromise<StoreStats>
  close(): MaybePromise<void>
}

/** Dog-pile protection: one computes, the others wait for its landing. */
export type Turn =
  /** The caller computes it, and calls `done` once when it is stored, or will not be. */
  | { readonly mine: true; done(): void }
  /** `over` resolves when the other is done, is gone, or has taken too long. It does not reject. */
  | { readonly mine: false; readonly over: Promise<void> }

export interface StoreStats {
  readonly entries: number
  readonly bytes: number
  readonly stamps: number
  readonly evictions: number
}
