import { show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Engine } from '../engine/engine.js'
import { checkBoolean } from '../engine/options.js'
import type { RecorderOptions } from '../engine/recorder.js'
import { type CachedAsOptions, SampledFunction, type Samples } from './cached-as.js'
import type { CachedFunction, ComputedFunction } from './cached-function.js'
import { baseKey, type CallKeys, keysOf, shown } from './keys.js'
import { type Checked, checkFunction, type FunctionOptions } from './options.js'
import { Place } from './place.js'
import { type Asked, Runs } from './runs.js'
import { Shelf } from './shelf.js'
import { type SimpleCache, StoreSimpleCache } from './simple.js'

/** What `computed` can be told. */
export interface ComputedOptions<Args extends readonly unknown[]> extends FunctionOptions<Args> {
  /**
   * `false`: no loader (DataLoader, Prisma's `findUnique`) collects this function's queries with those of other callers. Then what
   * others run meanwhile does not count. Default `true`.
   */
  readonly batches?: boolean
}

type Fn<Args extends unknown[], T> = (...args: Args) => T | PromiseLike<T>

/** How one kind of function makes a call of arguments. A text: why it is not kept. */
type Ask<Args> = (args: Args) => Asked | string

/** Makes functions whose results are kept. One per engine. */
export class Functions {
  readonly simple: SimpleCache
  readonly #engine: Engine
  readonly #shelf: Shelf
  readonly #runs: Runs
  readonly #place: Place
  readonly #names = new Set<string>()

  constructor(engine: Engine) {
    this.#engine = engine
    this.#shelf = new Shelf(engine)
    this.#runs = new Runs(engine, this.#shelf)
    this.#place = new Place(engine, this.#shelf, this.#runs)
    this.simple = new StoreSimpleCache(engine, this.#shelf, this.#place)
  }

  cached<Args extends unknown[], T>(
    name: string,
    fn: Fn<Args, T>,
    options: FunctionOptions<Args> = {},
  ): CachedFunction<Args, T> {
    const checked = checkFunction('cached', name, fn, options)
    const ttl = checked.ttl ?? this.#engine.config.defaultTtl
    if (ttl === undefined) {
      throw new ConfigError(`cached('${name}'): expected a ttl, here or in defaults, such as { ttl: '10m' }.`)
    }
    const keys = (args: Args) => this.#keys('cached', name, args, checked, [])
    const ask: Ask<Args> = (args) => this.#asked(name, args, { ...checked, ttl }, keys(args), undefined)
    return this.#callable('cached', name, fn, ask)
  }

  cachedAs<Args extends unknown[], T>(
    name: string,
    samples: Samples<Args>,
    fn: Fn<Args, T>,
    options: CachedAsOptions<Args> = {},
  ): CachedFunction<Args, T> {
    const checked = checkFunction('cachedAs', name, fn, options, ['database'])
    const { database } = options
    if (database !== undefined && typeof database !== 'string') {
      throw new ConfigError(
        `cachedAs('${name}'): database: expected the identity of a database, got ${show(database)}.`,
      )
    }
    const sampled = new SampledFunction(this.#engine, `cachedAs('${name}')`, samples, database)
    const ask: Ask<Args> = (args) => {
      const found = sampled.dependencies(args)
      if (typeof found === 'string') return found
      const { context, tables } = found
      const variant = [`session ${context.keyBase}`, `samples ${found.name}`]
      const keys = this.#keys('cachedAs', name, args, checked, variant, tables, [context.database.id])
      const asked = this.#asked(name, args, checked, keys, { strict: false, batches: false })
      if (typeof asked === 'string') return asked
      return { ...asked, prepare: () => sampled.lease(found, asked.key) }
    }
    return this.#callable('cachedAs', name, fn, ask)
  }

  computed<Args extends unknown[], T>(
    name: string,
    fn: Fn<Args, T>,
    options: ComputedOptions<Args> = {},
  ): ComputedFunction<Args, T> {
    const checked = checkFunction('computed', name, fn, options, ['batches'])
    checkBoolean(options.batches, `computed('${name}'): batches`)
    const recorder = { strict: true, batches: options.batches ?? true }
    const ask: Ask<Args> = (args) => {
      const { bases } = this.#engine
      // Where nothing is known of any connection a result would not be found again, once it is.
      if (bases.length === 0) return 'the connections are not known yet'
      // S8: where there are several kinds of sessions, which of them it used is kept with the result.
      const keys = this.#keys('computed', name, args, checked, bases.length === 1 ? [`session ${bases[0]}`] : [])
      return this.#asked(name, args, checked, keys, recorder)
    }
    return this.#callable('computed', name, fn, ask)
  }

  #keys<Args extends unknown[]>(
    kind: string,
    name: string,
    args: Args,
    { extra }: Checked<Args>,
    more: readonly string[],
    tables: readonly string[] = [],
    databases: readonly string[] = [...this.#engine.databases].map(({ id }) => id),
  ): CallKeys | string {
    return keysOf(this.#engine, this.#shelf, { kind, name, args, extra: extra(args), tables, databases, more })
  }

  #asked<Args extends unknown[]>(
    name: string,
    args: Args,
    { ttl, lock }: Pick<Checked<Args>, 'ttl' | 'lock'>,
    keys: CallKeys | string,
    recorder: RecorderOptions | undefined,
  ): Asked | string {
    return typeof keys === 'string' ? keys : { name, what: shown(name, args), ...keys, ttl, lock, recorder }
  }

  #callable<Args extends unknown[], T>(
    kind: string,
    name: string,
    fn: Fn<Args, T>,
    ask: Ask<Args>,
  ): CachedFunction<Args, T> {
    this.#register(kind, name)
    const call = async (...args: Args): Promise<T> => {
      const run = async () => fn(...args)
      const off = this.#runs.whyOff(this.#engine.scopes.current)
      const asked = off ?? ask(args)
      return typeof asked === 'string' ? this.#runs.past(shown(name, args), asked, run) : this.#runs.call(asked, run)
    }
    const place = this.#place
    return Object.assign(call, {
      invalidate: async (...args: Args) => place.drop(this.#base(kind, name, args)),
      key: (...args: Args) => ({
        get: async () => (await place.get(ask(args))) as T | undefined,
        set: async (value: T, options?: Parameters<Place['set']>[2]) => place.set(ask(args), value, options),
        delete: async () => {
          const asked = ask(args)
          // Where its variant is not known, all of them.
          await place.drop(typeof asked === 'string' ? this.#base(kind, name, args) : asked.key)
        },
      }),
    })
  }

  #base(kind: string, name: string, args: readonly unknown[]): string {
    return baseKey(this.#shelf, kind, name, args)
  }

  #register(kind: string, name: string): void {
    // Under a name there is one function, for all processes. A development server makes each anew when its file changes.
    if (this.#names.has(name) && process.env.NODE_ENV !== 'development') {
      throw new ConfigError(
        `${kind}('${name}'): there is a function of this name already, and each would be answered with the other's results. Expected a name of its own.`,
      )
    }
    this.#names.add(name)
  }
}
