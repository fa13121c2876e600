import type { Client as PgClient } from 'pg'
import type { Connection, ConnectionStatus, Entry, Scope, WireParam } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import { ConnectionState, type Source } from '../../engine/source.js'
import { answer, engineCall, type PgCall, readCall } from './call.js'
import type { PgModule, PgResult } from './module.js'
import { RAW_TYPES, toEntry } from './result.js'
import { endOf, type Submittable, textOf } from './submittable.js'

type Located = { readonly [SOURCE_OF]?: SourceOf }
type ClientClass = new (config?: unknown) => PgClient

/** How a client class finds the pool or database that its connections belong to. */
export type SourceOf = (client: PgClient) => Source

/** Members of pg's client that are used beyond its types. */
interface Innards {
  binary: boolean
  readonly _types: unknown
  readonly _Promise?: PromiseConstructor
  readonly processID: number | null
  readonly connection: {
    on(event: 'readyForQuery', listener: (message: { status: string }) => void): void
  }
}

const CACHED = Symbol('cacheops.cached')
/** On a class: where its connections belong, other than its base's. */
const SOURCE_OF = Symbol('cacheops.source')

/** Whether a client class is one of ours already. */
export function isCachedClient(candidate: unknown): boolean {
  return typeof candidate === 'function' && CACHED in candidate
}

/** A class like `Base`, which is one of ours, whose connections belong elsewhere. */
export function relocatedClient(Base: ClientClass, sourceOf: SourceOf): ClientClass {
  return class extends Base {
    static readonly [SOURCE_OF] = sourceOf
  }
}

/** A client class whose queries go through the cache. Everything else of the base stays as it is. */
export function cachedClient(engine: Engine, pg: PgModule, Base: ClientClass, sourceOf: SourceOf): ClientClass {
  class CachedClient extends Base {
    static readonly [CACHED] = true
    readonly #connection: PgConnection
    readonly #names = new Map<string, string>()
    readonly #fifo = new Fifo()
    #state: ConnectionState | undefined

    constructor(config?: unknown) {
      super(config)
      const innards = this as unknown as Innards
      this.#connection = new PgConnection(
        innards,
        (given, values) => super.query(given as string, values as unknown[]) as unknown as Promise<PgResult>,
      )
      this.once('end', () => {
        this.#connection.lost = true
        if (this.#state) this.#state.source.forget(this.#state)
      })
    }

    /** The engine's picture of this connection. */
    get #known(): ConnectionState {
      this.#state ??= new ConnectionState(this.#connection, ((this.constructor as Located)[SOURCE_OF] ?? sourceOf)(this))
      return this.#state
    }

    override query(first: unknown, second?: unknown, third?: unknown): never {
      return this.#query(first, second, third) as never
    }

    #query(first: unknown, second: unknown, third: unknown): unknown {
      const raw = () => super.query(first as string, second as unknown[], third as never) as unknown
      if (first === null || first === undefined) return raw()
      const scope = engine.scopes.current
      if (typeof (first as Submittable).submit === 'function') {
        return this.#submit(first as Submittable, second, third, scope)
      }
      const call = readCall(pg, first, second, third, (name) => this.#names.get(name))
      // What pg refuses, pg says; it reaches the server in no case.
      if (!call) return raw()
      const { name } = call.config
      if (typeof name === 'string' && name !== '') this.#names.set(name, call.text)
      return answer(this.#promised(this.#run(call, call.scope ?? scope)), call.callback)
    }

    #run(call: PgCall, scope: Scope): Promise<PgResult | PgResult[]> {
      const innards = this as unknown as Innards
      const own = engineCall(
        pg,
        call,
        innards._types,
        innards.binary ? 'its client asks for binary results' : undefined,
        () => super.query(call.config as never) as unknown as Promise<PgResult | PgResult[]>,
      )
      return this.#fifo.add(() => {
        this.#connection.timeout = call.config.query_timeout
        return engine.runner.run(this.#known, own, scope)
      })
    }

    /** As pg does: the caller's own kind of promise, and errors whose stack leads back to the caller. */
    #promised<T>(result: Promise<T>): Promise<T> {
      const own = (this as unknown as Innards)._Promise
      const traced = result.catch((error: unknown) => {
        if (error instanceof Error) Error.captureStackTrace(error)
        throw error
      })
      return own === undefined || own === Promise ? traced : (new own((resolve, reject) => traced.then(resolve, reject)) as Promise<T>)
    }

    /** A cursor, a stream, a COPY or a query object: it runs by itself, in its turn, and its end is watched (B5). */
    #submit(query: Submittable, second: unknown, third: unknown, scope: Scope): unknown {
      const submit = () => super.query(query as never, second as never, third as never)
      void this.#fifo.add(() => {
        const state = this.#known
        const stream = engine.runner.stream(state, textOf(query), scope)
        if (!(stream instanceof Promise)) return endOf(query, stream, submit)
        return stream.then((late) => endOf(query, late, submit))
      })
      return query
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
}

/** One after another: a statement's handling begins when the one before it is over. */
class Fifo {
  #tail: Promise<unknown> | undefined

  /** Runs at once, in the same tick, where nothing is before it. */
  add<T>(run: () => T | Promise<T>): Promise<T> {
    const before = this.#tail
    let result: Promise<T>
    if (before) result = before.then(run)
    else {
      try {
        const now = run()
        if (!(now instanceof Promise)) return Promise.resolve(now)
        result = now
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const tail: Promise<unknown> = result.then(
      () => this.#over(tail),
      () => this.#over(tail),
    )
    this.#tail = tail
    return result
  }

  #over(tail: Promise<unknown>): void {
    if (this.#tail === tail) this.#tail = undefined
  }
}

type Query = (config: unknown, values?: unknown) => Promise<PgResult>

class PgConnection implements Connection {
  readonly #client: Innards
  readonly #query: Query
  /** The caller's query_timeout, for what is run in its name. */
  timeout: number | undefined
  lost = false
  #status: ConnectionStatus = 'idle'

  constructor(client: Innards, query: Query) {
    this.#client = client
    this.#query = query
    // Heard before pg tells its query, so that the status is there when the caller is told.
    client.connection.on('readyForQuery', ({ status }) => {
      this.#status = status === 'I' ? 'idle' : status === 'T' ? 'transaction' : status === 'E' ? 'failed' : 'unknown'
    })
  }

  get pid(): number | undefined {
    return this.#client.processID ?? undefined
  }

  status(): ConnectionStatus {
    return this.lost ? 'unknown' : this.#status
  }

  async run(text: string, params: readonly WireParam[], name?: string): Promise<Entry> {
    const client = this.#client
    const { binary } = client
    // A client that wants binary results does not want them for what we ask.
    client.binary = false
    try {
      const result = this.#query({
        text,
        ...(params.length > 0 ? { values: params } : {}),
        ...(name === undefined ? {} : { name }),
        ...(this.timeout === undefined ? {} : { query_timeout: this.timeout }),
        rowMode: 'array',
        types: RAW_TYPES,
      })
      client.binary = binary
      return toEntry(await result)
    } finally {
      client.binary = binary
    }
  }
}
