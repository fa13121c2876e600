import type { Lease } from '../store.js'
import type { Stamp } from './stamp.js'
import type { DatabaseStamps } from './stamps.js'

/** What a lease was taken for, as far as blocks ask for it (A2). */
export interface LeasedTables {
  readonly database: DatabaseStamps
  readonly tables: readonly string[]
}

/** The stamps of a read, from the global one to those of its conjs; or of several reads together. */
export class MemoryLease implements Lease {
  readonly key: string
  /** The store that gave it: another's stamps would hear of no invalidation here. */
  readonly home: object
  readonly reads: readonly LeasedTables[]
  readonly stamps: readonly Stamp[]

  constructor(key: string, home: object, reads: readonly LeasedTables[], stamps: readonly Stamp[]) {
    this.key = key
    this.home = home
    this.reads = reads
    this.stamps = stamps
  }

  stands(): boolean {
    const { stamps } = this
    for (let i = 0; i < stamps.length; i++) if (!(stamps[i] as Stamp).alive) return false
    return true
  }

  /** Whether a table that it was taken for is blocked. */
  blocked(): boolean {
    return this.reads.some(({ database, tables }) => database.blocked(tables) !== undefined)
  }
}
