import type { Lease, Recalled } from '../store.js'
import { bodyOf, parseEntry } from './entry-text.js'
import { RedisLease } from './lease.js'
import type { Link } from './link.js'
import type { Names } from './names.js'
import { ownScript } from './scripts/own.js'
import { LEASE_MS, newStamp } from './stamp.js'

/** B10: of so many keys it is remembered on what they depended last. */
const REMEMBERED = 10_000

interface Remembered {
  /** As it stands in the entry. */
  readonly text: string
  readonly names: readonly string[]
}

/**
 * Entries that are found by their key alone: what they depend on stands in them. Which stamps these are is remembered, so that a
 * hit takes one trip; two where they are others now.
 */
export class Recaller {
  readonly #link: Link
  readonly #names: Names
  readonly #wait: number
  readonly #remembered = new Map<string, Remembered>()

  constructor(link: Link, names: Names, wait: number) {
    this.#link = link
    this.#names = names
    this.#wait = wait
  }

  async recall(key: string): Promise<Recalled> {
    const { entry, stamp } = this.#names.recalled(key)
    const { global } = this.#names
    const remembered = this.#remembered.get(key)
    const first = [entry, stamp, global]
    const reply = await this.#link.values(remembered ? first.concat(remembered.names) : first, this.#wait)
    const [text, own, above] = reply as [string | null, string | null, string | null]
    if (text !== null) {
      const hit = await this.#fresh(key, entry, text, remembered, reply)
      if (hit !== undefined) return hit
    }
    const values = await Promise.all([above ?? this.#global(), own ?? this.#own(stamp)])
    return { kind: 'miss', lease: new RedisLease(key, entry, [global, stamp], values, true) }
  }

  combine(key: string, leases: readonly Lease[]): Lease {
    const { entry } = this.#names.recalled(key)
    const values = new Map<string, string>()
    for (const lease of leases) {
      if (!(lease instanceof RedisLease) || lease.values === undefined) {
        return new RedisLease(key, entry, [], undefined, true)
      }
      for (const [index, name] of lease.names.entries()) {
        const value = lease.values[index] as string
        const known = values.get(name)
        // A21: one of them is gone by now.
        if (known !== undefined && known !== value) return new RedisLease(key, entry, [], undefined, true)
        values.set(name, value)
      }
    }
    return new RedisLease(key, entry, [...values.keys()], [...values.values()], true)
  }

  async drop(key: string): Promise<void> {
    const { entry, stamp } = this.#names.recalled(key)
    await this.#link.send(stamp, ['UNLINK', stamp, entry], this.#wait)
  }

  async #fresh(
    key: string,
    entry: string,
    text: string,
    remembered: Remembered | undefined,
    reply: readonly (string | null)[],
  ): Promise<Recalled | undefined> {
    let names: readonly string[]
    let values: readonly (string | null)[]
    const end = text.indexOf('\n')
    if (remembered !== undefined && text.startsWith(remembered.text) && remembered.text.length === end) {
      names = remembered.names
      values = reply.slice(3)
    } else {
      names = namesOf(text.slice(0, end))
      if (names.length === 0) return undefined
      values = await this.#link.values(names, this.#wait)
      if (this.#remembered.size >= REMEMBERED) this.#remembered.clear()
      this.#remembered.set(key, { text: text.slice(0, end), names })
    }
    const at = bodyOf(text, values, 0, end + 1)
    const stored = at < 0 ? undefined : parseEntry(text, at)
    if (stored === undefined) return undefined
    return { kind: 'hit', lease: new RedisLease(key, entry, names, values as string[], true), ...stored }
  }

  #own(stamp: string): Promise<string> {
    return this.#link.run(ownScript, [stamp], [newStamp(), String(LEASE_MS)], this.#wait) as Promise<string>
  }

  async #global(): Promise<string> {
    const { global } = this.#names
    // Never in the place of another's: who comes first has made it.
    await this.#link.send(global, ['SET', global, newStamp(), 'NX'], this.#wait)
    const [value] = await this.#link.values([global], this.#wait)
    return value ?? this.#global()
  }
}

/** Empty where it is damaged. */
function namesOf(text: string): readonly string[] {
  try {
    return JSON.parse(text) as string[]
  } catch {
    return []
  }
}
