import { createHash } from 'node:crypto'
import type { Context } from '../engine/database.js'
import type { Engine } from '../engine/engine.js'
import {
  dependenciesOf,
  nameOf,
  type Sample,
  type SampleDependencies,
  sampleContext,
  together,
} from '../engine/samples.js'
import type { FunctionOptions } from './options.js'
import type { Prepared } from './runs.js'
import { isSample, resolveSamples } from './samples/resolve.js'

/** A table's name, SQL, `{ sql, params }`, `{ model, where }`, a query builder, or a model of an ORM. */
export type OneSample = string | object

/** Samples, or a function of the arguments that gives them. */
export type Samples<Args extends readonly unknown[]> =
  | OneSample
  | readonly OneSample[]
  | ((...args: Args) => OneSample | readonly OneSample[])

/** What `cachedAs` can be told. */
export interface CachedAsOptions<Args extends readonly unknown[]> extends FunctionOptions<Args> {
  /** The identity of the data that the samples are of, where more than one database is attached. */
  readonly database?: string
}

/** What the samples of one call depend on. */
interface Sampled extends SampleDependencies {
  readonly context: Context
  /** The same for the same dependencies. */
  readonly name: string
}

/** Finds out what a function depends on from its samples. */
export class SampledFunction<Args extends readonly unknown[]> {
  readonly #engine: Engine
  readonly #where: string
  readonly #samples: Samples<Args>
  readonly #database: string | undefined
  /** What samples that do not depend on the arguments came to, with the planner that read them. */
  readonly #known = new WeakMap<object, Sampled>()

  constructor(engine: Engine, where: string, samples: Samples<Args>, database: string | undefined) {
    this.#engine = engine
    this.#where = where
    this.#samples = samples
    this.#database = database
    // What is no sample is said when the function is made, not when it is called first.
    if (!this.#dependsOnArguments) this.#resolve(samples)
  }

  /** @throws TypeError and ConfigError for samples that cannot be. A text: why they cannot be followed. */
  dependencies(args: Args): Sampled | string {
    const context = sampleContext(this.#engine.sources, this.#database, this.#where)
    if (!context || !this.#engine.parserReady) return 'the catalog is not loaded yet'
    if (this.#dependsOnArguments) return this.#sampled(context, (this.#samples as (...args: Args) => unknown)(...args))
    const known = this.#known.get(context.planner)
    if (known) return known
    const sampled = this.#sampled(context, this.#samples)
    if (typeof sampled !== 'string') this.#known.set(context.planner, sampled)
    return sampled
  }

  /** S4: before the function runs. A text: why its result is not kept. */
  async lease({ context, tables, dependencies, ttl }: Sampled, key: string): Promise<Prepared | string> {
    const { config, scopes, delivery } = this.#engine
    const { database, catalogStamp, keyBase } = context
    if (scopes.current.deferred?.changes.has(database.id)) return 'writes of deferInvalidation() are not delivered yet'
    const past = delivery.readPast(database.id, tables) ?? this.#engine.uncommitted(database.id, tables)
    if (past !== undefined) return past
    // A3: what a replica says may lag behind the stamps.
    if (!context.storable) return 'its connections may lag behind'
    const request = {
      key: `${key} lease`,
      database: database.id,
      catalogStamp,
      tables,
      dependencies: () => dependencies,
    }
    try {
      const reply = await config.store.read(request)
      switch (reply.kind) {
        case 'stale-catalog':
          database.forget()
          return 'definitions have changed'
        case 'blocked':
          return reply.reason
        default:
          return { lease: reply.lease, answered: { tables: { [database.id]: tables }, bases: [keyBase], ttl } }
      }
    } catch (error) {
      this.#engine.failed('store', 'the store did not give a lease for a function', error)
      if (!config.degradeOnFailure) throw error
      return 'the store did not answer'
    }
  }

  get #dependsOnArguments(): boolean {
    return typeof this.#samples === 'function' && !isSample(this.#samples, this.#engine.sampleResolvers)
  }

  #resolve(samples: unknown): readonly Sample[] {
    const resolved = resolveSamples(samples, this.#engine.sampleResolvers, `${this.#where}: samples`)
    if (resolved.length > 0) return resolved
    throw new TypeError(
      `${this.#where}: samples: expected at least one, got an empty list. Without any it is \`cached\`.`,
    )
  }

  #sampled(context: Context, samples: unknown): Sampled | string {
    const each = this.#resolve(samples).map((one) =>
      dependenciesOf(this.#engine, context, one, `${this.#where}: samples`),
    )
    const why = each.find((one) => typeof one === 'string')
    if (why !== undefined) return `a sample cannot be followed: ${why}`
    const all = together(each as readonly SampleDependencies[])
    const name = createHash('sha256').update(all.dependencies.map(nameOf).sort().join(' ')).digest('base64url')
    return { ...all, context, name }
  }
}
