import type { Lease } from '../store.js'
import type { Asked } from './asked.js'

/**
 * The stamps of a read: their keys, and their values from before the database was asked, or as they are recorded in its hit.
 * On another server than its own no stamp has these values: it stands nowhere else.
 */
export class RedisLease implements Lease {
  readonly key: string
  readonly asked: Asked
  readonly values: readonly string[]

  constructor(key: string, asked: Asked, values: readonly string[]) {
    this.key = key
    this.asked = asked
    this.values = values
  }
}
