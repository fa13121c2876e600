/** The least recently used go when the weights of what is kept exceed the bound (B10). */
export class ByteLru<Value> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: Value; readonly bytes: number }>()
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
    for (const [first, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break
      this.#entries.delete(first)
      this.#bytes -= entry.bytes
    }
  }
}
