import type { Duration } from './base/duration.js'
import { parseDuration, show } from './base/duration.js'
import { ConfigError } from './base/errors.js'
import { invalidateModel, invalidateObj } from './engine/by-hand.js'
import { deferred } from './engine/deferred.js'
import { Engine, register } from './engine/engine.js'
import { type EventName, type Events, isEventName } from './engine/events.js'
import { explainText } from './engine/explain-text.js'
import type { Explanation } from './engine/explanation.js'
import { type CacheopsOptions, checkNames, checkOps, checkOptions, type Ops } from './engine/options.js'
import type { Scope } from './engine/scope.js'
import type { CachedAsOptions, Samples } from './functions/cached-as.js'
import type { CachedFunction, ComputedFunction } from './functions/cached-function.js'
import { type ComputedOptions, Functions } from './functions/functions.js'
import type { FunctionOptions } from './functions/options.js'
import type { SimpleCache } from './functions/simple.js'
import type { StoreStats } from './store/store.js'

/** A query: a function that runs it, or a query builder that runs when it is awaited. */
export type Lazy<T> = (() => T | PromiseLike<T>) | PromiseLike<T>

/** What one query asks for. */
export interface CacheOptions {
  /** How long its entries may live; by default what the configuration says for its table. */
  readonly ttl?: Duration
  /** Which operations inside are cached; by default all. */
  readonly ops?: Ops
  /** One caller computes, the others wait for it. */
  readonly lock?: boolean
}

/** Counts since the start, of this process, and sizes where the store tells. */
export interface CacheopsStats {
  readonly hits: number
  readonly misses: number
  /** Calls of functions that were answered from the cache, and whose results were put there. */
  readonly functions: { readonly hits: number; readonly misses: number }
  /** Reads that went past the cache, by reason. */
  readonly bypasses: Readonly<Record<string, number>>
  readonly invalidations: number
  readonly storeErrors: number
  /** Committed changes that the store has not taken yet: 0 where every write that has resolved counts for all processes. */
  readonly undelivered: number
  /** Hits that `verify` ran again. `skipped`: a write came in between, or there was no connection like that of the hit. */
  readonly verified: { readonly equal: number; readonly different: number; readonly skipped: number }
  readonly store: StoreStats | undefined
}

/** One database's rows, to be dropped by hand: by table name, with the pool or client they belong to where there are several. */
export interface ByHandOptions {
  /** The identity of the data, where more than one database is attached. */
  readonly database?: string
}

/**
 * A query cache. Wrap a driver with `cachedPg` or `cachedPGlite`, name the tables, and reads are cached and dropped by the
 * writes that can have changed them.
 *
 * @example
 * const cacheops = createCacheops({ store: memory(), models: { posts: { ops: 'all', ttl: '15m' } } })
 * const pool = new (cachedPg(cacheops, pg).Pool)({ connectionString })
 */
export class Cacheops {
  readonly #engine: Engine
  readonly #functions: Functions

  /** @throws ConfigError that names the option and what was expected */
  constructor(options: CacheopsOptions) {
    this.#engine = new Engine(checkOptions(options))
    this.#functions = new Functions(this.#engine)
    register(this, this.#engine)
  }

  /**
   * Resolves when the parser is loaded and every wrapped database's catalog is read. Before it reads pass by and writes wait.
   *
   * @throws ConfigError where the configuration names a table that does not exist; the driver's error where the database cannot be reached
   */
  ready(): Promise<void> {
    return this.#engine.ready()
  }

  /** Delivers what is queued. The store and the pools are the caller's to close. */
  close(): Promise<void> {
    return this.#engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Runs a query with its reads cached, whatever the configuration says but `false`.
   *
   * @example
   * await cacheops.cache(() => repo.findBy({ tag: 2 }), { ttl: '5m' })
   * await cacheops.cache(db.select().from(posts))
   */
  cache<T>(query: Lazy<T>, options: CacheOptions = {}): Promise<T> {
    if (typeof options !== 'object' || options === null)
      throw new ConfigError(`cache: expected options such as { ttl: '5m' }, got ${show(options)}.`)
    checkNames(options, ['ttl', 'ops', 'lock'], 'cache')
    const ttl = options.ttl === undefined ? undefined : parseDuration(options.ttl, 'cache: ttl')
    const ops = options.ops === undefined ? undefined : checkOps(options.ops, 'cache: ops')
    return this.#scoped('cache', { cache: { ttl, ops, lock: options.lock } }, query)
  }

  /** Runs a query with its reads past the cache. */
  nocache<T>(query: Lazy<T>): Promise<T> {
    return this.#scoped('nocache', { cache: 'off' }, query)
  }

  /** Runs `fn` with caching switched on or off; writes invalidate all the same. */
  withEnabled<T>(enabled: boolean, fn: () => T | PromiseLike<T>): Promise<T> {
    if (typeof enabled !== 'boolean')
      throw new ConfigError(`withEnabled: expected true or false first, got ${show(enabled)}.`)
    return this.#scoped('withEnabled', { enabled }, fn)
  }

  /** Runs `fn` with its writes dropping nothing: what they change stays in the cache until its ttl ends. */
  noInvalidation<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#scoped('noInvalidation', { noInvalidation: true }, fn)
  }

  /** Runs `fn` and delivers what its writes drop once at the end, also when it throws. */
  async deferInvalidation<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const collector = deferred()
    try {
      return await this.#scoped('deferInvalidation', { deferred: collector }, fn)
    } finally {
      for (const [database, changes] of collector.changes) {
        const outer = this.#engine.scopes.current.deferred
        await this.#engine.delivery.deliver(database, changes, { text: 'deferInvalidation()', reasons: [] }, outer)
      }
    }
  }

  /** Runs a bulk write with the images of all its rows taken, however many they are: it drops no more than they say. */
  invalidatedUpdate<T>(query: Lazy<T>): Promise<T> {
    return this.#scoped('invalidatedUpdate', { forceImages: true }, query)
  }

  /** Drops what depends on one row, given with the columns that are known: of unknown ones all values count. */
  invalidateObj(model: string, row: Readonly<Record<string, unknown>>, options: ByHandOptions = {}): Promise<void> {
    return invalidateObj(this.#engine, model, row, options.database)
  }

  /** Drops all that reads a table: its name, or a pattern such as `'auth.*'`. */
  invalidateModel(model: string, options: ByHandOptions = {}): Promise<void> {
    return invalidateModel(this.#engine, model, options.database)
  }

  /** Drops everything, in every database. */
  async invalidateAll(): Promise<void> {
    const cause = { text: 'invalidateAll()', reasons: [] }
    await this.#engine.delivery.deliver('', [{ kind: 'everything' }], cause, this.#engine.scopes.current.deferred)
  }

  /** Values by key, in the same store. */
  get simple(): SimpleCache {
    return this.#functions.simple
  }

  /**
   * A function whose results are kept for a time.
   *
   * @param name - by which every process knows it
   * @example
   * const top = cacheops.cached('top', async (category: string) => fetchTop(category), { ttl: '10m' })
   * await top.invalidate('news')
   */
  cached<Args extends unknown[], T>(
    name: string,
    fn: (...args: Args) => T | PromiseLike<T>,
    options?: FunctionOptions<Args>,
  ): CachedFunction<Args, T> {
    return this.#functions.cached(name, fn, options)
  }

  /**
   * A function whose results are kept until something of what its samples stand for changes.
   *
   * @param samples - tables, queries, rows; one, a list, or a function of the arguments that gives them
   * @example
   * const block = cacheops.cachedAs('block', (id: number) => ({ model: 'posts', where: { category_id: id } }), renderBlock)
   */
  cachedAs<Args extends unknown[], T>(
    name: string,
    samples: Samples<Args>,
    fn: (...args: Args) => T | PromiseLike<T>,
    options?: CachedAsOptions<Args>,
  ): CachedFunction<Args, T> {
    return this.#functions.cachedAs(name, samples, fn, options)
  }

  /**
   * A function whose results are kept until something of what its own queries read changes.
   *
   * @example
   * const page = cacheops.computed('page', async (slug: string) => renderPage(slug), { ttl: '1h' })
   */
  computed<Args extends unknown[], T>(
    name: string,
    fn: (...args: Args) => T | PromiseLike<T>,
    options?: ComputedOptions<Args>,
  ): ComputedFunction<Args, T> {
    return this.#functions.computed(name, fn, options)
  }

  /** Hears events; gives the function that stops it. */
  on<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): () => void {
    if (!isEventName(name)) {
      throw new ConfigError(
        `on: expected 'read', 'bypass', 'invalidated', 'failure' or 'difference', got ${show(name)}.`,
      )
    }
    if (typeof listener !== 'function') throw new ConfigError(`on: expected a function to call, got ${show(listener)}.`)
    return this.#engine.events.on(name, listener)
  }

  off<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#engine.events.off(name, listener)
  }

  /**
   * What the cache makes of a statement, or of the statements that a function runs: tables, conditions, policy, and if it is
   * not cached the reason.
   */
  explain(sql: string, params?: readonly unknown[], options?: ByHandOptions): Promise<readonly Explanation[]>
  explain(fn: () => unknown): Promise<readonly Explanation[]>
  async explain(
    query: string | (() => unknown),
    params: readonly unknown[] = [],
    options: ByHandOptions = {},
  ): Promise<readonly Explanation[]> {
    if (typeof query === 'string') return explainText(this.#engine, query, params, options.database)
    const collected: Explanation[] = []
    await this.#scoped('explain', { explain: collected }, query)
    return collected
  }

  async stats(): Promise<CacheopsStats> {
    const { stats, config, delivery } = this.#engine
    let store: StoreStats | undefined
    try {
      store = await config.store.stats()
    } catch (error) {
      this.#engine.failed('store', 'the store did not tell its sizes', error)
    }
    return {
      hits: stats.hits,
      misses: stats.misses,
      functions: { ...stats.functions },
      bypasses: Object.fromEntries(stats.bypasses),
      invalidations: stats.invalidations,
      storeErrors: stats.storeErrors,
      undelivered: delivery.undelivered,
      verified: { ...stats.verified },
      store,
    }
  }

  /** A scope awaits inside itself, so that a lazy query runs in it. */
  #scoped<T>(name: string, scope: Scope, query: Lazy<T>): Promise<T> {
    if (typeof query !== 'function') {
      const then: unknown = (query as { then?: unknown } | null)?.then
      if (query instanceof Promise) {
        throw new TypeError(
          `${name}: got a promise, whose query runs already. Pass a function: ${name}(() => query()).`,
        )
      }
      if (typeof then !== 'function') {
        throw new TypeError(
          `${name}: expected a function or a query builder that can be awaited, got ${show(query)}. Pass a function.`,
        )
      }
    }
    return this.#engine.scopes.run(scope, async () => (typeof query === 'function' ? await query() : await query))
  }
}

/** @throws ConfigError that names the option and what was expected */
export function createCacheops(options: CacheopsOptions): Cacheops {
  return new Cacheops(options)
}
