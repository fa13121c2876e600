import type { Lease } from '../store.js'
import type { LocalEntry } from './local.js'

/**
 * Stamps by their names, with their values from before the database was asked, or as they are recorded in a hit. On another
 * server than its own no stamp has these values: it stands nowhere else.
 */
export class RedisLease implements Lease {
  readonly key: string
  /** Where its entry is kept. */
  readonly entry: string
  readonly names: readonly string[]
  /** Undefined for what can never stand: leases that do not go together were combined. */
  readonly values: readonly string[] | undefined
  /** Its entry is found by the key alone, so it has the names in it. */
  readonly recalled: boolean
  /** Its entry is wanted in this process, too. */
  local: LocalEntry | undefined

  constructor(
    key: string,
    entry: string,
    names: readonly string[],
    values: readonly string[] | undefined,
    recalled: boolean,
  ) {
    this.key = key
    this.entry = entry
    this.names = names
    this.values = values
    this.recalled = recalled
  }
}
