import { entryBytes, stampBytes } from '../memory/size.js'
import type { Entry, Lease, ReadReply, ReadRequest } from '../store.js'

/** Of more the oldest are let go: those whose read failed, which nobody lands. */
const MOST_EXPECTED = 10_000

/** An entry that is kept in this process, or one that is on its way and may still be (A19). */
export class LocalEntry {
  readonly key: string
  readonly catalogStamp: string
  readonly names: readonly string[]
  /** A stamp of it was dropped, or might have been. */
  dead = false
  reply: (ReadReply & { readonly kind: 'hit' }) | undefined
  /** By `performance.now()`. */
  expires = 0
  bytes = 0
  /** It was hit since the eviction came by. */
  used = false

  constructor(request: ReadRequest, names: readonly string[]) {
    this.key = request.key
    this.catalogStamp = request.catalogStamp
    this.names = names
  }
}

/**
 * Entries kept in this process too, found by their keys and dropped by the names of their stamps. Whoever fetches one from the
 * server names its stamps first: what is dropped while the reply is on its way is not kept.
 */
export class Local {
  readonly #maxBytes: number
  readonly #entries = new Map<string, LocalEntry>()
  /** By the name of a stamp. */
  readonly #held = new Map<string, Set<LocalEntry>>()
  /** Those on their way, the oldest first. */
  readonly #expected = new Set<LocalEntry>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  find({ key, catalogStamp }: ReadRequest): ReadReply | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.catalogStamp !== catalogStamp || performance.now() >= entry.expires) {
      this.#forget(entry)
      return undefined
    }
    entry.used = true
    return entry.reply
  }

  /** To be called before the server is asked. What comes of it is landed, or let go. */
  expect(request: ReadRequest, names: readonly string[]): LocalEntry {
    const entry = new LocalEntry(request, names)
    for (const name of names) {
      const held = this.#held.get(name)
      if (held) held.add(entry)
      else this.#held.set(name, new Set([entry]))
    }
    this.#expected.add(entry)
    if (this.#expected.size > MOST_EXPECTED) {
      const [oldest] = this.#expected
      if (oldest) {
        oldest.dead = true
        this.#unhold(oldest)
      }
    }
    return entry
  }

  /** @param life - milliseconds from now */
  land(expected: LocalEntry, entry: Entry, lease: Lease, stored: number, life: number): void {
    if (expected.dead || !(life > 0)) {
      this.letGo(expected)
      return
    }
    const before = this.#entries.get(expected.key)
    if (before === expected) return
    this.#expected.delete(expected)
    if (before) this.#forget(before)
    expected.reply = Object.freeze({ kind: 'hit', entry, lease, stored })
    expected.expires = performance.now() + life
    expected.bytes = entryBytes(expected.key, entry)
    for (const name of expected.names) expected.bytes += stampBytes(name)
    this.#entries.set(expected.key, expected)
    this.#bytes += expected.bytes
    this.#evict()
  }

  /** Nothing came of it. */
  letGo(expected: LocalEntry): void {
    if (expected.reply === undefined) this.#unhold(expected)
  }

  drop(names: readonly string[]): void {
    for (const name of names) {
      const held = this.#held.get(name)
      if (held === undefined) continue
      for (const entry of [...held]) {
        entry.dead = true
        this.#forget(entry)
      }
    }
  }

  clear(): void {
    for (const held of this.#held.values()) for (const entry of held) entry.dead = true
    this.#held.clear()
    this.#expected.clear()
    this.#entries.clear()
    this.#bytes = 0
  }

  #forget(entry: LocalEntry): void {
    if (this.#entries.get(entry.key) === entry) {
      this.#entries.delete(entry.key)
      this.#bytes -= entry.bytes
    }
    this.#unhold(entry)
  }

  #unhold(entry: LocalEntry): void {
    this.#expected.delete(entry)
    for (const name of entry.names) {
      const held = this.#held.get(name)
      if (held?.delete(entry) && held.size === 0) this.#held.delete(name)
    }
  }

  /** The oldest go first; what was hit is spared once. */
  #evict(): void {
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#entries.values()
      if (oldest === undefined) return
      if (!oldest.used) {
        this.#forget(oldest)
        continue
      }
      oldest.used = false
      this.#entries.delete(oldest.key)
      this.#entries.set(oldest.key, oldest)
    }
  }
}
