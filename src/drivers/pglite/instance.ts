import type { Transaction } from '@electric-sql/pglite'
import type { MaybePromise } from '../../base/vocabulary.js'
import type { Call, Scope } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import { ConnectionState, type Source } from '../../engine/source.js'
import { asAsked, controlCall, execCall, queryCall } from './call.js'
import { PGliteConnection } from './connection.js'
import { Line } from './line.js'
import type { QueryOptions, Results } from './options.js'
import type { Target } from './target.js'
import { InnerTransaction, type Query, type Steps } from './transaction.js'

/** What a call of the raw protocol is in events. */
const RAW = 'a message of the wire protocol'

/** A PGlite behind the cache: its one session, whose statements run one after another. */
export class Instance implements Steps {
  readonly #engine: Engine
  readonly #target: Target
  readonly #connection: PGliteConnection
  readonly #source: Source
  readonly #state: ConnectionState
  readonly #line = new Line()
  /** A transaction of ours is open, and began where none was. */
  #apart = false

  constructor(engine: Engine, target: Target, database: string | undefined, identity: string) {
    this.#engine = engine
    this.#target = target
    this.#connection = new PGliteConnection(target)
    this.#source = engine.attach({
      database,
      identity,
      replica: false,
      label: `PGlite ${(target as { dataDir?: string }).dataDir ?? 'in memory'}`,
      // In line: between the statements of the user's, never inside of a `transaction()`.
      withConnection: (use) =>
        Promise.resolve(
          this.#line.add(async () => {
            if (this.#connection.doubtful) await this.#settled()
            return use(this.#connection)
          }, true),
        ),
    })
    this.#state = new ConnectionState(this.#connection, this.#source)
  }

  async query(text: string, params?: unknown[], options?: QueryOptions): Promise<Results> {
    if (typeof text !== 'string' || this.#target.closed)
      return this.#unread(() => this.#target.query(text, params, options))
    const call = queryCall(this.#target, this.#connection, text, params, options)
    const result = this.#outside(call)
    return result instanceof Promise ? asAsked(result, text, params ?? [], options) : result
  }

  async exec(text: string, options?: QueryOptions): Promise<Results[]> {
    if (typeof text !== 'string' || this.#target.closed) return this.#unread(() => this.#target.exec(text, options))
    const result = this.#outside(execCall(this.#target, this.#connection, text, options))
    return result instanceof Promise ? asAsked(result, text, undefined, options) : result
  }

  /** PGlite's own templates, over our `query`. */
  sql(strings: TemplateStringsArray, values: unknown[], query: Query): Promise<Results> {
    return Reflect.apply(this.#target.sql, { query }, [strings, ...values]) as Promise<Results>
  }

  transaction<T>(callback: (tx: Transaction) => Promise<T>): Promise<T> {
    const { scopes } = this.#engine
    const scope = scopes.current
    return Promise.resolve(this.#line.add(() => this.#transact(callback, scope), false))
  }

  /** After what is in line, as PGlite waits for the calls before. */
  close(close: () => Promise<void>): Promise<void> {
    const closed = async (): Promise<void> => {
      await close()
      this.#source.forget(this.#state)
      this.#engine.detach(this.#source)
    }
    return Promise.resolve(this.#line.add(closed, true))
  }

  /** Messages of the wire protocol: nothing is known of them, so everything may have changed. */
  raw<R>(send: () => R): R {
    const scope = this.#engine.scopes.current
    const { session } = this.#state
    // Before: a read of the same transaction must not be kept.
    session.wrote()
    let result: R
    try {
      result = send()
    } catch (error) {
      this.#unknown(scope).catch(() => undefined)
      throw error
    }
    if (!(result instanceof Promise)) {
      // The memory store drops at once; there is nobody who could wait for another.
      this.#unknown(scope).catch(() => undefined)
      return result
    }
    return result.finally(() => this.#unknown(scope)) as R
  }

  /** What PGlite runs by itself changes no rows, but in a transaction it may fail and fail the transaction. */
  beside<R>(send: () => R): R {
    const unsure = (): void => {
      if (this.#connection.status() !== 'idle') this.#connection.doubt()
    }
    const result = send()
    if (result instanceof Promise) result.then(unsure, unsure)
    return result
  }

  /** A call on the session, where it is its turn. */
  step<R>(call: Call<R>, scope: Scope): MaybePromise<R> {
    const { runner } = this.#engine
    if (!this.#connection.doubtful) return runner.run(this.#state, call, scope)
    return this.#settled().then(() => runner.run(this.#state, call, scope))
  }

  get scope(): Scope {
    return this.#engine.scopes.current
  }

  #outside<R>(call: Call<R>): MaybePromise<R> {
    const { scope } = this
    const turn = (): MaybePromise<R> => this.step(call, scope)
    if (this.#line.free) return this.#line.add(turn, !this.#reads(call))
    const peeked = this.#passable ? this.#engine.runner.peek(this.#source, call, scope) : undefined
    if (!peeked) return this.#line.add(turn, !this.#reads(call))
    if (!(peeked instanceof Promise)) return peeked.result
    // Its place is kept: what is called after it runs after it.
    const placed = this.#line.add(async () => {
      const hit = await peeked
      return hit ? hit.result : turn()
    }, false) as Promise<R>
    placed.catch(() => undefined)
    return peeked.then((hit) => (hit ? hit.result : placed))
  }

  /** A hit may go before what runs and waits: reads, and transactions, whose changes others see when they have ended. */
  get #passable(): boolean {
    const connection = this.#connection
    if (!this.#line.passable || connection.doubtful || !this.#target.ready) return false
    return this.#apart || connection.status() === 'idle'
  }

  /** Whether a call does no more than read, as far as is known without the database. */
  #reads(call: Call<unknown>): boolean {
    const { baseline } = this.#source
    if (!baseline || !this.#engine.parserReady) return false
    const { statements } = this.#engine.analyze(call.text)
    const [only] = statements
    return statements.length === 1 && only !== undefined && baseline.planner.plan(only.template).read !== undefined
  }

  async #transact<T>(callback: (tx: Transaction) => Promise<T>, scope: Scope): Promise<T> {
    const connection = this.#connection
    const { runner } = this.#engine
    const state = this.#state
    if (connection.doubtful) await this.#settled()
    this.#apart = connection.status() === 'idle'
    try {
      await runner.run(
        state,
        controlCall('BEGIN', () => connection.begin()),
        scope,
      )
      const inner = new InnerTransaction(this, this.#target, connection)
      let result: T
      try {
        result = await callback(inner.tx)
      } catch (error) {
        const over = await inner.end()
        const leave = (): Promise<void> => connection.rollback(error)
        await (over ? leave() : runner.run(state, controlCall('ROLLBACK', leave), scope))
        throw error
      }
      const over = await inner.end()
      const leave = (): Promise<void> => connection.commit()
      await (over ? leave() : runner.run(state, controlCall('COMMIT', leave), scope))
      return result
    } finally {
      this.#apart = false
    }
  }

  /** Brings the session in line with where the server says that it stands. */
  async #settled(): Promise<void> {
    const { session } = this.#state
    await this.#connection.recheck()
    // What ended unseen was dropped with everything when it ended.
    if (session.follow(this.#connection.status())) session.end()
  }

  async #unknown(scope: Scope): Promise<void> {
    this.#connection.doubt()
    this.#state.hasSet('session')
    await this.#engine.everythingOf(this.#source, RAW, 'it is not known what it did', scope)
  }

  /** Not a text, or nothing that could answer: PGlite says what it thinks of it. */
  #unread<R>(send: () => Promise<R>): Promise<R> {
    return this.#target.closed ? send() : this.raw(send)
  }
}
