import { EventEmitter } from 'node:events'
import type { PoolClient } from 'pg'
import type { Engine } from '../../engine/engine.js'
import type { Source } from '../../engine/source.js'
import { answer, type Callback, engineCall, promiseOf, readCall } from './call.js'
import type { ClientClass } from './client.js'
import type { PgModule, PgTypes } from './module.js'
import { HeldSubmission, type Submittable } from './submittable.js'

/** What a stand-in needs of its pool. */
export interface PoolPort {
  /** Takes a real client. */
  take(): Promise<PoolClient>
  /** For what is asked after the release. */
  query(...args: unknown[]): unknown
  /** A client that leads where the real one would. */
  sample(): object
  released(client: StandInClient): void
  readonly Promise: PromiseConstructor
}

export interface StandInClient {
  readonly release: (error?: Error | boolean) => void
}

export type StandInClass = new (engine: Engine, source: Source, types: unknown, pool: PoolPort) => StandInClient

/** Events of a client that reach those who listen on the stand-in. */
const EVENTS = ['notification', 'notice', 'error', 'end', 'drain'] as const

/** What a client says of itself without being connected. */
const PROPERTIES = ['user', 'password', 'database', 'host', 'port', 'ssl', 'connectionParameters', 'binary'] as const

/** The class of stand-ins for one copy of `pg`: instances of its Client, as what a pool gives is. */
export function standInClass(pg: PgModule, Client: ClientClass): StandInClass {
  /**
   * What `pool.connect()` hands out: a client that takes a real connection at the first statement that needs one, so that a
   * hit costs none.
   */
  class StandIn extends EventEmitter implements StandInClient {
    readonly #engine: Engine
    readonly #source: Source
    readonly #types: unknown
    readonly #pool: PoolPort
    #own: PgTypes | undefined
    #real: PoolClient | undefined
    #taking: Promise<PoolClient> | undefined
    /** What waits, in order, for the store's answer or for a connection: the next begins behind it. */
    #tail: Promise<unknown> = Promise.resolve()
    #waiting = 0
    #released = false
    readonly #onReal: ((client: PoolClient) => void)[] = []
    readonly #forwards = new Map<string, (...args: unknown[]) => void>()
    readonly release: (error?: Error | boolean) => void

    constructor(engine: Engine, source: Source, types: unknown, pool: PoolPort) {
      super()
      this.#engine = engine
      this.#source = source
      this.#types = types
      this.#pool = pool
      // A property of its own and bound, as pg-pool makes it: callers take it off.
      this.release = (error) => this.#release(error)
    }

    query(first?: unknown, second?: unknown, third?: unknown): unknown {
      if (first === null || first === undefined) throw new TypeError('Client was passed a null or undefined query')
      const ask = (client: PoolClient): unknown => client.query(first as string, second as unknown[], third as never)
      if (this.#real && this.#waiting === 0) return ask(this.#real)
      if (this.#released && this.#waiting === 0) return this.#pool.query(first, second, third)
      if (typeof (first as Submittable).submit === 'function') return this.#submit(first as Submittable, ask)

      const call = readCall(pg, first, second, third, () => undefined)
      if (call.kind !== 'call') {
        if (!call.ordered) throw new TypeError('callback is not a function')
        const [text, values] = call.args
        const bare = typeof text === 'object' ? { ...text, callback: undefined } : text
        const given = typeof values === 'function' ? undefined : values
        return this.#answer(
          this.#handOver((client) => client.query(bare as string, given as unknown[])),
          call.callback,
        )
      }
      const onReal = (client: PoolClient) => client.query(call.config as never) as unknown as Promise<unknown>
      if (this.#waiting > 0 || call.uncacheable !== undefined)
        return this.#answer(this.#handOver(onReal), call.callback)
      const unreachable = () => Promise.reject(new Error('cacheops: a read was answered from the cache by running it'))
      const own = engineCall(pg, call, this.#own ?? this.#types, undefined, unreachable)
      let peeked: ReturnType<Engine['runner']['peek']>
      try {
        peeked = this.#engine.runner.peek(this.#source, own, this.#engine.scopes.current)
      } catch (error) {
        return this.#answer(Promise.reject(error), call.callback)
      }
      if (peeked === undefined) return this.#answer(this.#handOver(onReal), call.callback)
      if (!(peeked instanceof Promise)) return this.#answer(Promise.resolve(peeked.result), call.callback)
      const found = peeked
      const looked = this.#inTurn(async () => (await found) ?? { client: await this.#take() })
      const answered = looked.then((got) => ('client' in got ? onReal(got.client) : got.result))
      return this.#answer(answered, call.callback)
    }

    #answer(result: Promise<unknown>, callback: Callback | undefined): unknown {
      return answer(callback ? result : promiseOf(this.#pool.Promise, result), callback, null)
    }

    /** Hands a statement over to the real client, behind what was asked before. */
    #handOver<T>(use: (client: PoolClient) => T): Promise<Awaited<T>> {
      return this.#inTurn(() => this.#take()).then(use) as Promise<Awaited<T>>
    }

    /** Its own `then` comes before the next turn's. */
    #inTurn<T>(run: () => Promise<T>): Promise<T> {
      this.#waiting++
      const turn = this.#tail.then(run).finally(() => this.#waiting--)
      this.#tail = turn.catch(() => undefined).then(() => undefined)
      return turn
    }

    #submit(query: Submittable, ask: (client: PoolClient) => unknown): unknown {
      const held = new HeldSubmission(query)
      this.#handOver((client) => {
        held.free()
        ask(client)
      }).catch((error: unknown) => held.fail(error))
      return query
    }

    /** The real client; asked for once. */
    #take(): Promise<PoolClient> {
      this.#taking ??= this.#pool.take().then(
        (client) => this.#became(client),
        (error: unknown) => {
          this.#taking = undefined
          throw error
        },
      )
      return this.#taking
    }

    #became(client: PoolClient): PoolClient {
      this.#real = client
      for (const set of this.#onReal) set(client)
      for (const event of EVENTS) {
        const forward = (...args: unknown[]): void => void this.emit(event, ...args)
        this.#forwards.set(event, forward)
        client.on(event as 'error', forward as never)
      }
      return client
    }

    #release(error?: Error | boolean): void {
      if (this.#released) {
        throw new Error('Release called on client which has already been released to the pool.')
      }
      this.#released = true
      // What was asked before the release is handed over first.
      if (this.#waiting > 0) void this.#tail.then(() => this.#giveBack(error))
      else this.#giveBack(error)
    }

    #giveBack(error?: Error | boolean): void {
      const real = this.#real
      if (real) {
        for (const [event, forward] of this.#forwards) real.removeListener(event as 'error', forward)
        real.release(error)
      }
      this.#pool.released(this)
    }

    // What a client also has: of the real one where there is one.

    static {
      for (const name of PROPERTIES) {
        Object.defineProperty(StandIn.prototype, name, {
          configurable: true,
          get(this: StandIn) {
            return ((this.#real ?? this.#pool.sample()) as Record<string, unknown>)[name]
          },
        })
      }
    }

    get processID(): number | null {
      return (this.#real as { processID?: number } | undefined)?.processID ?? null
    }

    get connection(): unknown {
      return (this.#real as { connection?: unknown } | undefined)?.connection
    }

    getTransactionStatus(): string | null {
      const real = this.#real as { getTransactionStatus?(): string | null } | undefined
      return real ? (real.getTransactionStatus?.() ?? null) : 'I'
    }

    getTypeParser(oid: number, format?: string): unknown {
      return (this.#own ?? (this.#types as PgTypes)).getTypeParser(oid, format)
    }

    /** Parsers set here are this client's, as with pg: they go with the real one once it is there. */
    setTypeParser(oid: number, ...rest: unknown[]): void {
      this.#own ??= new pg.TypeOverrides(this.#types)
      this.#own.setTypeParser(oid, ...rest)
      const set = (client: PoolClient) => (client as unknown as PgTypes).setTypeParser(oid, ...rest)
      if (this.#real) set(this.#real)
      else this.#onReal.push(set)
    }

    escapeIdentifier(text: string): string {
      return pg.escapeIdentifier(text)
    }

    escapeLiteral(text: string): string {
      return pg.escapeLiteral(text)
    }

    connect(callback?: (error: Error) => void): Promise<void> | undefined {
      const error = new Error('Client has already been connected. You cannot reuse a client.')
      if (!callback) return promiseOf(this.#pool.Promise, Promise.reject(error))
      process.nextTick(callback, error)
      return undefined
    }

    end(callback?: Callback): Promise<void> | undefined {
      const ended = this.#handOver((client) => (client as unknown as { end(): Promise<void> }).end())
      if (!callback) return promiseOf(this.#pool.Promise, ended)
      ended.then(
        () => process.nextTick(callback),
        (error) => process.nextTick(callback, error),
      )
      return undefined
    }

    ref(): void {
      ;(this.#real as { ref?(): void } | undefined)?.ref?.()
    }

    unref(): void {
      ;(this.#real as { unref?(): void } | undefined)?.unref?.()
    }
  }

  // Methods of the client that are not given above would find no connection: all that pg documents is above.
  Object.setPrototypeOf(StandIn.prototype, Client.prototype as object)
  return StandIn as unknown as StandInClass
}
