import { AsyncResource } from 'node:async_hooks'
import type { Pool as PgPool, PoolClient } from 'pg'
import type { Connection } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import type { Source } from '../../engine/source.js'
import { answer, engineCall, readCall, SCOPE } from './call.js'
import { cachedClient, isCachedClient, relocatedClient, type WithConnection } from './client.js'
import type { DriverOptions } from './options.js'
import { labelOf } from './label.js'
import type { PgModule } from './module.js'
import { standInClass } from './stand-in.js'

type PoolClass = new (options?: object) => PgPool
type ConnectCallback = (error: unknown, client?: unknown, release?: unknown) => void

interface Innards {
  Client: new (config?: unknown) => never
  readonly options: { readonly types?: unknown; readonly binary?: boolean }
  readonly ending: boolean
  readonly Promise: PromiseConstructor
}

/** A pool whose queries are answered from the cache without a connection where they can be. */
export function cachedPool(engine: Engine, pg: PgModule, Base: PoolClass, driver: DriverOptions): PoolClass {
  const StandIn = standInClass(pg)
  return class CachedPool extends Base {
    readonly #source: Source
    #types: unknown
    /** `super.query` and our own work take real clients. */
    #direct = false

    constructor(options?: object) {
      super(options)
      const innards = this as unknown as Innards
      this.#source = engine.attach({
        database: driver.database,
        replica: driver.replica ?? false,
        label: labelOf('pg pool', innards.options),
        withConnection: (use) => this.#withConnection(use),
      })
      // Each pool has a client class of its own, so that its connections know where they belong.
      const sourceOf = () => this.#source
      innards.Client = (
        isCachedClient(innards.Client)
          ? relocatedClient(innards.Client as never, sourceOf)
          : cachedClient(engine, pg, innards.Client as never, sourceOf)
      ) as never
    }

    override query(first: unknown, second?: unknown, third?: unknown): never {
      return this.#query(first, second, third) as never
    }

    #query(first: unknown, second: unknown, third: unknown): unknown {
      const innards = this as unknown as Innards
      const direct = (...args: unknown[]) => this.#directly(() => super.query(...(args as [string])) as unknown)
      if (innards.ending || innards.options.binary || typeof first === 'function') return direct(first, second, third)
      const call = readCall(pg, first, second, third, () => undefined)
      if (!call) return direct(first, second, third)
      const scope = engine.scopes.current
      const miss = () => direct({ ...call.config, callback: undefined, [SCOPE]: scope }, undefined, call.callback)
      if (call.uncacheable !== undefined) return miss()
      const own = engineCall(pg, call, this.#ownTypes(), undefined, unreachable)
      let peeked: ReturnType<typeof engine.runner.peek>
      try {
        peeked = engine.runner.peek(this.#source, own, scope)
      } catch (error) {
        return answer(Promise.reject(error), call.callback)
      }
      if (peeked === undefined) return miss()
      if (!(peeked instanceof Promise)) return answer(this.#resolved(peeked.result), call.callback)
      const late = peeked.then((found) =>
        found ? found.result : (direct({ ...call.config, callback: undefined, [SCOPE]: scope }) as Promise<unknown>),
      )
      return answer(late, call.callback)
    }

    #resolved(value: unknown): Promise<unknown> {
      return (this as unknown as Innards).Promise.resolve(value)
    }

    /** What a fresh client's parsers would be. */
    #ownTypes(): unknown {
      this.#types ??= new pg.TypeOverrides((this as unknown as Innards).options.types)
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

    override connect(callback?: unknown): never {
      return this.#connect(callback as ConnectCallback | undefined) as never
    }

    #connect(callback: ConnectCallback | undefined): unknown {
      const innards = this as unknown as Innards
      // S9: a pool may call back in the flow of whoever released.
      const bound = callback && !this.#direct ? AsyncResource.bind(callback) : callback
      if (this.#direct || innards.ending || innards.options.binary || !this.#source.baseline) {
        return super.connect(bound as never) as unknown
      }
      const standIn = new StandIn(engine, this.#source, this.#ownTypes(), {
        take: () => this.#directly(() => super.connect()) as Promise<PoolClient>,
        query: (...args) => this.query(...(args as [unknown])),
      })
      if (!bound) return this.#resolved(standIn)
      process.nextTick(bound, undefined, standIn, standIn.release)
      return undefined
    }

    override end(callback?: unknown): never {
      engine.detach(this.#source)
      return super.end(callback as never) as never
    }

    async #withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
      const client = (await this.#directly(() => super.connect())) as PoolClient & WithConnection
      try {
        const result = await use(client.cacheopsConnection)
        client.release()
        return result
      } catch (error) {
        client.release()
        throw error
      }
    }
  } as unknown as PoolClass
}

function unreachable(): never {
  throw new Error('cacheops: a read was answered from the cache by running it')
}
