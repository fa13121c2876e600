import { createHash } from 'node:crypto'
import { show } from '../base/duration.js'
import type { Engine } from '../engine/engine.js'
import type { Answered } from '../engine/recorder.js'
import type { Lease } from '../store/store.js'
import { decode, encode } from './values.js'

/** Another layout of keys, of the text of values, or of what is kept with them gets another mark. */
const LAYOUT = 'f1'
/** Longest key that is kept as it is; longer ones are hashed. */
const LONGEST = 512

/** A result as it lies in the store. */
export interface Kept {
  readonly text: string
  readonly answered: Answered
  readonly lease: Lease
}

/** What a look found; `lease` is the one to hold from before the function runs. */
export type Found = { readonly kind: 'hit'; readonly kept: Kept } | { readonly kind: 'miss'; readonly lease: Lease }

const NOTHING: Answered = { tables: {}, bases: [], ttl: 0 }

/** Results of functions in the cache's store. A store that fails is as good as none (S7), but where something is to be dropped. */
export class Shelf {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** A key that no other list of parts has. */
  key(...parts: readonly string[]): string {
    let key = LAYOUT
    for (const part of [this.#engine.config.prefix, ...parts]) key += `|${part.length}:${part}`
    return key.length <= LONGEST ? key : `${LAYOUT}|#${createHash('sha256').update(key).digest('base64url')}`
  }

  /** Undefined where the store does not answer. @throws its error with `degradeOnFailure: false` */
  async find(key: string): Promise<Found | undefined> {
    const { store, degradeOnFailure } = this.#engine.config
    try {
      const found = await store.recall(key)
      if (found.kind === 'miss') return found
      const [text, answered] = found.entry.rows[0] ?? []
      if (typeof text !== 'string' || typeof answered !== 'string') return undefined
      return { kind: 'hit', kept: { text, answered: JSON.parse(answered) as Answered, lease: found.lease } }
    } catch (error) {
      this.#failed('the store did not answer a function', error)
      if (!degradeOnFailure) throw error
      return undefined
    }
  }

  /** The own lease of a key under which nothing is kept: it falls when the key is dropped. */
  async leaseOf(key: string): Promise<Lease | undefined> {
    const found = await this.find(key)
    return found?.kind === 'miss' ? found.lease : found?.kept.lease
  }

  /** Resolves when it is stored, or is not. */
  async keep(lease: Lease, text: string, ttl: number, answered: Answered = NOTHING): Promise<void> {
    const rows = [[text, JSON.stringify(answered)]]
    try {
      await this.#engine.config.store.write(lease, { command: 'FUNCTION', rowCount: null, fields: [], rows }, ttl)
    } catch (error) {
      this.#failed('the result of a function could not be stored', error)
    }
  }

  /** @throws the store's error: what should have been dropped may still be there */
  async drop(key: string): Promise<void> {
    try {
      await this.#engine.config.store.drop(key)
    } catch (error) {
      this.#failed('the result of a function could not be dropped', error)
      throw error
    }
  }

  async stands(lease: Lease): Promise<boolean> {
    try {
      return await this.#engine.config.store.stands(lease)
    } catch {
      // Then it is not known.
      return false
    }
  }

  /** Undefined where it cannot be kept: its reason was told as a failure. `what` is for messages. */
  textOf(value: unknown, what: string): string | undefined {
    try {
      return this.textOfGiven(value, what)
    } catch (error) {
      this.#engine.failed('serializer', `${what} cannot be kept: ${messageOf(error)}`, error)
      return undefined
    }
  }

  /** @throws TypeError where it cannot be kept exactly, or what the configured serializer throws */
  textOfGiven(value: unknown, what: string): string {
    const { serializer } = this.#engine.config
    if (!serializer) return encode(value, what)
    const text: unknown = serializer.serialize(value)
    if (typeof text === 'string') return text
    throw new TypeError(`serializer.serialize: expected a text for ${what}, got ${show(text)}.`)
  }

  /** Undefined for a text that cannot be read: a result of another version, or damaged. */
  valueOf(text: string, what: string): { readonly value: unknown } | undefined {
    try {
      const { serializer } = this.#engine.config
      return { value: serializer ? serializer.deserialize(text) : decode(text) }
    } catch (error) {
      this.#engine.failed('serializer', `${what} cannot be read: ${messageOf(error)}`, error)
      return undefined
    }
  }

  #failed(message: string, error: unknown): void {
    this.#engine.stats.storeErrors++
    this.#engine.failed('store', message, error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
