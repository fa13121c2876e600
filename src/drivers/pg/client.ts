import type { Client as PgClient } from 'pg'
import type { Connection, Looked, Scope } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import { ConnectionState, type Source } from '../../engine/source.js'
import { answer, carried, engineCall, type PgCall, promiseOf, type Refused, readCall } from './call.js'
import { Fifo } from './fifo.js'
import type { PgModule, PgResult } from './module.js'
import { type Innards, PgConnection } from './port.js'
import { rawQueryClass } from './raw-query.js'
import { Submission, type Submittable, textOf } from './submittable.js'

type Located = { readonly [SOURCE_OF]?: SourceOf }
export type ClientClass = new (config?: unknown) => PgClient
type Results = PgResult | PgResult[]

/** How a client class finds the pool or database that its connections belong to. */
export type SourceOf = (client: PgClient) => Source

const CACHED = Symbol('cacheops.cached')
/** On a class: where its connections belong, other than its base's. */
const SOURCE_OF = Symbol('cacheops.source')

/** Whether a client class is one of ours already. */
export function isCachedClient(candidate: unknown): boolean {
  return typeof candidate === 'function' && CACHED in candidate
}

/** A class like `Base`, which is one of ours, whose connections belong elsewhere. */
export function relocatedClient(Base: ClientClass, sourceOf: SourceOf): ClientClass {
  return class Client extends Base {
    static readonly [SOURCE_OF] = sourceOf
  }
}

/** A client class whose queries go through the cache. Everything else of the base stays as it is. */
export function cachedClient(engine: Engine, pg: PgModule, Base: ClientClass, sourceOf: SourceOf): ClientClass {
  const Raw = rawQueryClass(pg)

  class CachedClient extends Base {
    static readonly [CACHED] = true
    readonly #connection: PgConnection
    /** What names mean, for calls that only name a statement (B6). */
    readonly #names = new Map<string, string>()
    /** Texts that pg would have prepared, also where the cache answered. */
    readonly #prepared = new Map<string, string>()
    readonly #fifo = new Fifo(() => this.#emptied())
    #state: ConnectionState | undefined
    #handedOut = false
    /** The last that was asked wants its answer by a callback. */
    #callsBack = false

    constructor(config?: unknown) {
      super(config)
      this.#connection = new PgConnection(
        this.#innards,
        Raw,
        (query) => super.query(query as never),
        () => void (this.#state && engine.crashed(this.#state.source)),
      )
      this.once('end', () => {
        if (!this.#state) return
        const { source } = this.#state
        if (this.#connection.broke) source.lost(this.#state)
        else source.forget(this.#state)
      })
    }

    get #innards(): Innards {
      return this as unknown as Innards
    }

    /** The engine's picture of this connection. */
    get #known(): ConnectionState {
      this.#state ??= new ConnectionState(
        this.#connection,
        ((this.constructor as Located)[SOURCE_OF] ?? sourceOf)(this),
      )
      return this.#state
    }

    override query(first: unknown, second?: unknown, third?: unknown): never {
      // A base's constructor may ask before there is anything of ours: the session is looked at afterwards.
      if (!(#fifo in this)) return super.query(first as string, second as never, third as never) as never
      return this.#query(first, second, third) as never
    }

    #query(first: unknown, second: unknown, third: unknown): unknown {
      if (first === null || first === undefined) return super.query(first as never)
      const pooled = carried(first)
      const scope = pooled?.scope ?? engine.scopes.current
      if (typeof (first as Submittable).submit === 'function') {
        return this.#submit(first as Submittable, second, third, scope)
      }
      const call = pooled
        ? pooled.call
        : readCall(pg, first, second, third, (name) => this.#names.get(name) ?? this.#connection.prepared(name))
      // A callback that is none: pg says so at once.
      if (call.kind === 'refused' && !call.ordered) return super.query(...(call.args as [string]))
      // pg-pool's own, where the call came through a pool.
      const callback = pooled ? (third as PgCall['callback']) : call.callback
      this.#callsBack = callback !== undefined
      if (call.kind !== 'call') return answer(this.#promised(this.#refused(call, scope)), callback, null)
      const { name } = call.config
      if (name !== undefined && !this.#names.has(name)) this.#names.set(name, call.text)
      const result = this.#run(call, scope, pooled?.looked)
      // pg-pool traces its errors itself.
      return answer(pooled && callback ? result : this.#promised(result), callback, null)
    }

    #run(call: PgCall, scope: Scope, looked: Looked | undefined): Promise<Results> {
      const { config } = call
      const pass = (): Promise<Results> =>
        this.#connection.settled(super.query(config as never) as unknown as Promise<Results>)
      const own = engineCall(
        pg,
        call,
        this.#innards._types,
        this.#innards.binary ? 'its client asks for binary results' : undefined,
        pass,
      )
      own.looked = looked
      const { name } = config
      return this.#inTurn(() => {
        this.#connection.timeout = config.query_timeout
        // pg's own word on a client that is closed.
        if (this.#gone) return pass()
        return name === undefined
          ? engine.runner.run(this.#known, own, scope)
          : this.#named(name, call.text, () => engine.runner.run(this.#known, own, scope))
      })
    }

    /** pg refuses a name that was used for another text; it cannot know of those that the cache answered. */
    #named(name: string, text: string, run: () => Results | Promise<Results>): Results | Promise<Results> {
      const before = this.#prepared.get(name)
      if (before !== undefined && before !== text) {
        throw new Error(`Prepared statements must be unique - '${name}' was used for a different statement`)
      }
      const result = run()
      const known = (): void => {
        this.#prepared.set(name, text)
        this.#names.set(name, text)
      }
      if (!(result instanceof Promise)) {
        known()
        return result
      }
      return result.then(
        (value) => {
          known()
          return value
        },
        (error: unknown) => {
          if (this.#connection.prepared(name) === text) known()
          throw error
        },
      )
    }

    /** What pg refuses, pg says, in its turn. What nobody can tell may have written anything. */
    #refused(call: Refused, scope: Scope): Promise<unknown> {
      const { args, kind } = call
      const pass = () =>
        new Promise((resolve, reject) => {
          const [first, second] = args
          const values = typeof second === 'function' ? undefined : second
          super.query(
            first as string,
            values as unknown[],
            ((error: unknown, result: unknown) => (error ? reject(error) : resolve(result))) as never,
          )
        })
      return this.#inTurn(async () => {
        if (kind === 'refused' || this.#gone) return pass()
        const stream = await engine.runner.stream(this.#known, undefined, scope)
        try {
          const result = await this.#connection.settled(pass())
          await stream.end()
          return result
        } catch (error) {
          await stream.end(error)
          throw error
        }
      })
    }

    get #gone(): boolean {
      const { _ending, _queryable } = this.#innards
      return _ending || !_queryable
    }

    /** After what was asked before. What waited here when the connection was lost fails as what waits in pg's own queue. */
    #inTurn<T>(run: () => T | Promise<T>): Promise<T> {
      const { loss } = this.#connection
      const closed = this.#gone
      const begin = () => {
        if (this.#connection.loss && !loss && !closed) throw this.#connection.loss
        return run()
      }
      return this.#fifo.add(() => (this.#connection.closing ? this.#connection.ready().then(begin) : begin()))
    }

    /** As pg does: the caller's own kind of promise, and errors whose stack leads back to the caller. */
    #promised<T>(result: Promise<T>): Promise<T> {
      const traced = result.catch((error: unknown) => {
        if (error instanceof Error) Error.captureStackTrace(error)
        throw error
      })
      return promiseOf(this.#innards._Promise, traced)
    }

    /** A cursor, a stream, a COPY or a query object: it runs by itself, in its turn, and its end is watched (B5). */
    #submit(query: Submittable, second: unknown, third: unknown, scope: Scope): unknown {
      const text = textOf(query)
      const { name } = query
      if (typeof name === 'string' && text !== undefined) this.#names.set(name, text)
      const submission = new Submission(query)
      const submit = () => super.query(query as never, second as never, third as never)
      this.#callsBack = true
      void this.#fifo.add(() => {
        if (this.#gone) return submission.refuse(submit)
        const run = (stream: Awaited<ReturnType<typeof engine.runner.stream>>) =>
          submission.run(stream, () => this.#connection.ready(), submit)
        const stream = engine.runner.stream(this.#known, text, scope)
        return stream instanceof Promise ? stream.then(run) : run(stream)
      })
      return query
    }

    /** pg's own word that nothing is left comes after each statement: what waits here is not in its queue. */
    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'drain' && #fifo in this && this.#fifo.busy) return false
      return super.emit(event as 'drain', ...(args as []))
    }

    #emptied(): void {
      const drained = () => {
        if (!this.#fifo.busy) super.emit('drain')
      }
      // A callback is told before, and may ask for more.
      process.nextTick(this.#callsBack ? () => process.nextTick(drained) : drained)
    }

    /** For the pool: what is asked from here on comes from whoever took it, behind what the hooks of the pool asked. */
    cacheopsHandedOut(): void {
      if (this.#handedOut) return
      this.#handedOut = true
      if (this.#fifo.busy) void this.#fifo.add(() => this.#known.handedOut())
      else this.#known.handedOut()
    }

    /** For the pool: the port over which the engine asks on its own account. */
    get cacheopsConnection(): Connection {
      return this.#connection
    }
  }
  return CachedClient
}

export interface WithConnection {
  readonly cacheopsConnection: Connection
  cacheopsHandedOut(): void
}
