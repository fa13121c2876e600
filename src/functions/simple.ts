import { type Duration, show } from '../base/duration.js'
import { CacheopsError } from '../base/errors.js'
import type { Engine } from '../engine/engine.js'
import type { Place } from './place.js'
import type { Asked } from './runs.js'
import type { Shelf } from './shelf.js'

/** Nothing is kept under a key. */
export class CacheMiss extends CacheopsError {
  readonly key: string

  constructor(key: string) {
    super('CACHEOPS_MISS', `Nothing is kept under the key ${show(key)}.`)
    this.key = key
  }
}

/** Values by key, with nothing but time to end them. Not affected by writes or transactions. */
export interface SimpleCache {
  /** Undefined where nothing is kept. */
  get<T = unknown>(key: string): Promise<T | undefined>
  /** @throws CacheMiss where nothing is kept */
  getOrThrow<T = unknown>(key: string): Promise<T>
  /**
   * @param options - `ttl`; by default that of `defaults`
   * @throws TypeError where the value cannot be kept exactly; ConfigError where nothing says how long
   */
  set(key: string, value: unknown, options?: { readonly ttl?: Duration }): Promise<void>
  delete(key: string): Promise<void>
}

/** The simple cache in the cache's own store. */
export class StoreSimpleCache implements SimpleCache {
  readonly #engine: Engine
  readonly #shelf: Shelf
  readonly #place: Place

  constructor(engine: Engine, shelf: Shelf, place: Place) {
    this.#engine = engine
    this.#shelf = shelf
    this.#place = place
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.#find(key))?.value as T | undefined
  }

  async getOrThrow<T = unknown>(key: string): Promise<T> {
    const found = await this.#find(key)
    if (!found) throw new CacheMiss(key)
    return found.value as T
  }

  set(key: string, value: unknown, options: { readonly ttl?: Duration } = {}): Promise<void> {
    return this.#place.set(this.#asked(key), value, options)
  }

  async delete(key: string): Promise<void> {
    await this.#place.drop(this.#asked(key).key)
  }

  async #find(key: string): Promise<{ readonly value: unknown } | undefined> {
    const asked = this.#asked(key)
    const { recorders, scopes, config } = this.#engine
    const scope = scopes.current
    recorders.passed(scope.recorder, `it looked for ${asked.what}`, false)
    if (!(scope.enabled ?? config.enabled)) return undefined
    const found = await this.#shelf.find(asked.key)
    return found?.kind === 'hit' ? this.#shelf.valueOf(found.kept.text, asked.what) : undefined
  }

  #asked(name: string): Asked {
    if (typeof name !== 'string') throw new TypeError(`simple: expected a text as the key, got ${show(name)}.`)
    const key = this.#shelf.key('simple', name)
    return { name, what: `simple[${show(name)}]`, key, base: key, ttl: undefined, lock: false, recorder: undefined }
  }
}
