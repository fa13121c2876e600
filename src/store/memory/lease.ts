import type { Lease } from '../store.js'
import type { Stamp } from './stamp.js'
import type { DatabaseStamps } from './stamps.js'

/** The stamps of a read, from the global one to those of its conjs. */
export class MemoryLease implements Lease {
  readonly key: string
  /** The store that gave it: another's stamps would hear of no invalidation here. */
  readonly home: object
  readonly database: DatabaseStamps
  readonly tables: readonly string[]
  readonly stamps: readonly Stamp[]

  constructor(
    key: string,
    home: object,
    database: DatabaseStamps,
    tables: readonly string[],
    stamps: readonly Stamp[],
  ) {
    this.key = key
    this.home = home
    this.database = database
    this.tables = tables
    this.stamps = stamps
  }

  stands(): boolean {
    const { stamps } = this
    for (let i = 0; i < stamps.length; i++) if (!(stamps[i] as Stamp).alive) return false
    return true
  }
}
