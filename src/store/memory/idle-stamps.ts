import { stampBytes } from './size.js'
import type { Stamp } from './stamps.js'

/**
 * Conj stamps that no entry has recorded: those of leases that are still out, or were dropped without a write, and those
 * whose entries are gone. Bounded in bytes; the oldest goes first, and is dead then: a lease that holds it is not
 * stored (S4: a lost stamp is a miss).
 */
export class IdleStamps {
  readonly #stamps = new Set<Stamp>()
  readonly #maxBytes: number
  /** Stays at the oldest: whatever it has passed is gone. A new iterator would walk over the holes that deletes leave. */
  #oldest: Iterator<Stamp> = this.#stamps.values()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  add(stamp: Stamp): void {
    this.#stamps.add(stamp)
    this.#bytes += stampBytes(stamp.key)
    while (this.#bytes > this.#maxBytes) this.#dropOldest()
  }

  remove(stamp: Stamp): void {
    if (this.#stamps.delete(stamp)) this.#bytes -= stampBytes(stamp.key)
  }

  clear(): void {
    this.#stamps.clear()
    this.#oldest = this.#stamps.values()
    this.#bytes = 0
  }

  #dropOldest(): void {
    let next = this.#oldest.next()
    if (next.done === true) {
      this.#oldest = this.#stamps.values()
      next = this.#oldest.next()
    }
    if (next.done === true) throw new Error('idle stamps: bytes are counted, but there is no stamp')
    this.remove(next.value)
    next.value.drop()
  }
}
