import { type Duration, parseDuration } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Engine } from '../engine/engine.js'
import type { Asked, Runs } from './runs.js'
import type { Shelf } from './shelf.js'

/** Looks, puts and drops the result of one call by hand. */
export class Place {
  readonly #engine: Engine
  readonly #shelf: Shelf
  readonly #runs: Runs

  constructor(engine: Engine, shelf: Shelf, runs: Runs) {
    this.#engine = engine
    this.#shelf = shelf
    this.#runs = runs
  }

  async get(asked: Asked | string): Promise<unknown> {
    const scope = this.#engine.scopes.current
    if (typeof asked === 'string' || this.#runs.whyOff(scope) !== undefined) return undefined
    // What a caller makes of finding nothing depends on more than the database.
    this.#engine.recorders.passed(scope.recorder, `it looked for ${asked.what}`, false)
    const found = await this.#shelf.find(asked.key)
    if (found?.kind !== 'hit' || this.#runs.whyUnusable(found.kept.answered, scope) !== undefined) return undefined
    return this.#shelf.valueOf(found.kept.text, asked.what)?.value
  }

  /** @throws TypeError where it cannot be kept exactly; ConfigError where nothing says how long */
  async set(asked: Asked | string, value: unknown, options: { readonly ttl?: Duration } = {}): Promise<void> {
    if (typeof asked === 'string' || this.#runs.whyOff(this.#engine.scopes.current) !== undefined) return
    const { what } = asked
    const given = options.ttl === undefined ? undefined : parseDuration(options.ttl, `${what}: ttl`)
    const text = this.#shelf.textOfGiven(value, `the value for ${what}`)
    const allowed = given ?? asked.ttl ?? (asked.prepare ? undefined : this.#default(what))
    // What is being computed was begun before: it must not come after.
    await this.#shelf.drop(asked.key)
    const own = await this.#shelf.leaseOf(asked.key)
    const prepared = own && (await this.#runs.prepare(asked, own))
    if (!prepared || typeof prepared === 'string') {
      if (prepared) this.#engine.bypassed(what, prepared, [])
      return
    }
    const { leases, answered } = prepared
    const limit = answered?.ttl ?? Number.POSITIVE_INFINITY
    const ttl = allowed ?? (Number.isFinite(limit) ? limit : this.#default(what))
    const lease = this.#engine.config.store.combine(asked.key, leases)
    await this.#shelf.keep(lease, text, ttl, { tables: {}, bases: [], ...answered, ttl })
  }

  #default(what: string): number {
    const { defaultTtl } = this.#engine.config
    if (defaultTtl !== undefined) return defaultTtl
    throw new ConfigError(`${what}: expected a ttl, here, in its options or in defaults, such as { ttl: '10m' }.`)
  }

  /** @throws the store's error: what should have been dropped may still be there */
  async drop(key: string): Promise<void> {
    await this.#shelf.drop(key)
  }
}
