import type { Entry, ReadReply } from '../store.js'
import type { MemoryLease } from './lease.js'
import { entryBytes, stampBytes } from './size.js'

/** So many rounds of the clock hand does an entry survive that is hit no more. */
const MOST_USES = 3

/** An entry in its place, with the reply to those who hit it, made once. */
export class KeptEntry {
  readonly lease: MemoryLease
  readonly reply: ReadReply & { readonly kind: 'hit' }
  /** By `performance.now()`, like `expires`. */
  readonly stored: number
  readonly expires: number
  readonly bytes: number
  /** How often it was hit, up to `MOST_USES`, less the visits of the clock hand. */
  #uses = 0

  constructor(lease: MemoryLease, entry: Entry, ttl: number) {
    this.lease = lease
    this.stored = performance.now()
    this.reply = Object.freeze({ kind: 'hit', entry, lease, stored: Date.now() })
    this.expires = this.stored + ttl
    let bytes = entryBytes(lease.key, entry)
    for (const stamp of lease.stamps) if (stamp.home !== undefined) bytes += stampBytes(stamp.key)
    this.bytes = bytes
  }

  /** Whether it may still be served. */
  fresh(now: number): boolean {
    return this.lease.stands() && now < this.expires
  }

  hit(): void {
    if (this.#uses < MOST_USES) this.#uses++
  }

  /** The clock hand comes by: whether the entry is spared once more. */
  spared(): boolean {
    if (this.#uses === 0) return false
    this.#uses--
    return true
  }
}

/**
 * The kept entries by key, with a clock hand for eviction: a hit counts up to three and moves nothing. The hand is a live
 * iterator; it takes what is not fresh, counts down what was hit, and takes the rest.
 */
export class KeptEntries {
  readonly #kept = new Map<string, KeptEntry>()
  #hand: Iterator<KeptEntry> = this.#kept.values()
  #bytes = 0

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): KeptEntry | undefined {
    return this.#kept.get(key)
  }

  values(): Iterable<KeptEntry> {
    return this.#kept.values()
  }

  /** The key must be free. */
  add(kept: KeptEntry): void {
    this.#kept.set(kept.lease.key, kept)
    this.#bytes += kept.bytes
  }

  remove(kept: KeptEntry): void {
    this.#kept.delete(kept.lease.key)
    this.#bytes -= kept.bytes
  }

  /** The next to evict, but not `added`. There must be another. */
  victim(added: KeptEntry, now: number): KeptEntry {
    for (;;) {
      let next = this.#hand.next()
      if (next.done === true) {
        this.#hand = this.#kept.values()
        next = this.#hand.next()
      }
      if (next.done === true) throw new Error('entries: none to evict')
      const kept = next.value
      if (kept !== added && !(kept.fresh(now) && kept.spared())) return kept
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#hand = this.#kept.values()
    this.#bytes = 0
  }
}
