/** The least recently used go when the weights of what is kept exceed the bound (B10). */
export class ByteLru<Value> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: Value; readonly bytes: number }>()
  /** Stays at the oldest: whatever it has passed is gone. A new iterator would walk over the holes that deletes leave. */
  #oldest = this.#entries.entries()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    // The order of a Map is the order of its insertions. Moving is worth it only once something may have to go.
    if (this.#bytes > this.#maxBytes / 2) {
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
    return entry.value
  }

  /** Something heavier than an eighth of the bound is not kept: it would drive out too much. */
  set(key: string, value: Value, bytes: number): void {
    const old = this.#entries.get(key)
    if (old) {
      this.#bytes -= old.bytes
      this.#entries.delete(key)
    }
    if (bytes > this.#maxBytes / 8) return
    this.#entries.set(key, { value, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) this.#dropOldest()
  }

  #dropOldest(): void {
    let next = this.#oldest.next()
    if (next.done === true) {
      this.#oldest = this.#entries.entries()
      next = this.#oldest.next()
    }
    if (next.done === true) throw new Error('lru: bytes are counted, but there is no entry')
    const [key, { bytes }] = next.value
    this.#entries.delete(key)
    this.#bytes -= bytes
  }
}
