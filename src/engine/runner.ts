import type { MaybePromise } from '../base/vocabulary.js'
import type { StatementPlan } from '../plan/planner.js'
import { changesAnything, type WritePlan } from '../plan/write.js'
import type { Analysis } from '../sql/analysis.js'
import type { Statement } from '../sql/statement.js'
import { writeBlind } from './blind.js'
import { type Call, outcomeUnknown } from './connection.js'
import { type Contexts, isCachedIsolation } from './contexts.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { follow, past } from './pass.js'
import { Reads } from './reads.js'
import type { Scope } from './scope.js'
import { settingsChange } from './settings-change.js'
import { writeSeveral } from './several.js'
import type { ConnectionState, Source } from './source.js'
import { beginStream, type Stream } from './streams.js'
import { Transactions } from './transactions.js'
import type { Verifier } from './verifier.js'
import { Writer } from './writer.js'

/** FETCH is among them: its rows are as old as its cursor. */
const HELD = 'it shows what the session holds'

/** Runs the calls of connections: from the cache, past it, or as writes with their invalidation. */
export class Runner {
  readonly #engine: Core
  readonly #contexts: Contexts
  readonly #reads: Reads
  readonly #writer: Writer
  readonly #transactions: Transactions

  /** @param verifier - runs hits again, where that is asked for */
  constructor(engine: Core, contexts: Contexts, verifier: Verifier | undefined) {
    this.#engine = engine
    this.#contexts = contexts
    this.#reads = new Reads(engine, (...args) => this.#replanned(...args), verifier)
    this.#writer = new Writer(engine)
    this.#transactions = new Transactions(engine, this.#contexts)
  }

  /**
   * Answers a call without a connection where that is possible: from the store, or by waiting for another's read of
   * the same. Undefined where a connection is needed. `scope` is that of the caller.
   */
  peek<R>(source: Source, call: Call<R>, scope: Scope): MaybePromise<{ readonly result: R } | undefined> {
    return this.#reads.peek(source, call, scope)
  }

  /** Runs a call on its connection. Calls of one connection must not overlap: the driver hands them over one by one. */
  run<R>(state: ConnectionState, call: Call<R>, scope: Scope): MaybePromise<R> {
    const { recorders } = this.#engine
    return recorders.active ? this.#recorded(state, call, scope) : this.#dispatch(state, call, scope)
  }

  #dispatch<R>(state: ConnectionState, call: Call<R>, scope: Scope): MaybePromise<R> {
    const quick = this.#reads.quick(state, call, scope)
    const result = quick ? quick.result : this.#run(state, call, scope)
    if (!(result instanceof Promise) || !state.session.inTransaction) return result
    return result.catch((error: unknown) => {
      state.session.erred()
      throw error
    })
  }

  /** Whatever did not say itself what it depends on (a read that was answered under a lease) depends on what nobody knows. */
  #recorded<R>(state: ConnectionState, call: Call<R>, scope: Scope): MaybePromise<R> {
    const { recorders } = this.#engine
    const { session } = state
    const { clean, isolation } = session
    const result = this.#dispatch(state, call, scope)
    const over = (reason: string): void => {
      if (call.told) return
      const level = isolation ?? session.isolation ?? state.context?.settings.isolation ?? 'read committed'
      const lags = state.context !== undefined && !state.context.storable
      const doubtful = !clean || !session.clean || lags || !isCachedIsolation(level) || call.why === HELD
      recorders.passed(scope.recorder, reason, doubtful)
    }
    if (!(result instanceof Promise)) {
      over('it is no read that can be followed')
      return result
    }
    return result.then(
      (value) => {
        over(call.why ?? 'it is no read that can be followed')
        return value
      },
      (error: unknown) => {
        call.told = false
        over('it failed')
        throw error
      },
    )
  }

  async #run<R>(state: ConnectionState, call: Call<R>, scope: Scope): Promise<R> {
    const { connection, session } = state
    if (!this.#engine.parserReady) await this.#engine.loadParser()
    if (session.differs(connection.status())) await follow(this.#engine, state)
    // B9: a failed transaction answers by itself, and so does ROLLBACK in it.
    let analysis = this.#engine.analyze(call.text)
    const only = analysis.statements.length === 1 ? (analysis.statements[0] as Analysis) : undefined
    const statement = only?.template.statement
    // Words of transactions give no rows; what the statements inside may depend on, each of them says.
    if (statement?.kind === 'transaction' || statement?.kind === 'empty') call.told = true
    if (statement?.kind === 'transaction') return this.#transactions.run(state, call, statement, scope)
    if (statement?.kind === 'empty') return call.passThrough()
    if (connection.status() === 'failed') {
      // A string of several may begin with ROLLBACK, and write behind it.
      if (!only) return writeSeveral(this.#engine, state, 'the transaction has failed', call, analysis, scope)
      return past(this.#engine, state, call, 'the transaction has failed')
    }
    // Nothing of ours goes before SET TRANSACTION: the server wants it before any query. A backslash may hide more (A24).
    if (statement && isSessionOnly(statement) && !call.text.includes('\\'))
      return this.#sessionOnly(state, call, statement)

    const context = await this.#contexts.of(state)
    if (typeof context !== 'string' && !context.settings.liftable) {
      analysis = this.#engine.analyze(call.text, { lift: false })
    }
    if (analysis.statements.length !== 1) {
      return writeSeveral(this.#engine, state, await this.#contexts.upToDate(state, context), call, analysis, scope)
    }
    const single = analysis.statements[0] as Analysis
    if (typeof context === 'string') return this.#withoutContext(state, call, single, context, scope)
    const plan = this.#plan(state, context, single)
    if (!changesAnything(plan.write)) {
      const result = await this.#planned(state, context, call, single, plan, scope)
      if (plan.write.calls) await this.#calledWithout(state, context, call.text, scope)
      return result
    }
    const fresh = await this.#contexts.upToDate(state, context)
    if (typeof fresh === 'string') return this.#withoutContext(state, call, single, fresh, scope)
    return this.#planned(state, fresh, call, single, this.#plan(state, fresh, single), scope)
  }

  /** EXECUTE is what its name stands for; behind a pooler another session may have given it. */
  #plan(state: ConnectionState, context: Context, { template }: Analysis): StatementPlan {
    const { statement } = template
    const named = statement.kind === 'execute' && state.direct ? state.named.of(statement.name) : undefined
    return named ? context.planner.executed(named, template) : context.planner.plan(template)
  }

  #planned<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: StatementPlan,
    scope: Scope,
    tries = 1,
  ): Promise<R> {
    if (plan.read) return this.#reads.read(state, context, call, analysis, plan.read, scope, tries)
    if (changesAnything(plan.write)) return this.#writer.write(state, context, call, analysis, plan.write, scope)
    return this.#effectless(state, context, call, analysis, plan.write, scope)
  }

  async #replanned<R>(
    state: ConnectionState,
    call: Call<R>,
    analysis: Analysis,
    scope: Scope,
    tries: number,
  ): Promise<R> {
    const context = await this.#contexts.of(state)
    if (typeof context === 'string') return past(this.#engine, state, call, context)
    return this.#planned(state, context, call, analysis, context.planner.plan(analysis.template), scope, tries)
  }

  /** A7: by the definitions that are known its functions write nothing. Whether these still held is asked afterwards. */
  async #calledWithout(state: ConnectionState, context: Context, text: string, scope: Scope): Promise<void> {
    const { session } = state
    if (scope.noInvalidation) return
    if (session.inTransaction) session.queue([], text, context.catalogStamp)
    else {
      const cause = { text, reasons: [], catalogs: [context.catalogStamp] }
      await this.#engine.delivery.deliver(context.database.id, [], cause, scope.deferred)
    }
  }

  /** A statement that is neither a plain read nor a write: it locks, or changes the session. */
  async #effectless<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: WritePlan,
    scope: Scope,
  ): Promise<R> {
    const { session } = state
    const { statement } = analysis.template
    const setting = settingsChange(statement, plan, context)
    state.willSet(setting)
    try {
      const result = await past(
        this.#engine,
        state,
        call,
        statement.kind === 'select' && statement.locks
          ? 'it locks rows'
          : statement.kind === 'opaque'
            ? statement.reason
            : plan.locks
              ? 'it takes locks'
              : undefined,
      )
      this.#engine.explained(scope, call, analysis, context)
      return result
    } finally {
      // Also where it failed: a session's advisory lock stays, and a setting may come late (S6, A5).
      if (plan.locks) session.locked(plan.sessionLocks)
      if (plan.unlocks) state.recheckLocks = true
      state.hasSet(setting)
    }
  }

  /** SET, LOCK, SHOW and their like: no plan is needed for them. */
  async #sessionOnly<R>(state: ConnectionState, call: Call<R>, statement: Statement): Promise<R> {
    const setting = settingsChange(statement, undefined, undefined)
    state.willSet(setting)
    try {
      if (statement.kind === 'harmless') call.why = HELD
      const result = await past(this.#engine, state, call, statement.kind === 'lock' ? 'it takes locks' : undefined)
      state.named.ran(statement)
      return result
    } catch (error) {
      // Whether it was carried out is not known.
      if (outcomeUnknown(error)) state.named.forget()
      throw error
    } finally {
      if (statement.kind === 'lock') state.session.locked(false)
      state.hasSet(setting)
    }
  }

  /** No catalog or no settings: reads pass by, writes invalidate all that they could have changed. */
  async #withoutContext<R>(
    state: ConnectionState,
    call: Call<R>,
    analysis: Analysis,
    reason: string,
    scope: Scope,
  ): Promise<R> {
    const { statement } = analysis.template
    if (isSessionOnly(statement)) return this.#sessionOnly(state, call, statement)
    // A query may call a function that writes: without a catalog nobody knows.
    return writeBlind(this.#engine, state, call, reason, scope, statement.kind === 'select')
  }

  /** Notes a cursor, a stream or a COPY that its driver is about to run. */
  stream(state: ConnectionState, text: string | undefined, scope: Scope): MaybePromise<Stream> {
    this.#engine.recorders.passed(scope.recorder, 'a cursor or stream', !state.session.clean)
    return beginStream(this.#engine, state, text, scope, () => {
      const { context, session } = state
      if (context && session.settingsKnown && context.database.current(context) && !session.catalogTouched)
        return context
      if (state.connection.status() === 'failed') return 'the transaction has failed'
      return this.#engine.parserReady
        ? this.#contexts.of(state)
        : this.#engine.loadParser().then(() => this.#contexts.of(state))
    })
  }
}

function isSessionOnly({ kind }: Statement): boolean {
  switch (kind) {
    case 'harmless':
    case 'prepare':
    case 'deallocate':
    case 'setting':
    case 'lock':
      return true
    default:
      return false
  }
}
