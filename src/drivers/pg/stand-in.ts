import { EventEmitter } from 'node:events'
import type { PoolClient } from 'pg'
import type { Engine } from '../../engine/engine.js'
import type { Source } from '../../engine/source.js'
import { answer, engineCall, readCall } from './call.js'
import type { PgModule, PgTypes } from './module.js'
import type { Submittable } from './submittable.js'

/** What a stand-in needs of its pool. */
export interface PoolPort {
  /** Takes a real client. */
  take(): Promise<PoolClient>
  /** For what is asked after the release. */
  query(...args: unknown[]): unknown
}

/** Events of a client that reach those who listen on the stand-in. */
const EVENTS = ['notification', 'notice', 'error', 'end', 'drain'] as const

/** The class of stand-ins for one copy of `pg`: they are instances of its Client, as those that a plain pool gives. */
export function standInClass(pg: PgModule): StandInClass {
  /**
   * What `pool.connect()` hands out: a client that takes a real connection at the first statement that needs one, so that a
   * hit costs none.
   */
  class StandIn extends EventEmitter {
    readonly #engine: Engine
    readonly #source: Source
    readonly #types: unknown
    readonly #pool: PoolPort
    #own: PgTypes | undefined
    #real: PoolClient | undefined
    #taking: Promise<PoolClient> | undefined
    #looking: Promise<unknown> | undefined
    #released = false
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
      const real = this.#real
      if (real) return real.query(first as string, second as unknown[], third as never)
      if (first === null || first === undefined) throw new TypeError('Client was passed a null or undefined query')
      if (this.#released) return this.#pool.query(first, second, third)
      if (typeof (first as Submittable).submit === 'function') {
        this.#later((client) => client.query(first as never, second as never, third as never), first as Submittable)
        return first
      }
      const call = readCall(pg, first, second, third, () => undefined)
      const scope = this.#engine.scopes.current
      const onReal = (): Promise<unknown> =>
        this.#take().then((client) =>
          this.#engine.scopes.exactly(scope, () =>
            call ? client.query({ ...call.config, callback: undefined } as never) : client.query(first as string, second as never),
          ),
        )
      if (!call) {
        const callback = [third, second].find((argument) => typeof argument === 'function')
        const bare = () => this.#take().then((client) => client.query(first as string, typeof second === 'function' ? undefined : (second as never)))
        return answer(bare(), callback as never)
      }
      // In order: what was asked before is answered first.
      if (this.#taking || this.#looking) return answer((this.#looking ?? Promise.resolve()).then(onReal), call.callback)
      let peeked: ReturnType<Engine['runner']['peek']>
      try {
        const own = engineCall(pg, call, this.#own ?? this.#types, undefined, () => Promise.reject(new Error('cacheops: unreachable')))
        peeked = call.uncacheable === undefined ? this.#engine.runner.peek(this.#source, own, scope) : undefined
      } catch (error) {
        return answer(Promise.reject(error), call.callback)
      }
      if (peeked === undefined) return answer(onReal(), call.callback)
      if (!(peeked instanceof Promise)) return answer(Promise.resolve(peeked.result), call.callback)
      const looking: Promise<unknown> = peeked.then((found) => {
        if (this.#looking === looked) this.#looking = undefined
        return found ? found.result : onReal()
      })
      const looked = peeked.then(() => undefined)
      this.#looking = looked
      return answer(looking, call.callback)
    }

    #later(use: (client: PoolClient) => unknown, query: Submittable): void {
      const before = this.#looking ?? Promise.resolve()
      before
        .then(() => this.#take())
        .then(use)
        .catch((error: unknown) => query.handleError?.(error))
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
      const real = this.#real
      if (real) {
        this.#giveBack(real, error)
        return
      }
      // What was asked before the release runs first.
      const asked = this.#looking ?? Promise.resolve()
      asked
        .then(() => this.#taking)
        .then((client) => client && this.#giveBack(client, error))
        .catch(() => undefined)
    }

    #giveBack(client: PoolClient, error?: Error | boolean): void {
      for (const [event, forward] of this.#forwards) client.removeListener(event as 'error', forward)
      client.release(error)
    }

    // What a client also has: of the real one where there is one.

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

    readonly #onReal: ((client: PoolClient) => void)[] = []

    escapeIdentifier(text: string): string {
      return pg.escapeIdentifier(text)
    }

    escapeLiteral(text: string): string {
      return pg.escapeLiteral(text)
    }

    connect(callback?: (error: Error) => void): Promise<void> | undefined {
      const error = new Error('Client has already been connected. You cannot reuse a client.')
      if (!callback) return Promise.reject(error)
      process.nextTick(callback, error)
      return undefined
    }

    end(callback?: (error?: Error) => void): Promise<void> | undefined {
      const end = this.#take().then((client) => (client as unknown as { end(): Promise<void> }).end())
      return answer(end, callback as never) as Promise<void> | undefined
    }

    ref(): void {
      ;(this.#real as { ref?(): void } | undefined)?.ref?.()
    }

    unref(): void {
      ;(this.#real as { unref?(): void } | undefined)?.unref?.()
    }
  }

  // Methods of the client that are not given above would find no connection: all that pg documents is above.
  Object.setPrototypeOf(StandIn.prototype, pg.Client.prototype)
  return StandIn as unknown as StandInClass
}

export interface StandInClient {
  readonly release: (error?: Error | boolean) => void
}

export type StandInClass = new (engine: Engine, source: Source, types: unknown, pool: PoolPort) => StandInClient
