import type { Pool as PgPool, PoolClient } from 'pg'
import type { Connection, Looked, Scope } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import type { Source } from '../../engine/source.js'
import { answer, bound, type Callback, carry, engineCall, type PgCall, promiseOf, readCall } from './call.js'
import { type ClientClass, cachedClient, isCachedClient, relocatedClient, type WithConnection } from './client.js'
import { labelOf } from './label.js'
import type { PgModule } from './module.js'
import type { DriverOptions } from './options.js'
import { type StandInClient, standInClass } from './stand-in.js'
import type { Submittable } from './submittable.js'

type PoolClass = new (options?: object) => PgPool
type ConnectCallback = (error: unknown, client?: unknown, release?: unknown) => void

interface Innards {
  Client: ClientClass
  readonly options: { readonly types?: unknown; readonly binary?: boolean }
  readonly ending: boolean
  readonly Promise: PromiseConstructor
}

/**
 * A pool whose queries are answered from the cache without a connection where they can be.
 *
 * @param Client - the wrapped class, which stands for pg's own
 */
export function cachedPool(
  engine: Engine,
  pg: PgModule,
  Base: PoolClass,
  Client: ClientClass,
  driver: DriverOptions,
): PoolClass {
  const StandIn = standInClass(pg, Client)
  return class CachedPool extends Base {
    readonly #source: Source
    /** Its clients are ours alone: nobody's own class would notice that it was not asked. */
    readonly #ours: boolean
    #types: unknown
    #sample: object | undefined
    /** `super.query` and our own work take real clients. */
    #direct = false
    /** Stand-ins that were not released. */
    readonly #held = new Set<StandInClient>()
    #freed: (() => void) | undefined
    #closing = false

    constructor(options?: object) {
      super(options)
      const innards = this.#innards
      this.#source = engine.attach({
        database: driver.database,
        replica: driver.replica ?? false,
        label: labelOf('pg pool', innards.options),
        withConnection: (use) => this.#withConnection(use),
      })
      // Each pool has a client class of its own, so that its connections know where they belong.
      const sourceOf = () => this.#source
      const given = innards.Client
      this.#ours = given === (pg.Client as unknown) || given === Client
      if (this.#ours) innards.Client = relocatedClient(Client, sourceOf)
      else
        innards.Client = isCachedClient(given)
          ? relocatedClient(given, sourceOf)
          : cachedClient(engine, pg, given, sourceOf)
    }

    get #innards(): Innards {
      return this as unknown as Innards
    }

    override query(first: unknown, second?: unknown, third?: unknown): never {
      return this.#query(first, second, third) as never
    }

    #query(first: unknown, second: unknown, third: unknown): unknown {
      const innards = this.#innards
      const direct = () =>
        this.#directly(() => super.query(first as string, second as unknown[], third as never) as unknown)
      if (this.#closing) return this.#refuse([third, second].find(isFunction) as Callback | undefined)
      if (!this.#ours || innards.ending || innards.options.binary || typeof first === 'function') return direct()
      if (typeof (first as Submittable | null | undefined)?.submit === 'function') return direct()
      const call = readCall(pg, first, second, third, noName, true)
      if (call.kind !== 'call') return direct()
      const scope = engine.scopes.current
      if (call.uncacheable !== undefined) return this.#onClient(call, scope, undefined, call.callback)
      const own = engineCall(pg, call, this.#ownTypes(), undefined, unreachable)
      let peeked: ReturnType<typeof engine.runner.peek>
      try {
        peeked = engine.runner.peek(this.#source, own, scope)
      } catch (error) {
        return this.#answer(Promise.reject(error), call.callback)
      }
      if (peeked === undefined) return this.#onClient(call, scope, own.looked, call.callback)
      if (!(peeked instanceof Promise)) return this.#answer(Promise.resolve(peeked.result), call.callback)
      const late = peeked.then((found) =>
        found ? found.result : (this.#onClient(call, scope, own.looked, undefined) as Promise<unknown>),
      )
      return this.#answer(late, call.callback)
    }

    #onClient(call: PgCall, scope: Scope, looked: Looked | undefined, callback: Callback | undefined): unknown {
      return this.#directly(
        () => super.query(carry({ call, scope, looked }) as never, undefined as never, callback as never) as unknown,
      )
    }

    #answer(result: Promise<unknown>, callback: Callback | undefined): unknown {
      return answer(callback ? result : promiseOf(this.#innards.Promise, result), callback, undefined)
    }

    /** What a fresh client's parsers would be. */
    #ownTypes(): unknown {
      this.#types ??= new pg.TypeOverrides(this.#innards.options.types)
      return this.#types
    }

    #directly<T>(run: () => T): T {
      const before = this.#direct
      this.#direct = true
      try {
        return run()
      } finally {
        this.#direct = before
      }
    }

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'acquire' && this.#ours) (args[0] as WithConnection).cacheopsHandedOut()
      return super.emit(event as 'error', ...(args as [Error, PoolClient]))
    }

    override connect(callback?: unknown): never {
      return this.#connect(callback as ConnectCallback | undefined) as never
    }

    #connect(callback: ConnectCallback | undefined): unknown {
      const innards = this.#innards
      // S9: a pool may call back in the flow of whoever released.
      const inFlow = callback && bound(callback)
      if (this.#closing && !this.#direct) return this.#refuse(callback as Callback | undefined)
      if (this.#direct || !this.#ours || innards.ending || innards.options.binary || !this.#source.baseline) {
        return super.connect(inFlow as never) as unknown
      }
      const standIn = new StandIn(engine, this.#source, this.#ownTypes(), {
        take: () => this.#directly(() => super.connect()) as Promise<PoolClient>,
        query: (...args) => this.query(...(args as [unknown])),
        sample: () => this.#aClient(),
        released: (client) => this.#released(client),
        Promise: innards.Promise,
      })
      this.#held.add(standIn)
      if (!inFlow) return this.#answer(Promise.resolve(standIn), undefined)
      process.nextTick(inFlow, undefined, standIn, standIn.release)
      return undefined
    }

    /** A client that is never connected, for what clients say of where they would lead. */
    #aClient(): object {
      this.#sample ??= new Client(this.#innards.options)
      return this.#sample
    }

    #released(client: StandInClient): void {
      this.#held.delete(client)
      if (this.#held.size === 0) this.#freed?.()
    }

    override end(callback?: unknown): never {
      return this.#end(callback as Callback | undefined) as never
    }

    /** Who holds a client when the pool is ended goes on with it, as with pg, where the end waits for its release. */
    #end(callback: Callback | undefined): unknown {
      engine.detach(this.#source)
      if (this.#closing && !this.#innards.ending) {
        const error = new Error('Called end on pool more than once')
        return callback ? callback(error) : this.#innards.Promise.reject(error)
      }
      if (this.#held.size === 0) return super.end(callback as never) as unknown
      this.#closing = true
      const freed = new Promise<void>((resolve) => {
        this.#freed = resolve
      })
      const over = freed.then(() => super.end())
      if (!callback) return promiseOf(this.#innards.Promise, over)
      over.then(
        () => process.nextTick(callback),
        (error) => process.nextTick(callback, error),
      )
      return undefined
    }

    /** As pg's pool does once it was ended. */
    #refuse(callback: Callback | undefined): unknown {
      const error = new Error('Cannot use a pool after calling end on the pool')
      return callback ? callback(error) : this.#innards.Promise.reject(error)
    }

    async #withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
      const client = (await this.#directly(() => super.connect())) as PoolClient & WithConnection
      try {
        return await use(client.cacheopsConnection)
      } finally {
        client.release()
      }
    }
  } as unknown as PoolClass
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function noName(): undefined {
  return undefined
}

function unreachable(): never {
  throw new Error('cacheops: a read was answered from the cache by running it')
}
