import { stampBytes } from './size.js'
import type { Stamp } from './stamp.js'

/** Places that nobody holds any longer are swept when they are more than those that are held, and so many. */
const SLACK = 1024

/**
 * Conj stamps that no entry has recorded: those of leases that are still out, or were dropped without a write, and those
 * whose entries are gone. Bounded in bytes; the oldest goes first, and is dead then: a lease that holds it is not
 * stored (S4: a lost stamp is a miss).
 *
 * Every miss adds one and takes one away, so it is a queue in which a stamp knows its place: who goes leaves a place that
 * is passed over later.
 */
export class IdleStamps {
  #queue: Stamp[] = []
  /** The place of the queue's first. Places are given once, so that those from before `clear` are nobody's. */
  #first = 0
  #head = 0
  #size = 0
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  add(stamp: Stamp): void {
    if (stamp.place >= this.#first) return
    if (this.#queue.length > 2 * this.#size + SLACK) this.#sweep()
    stamp.place = this.#first + this.#queue.length
    this.#queue.push(stamp)
    this.#size++
    this.#bytes += stampBytes(stamp.key)
    while (this.#bytes > this.#maxBytes) this.#dropOldest()
  }

  remove(stamp: Stamp): void {
    if (stamp.place < this.#first) return
    stamp.place = -1
    this.#size--
    this.#bytes -= stampBytes(stamp.key)
  }

  clear(): void {
    this.#first += this.#queue.length
    this.#queue = []
    this.#head = 0
    this.#size = 0
    this.#bytes = 0
  }

  #dropOldest(): void {
    for (;;) {
      const place = this.#head++
      const stamp = this.#queue[place]
      if (stamp === undefined) throw new Error('idle stamps: bytes are counted, but there is no stamp')
      // It went, or went and came again, to another place.
      if (stamp.place !== this.#first + place) continue
      this.remove(stamp)
      stamp.drop()
      return
    }
  }

  #sweep(): void {
    const held: Stamp[] = []
    const first = this.#first + this.#queue.length
    for (let place = this.#head; place < this.#queue.length; place++) {
      const stamp = this.#queue[place] as Stamp
      if (stamp.place !== this.#first + place) continue
      stamp.place = first + held.length
      held.push(stamp)
    }
    this.#queue = held
    this.#first = first
    this.#head = 0
  }
}
