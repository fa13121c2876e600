import { parseSettings, settingsQuery, advisoryLockQuery } from '../catalog/settings.js'
import type { MaybePromise } from '../base/vocabulary.js'
import type { CallValues } from '../invalidation/template.js'
import type { Change } from '../invalidation/dependency.js'
import type { StatementPlan } from '../plan/planner.js'
import { changesAnything, type WritePlan } from '../plan/write.js'
import type { Isolation } from '../session/session.js'
import type { Analysis } from '../sql/analysis.js'
import type { TransactionStatement } from '../sql/statement.js'
import type { Entry, Lease } from '../store/store.js'
import { type Call, outcomeUnknown } from './connection.js'
import type { Context } from './database.js'
import type { Core } from './core.js'
import type { CachedRead, Flight } from './reader.js'
import type { Scope } from './scope.js'
import type { ConnectionState, Source } from './source.js'
import { beginStream, type Stream } from './streams.js'
import { unknownOutcome, Writer } from './writer.js'

/** Runs the calls of connections: from the cache, past it, or as writes with their invalidation. */
export class Runner {
  readonly #engine: Core
  readonly #writer: Writer

  constructor(engine: Core) {
    this.#engine = engine
    this.#writer = new Writer(engine)
  }

  /**
   * Answers a call without a connection where that is possible: from the store, or by waiting for another's read of
   * the same. Undefined where a connection is needed. `scope` is that of the caller.
   */
  peek<R>(source: Source, call: Call<R>, scope: Scope): MaybePromise<{ readonly result: R } | undefined> {
    const analysis = this.#single(call)
    const context = this.#baseline(source)
    if (!analysis || !context || !this.#cachedIsolation(context.settings.isolation)) return undefined
    const { read: plan } = context.planner.plan(analysis.template)
    if (!plan || call.uncacheable !== undefined || scope.explain) return undefined
    const read = this.#engine.reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') return undefined
    const reply = this.#engine.reader.look(read)
    if (reply instanceof Promise) return reply.then((late) => this.#peeked(read, late, call))
    return this.#peeked(read, reply, call)
  }

  #peeked<R>(
    read: CachedRead,
    reply: Awaited<ReturnType<Core['reader']['look']>>,
    call: Call<R>,
  ): MaybePromise<{ readonly result: R } | undefined> {
    if (reply?.kind === 'hit') return { result: this.#hit(read, reply.entry, call, false) }
    const flight = reply?.kind === 'miss' ? this.#engine.reader.flights.get(read.request.key) : undefined
    if (!flight) return undefined
    return this.#engine.reader.join(read, flight).then((entry) => entry && { result: this.#hit(read, entry, call, true) })
  }

  #hit<R>(read: CachedRead, entry: Entry, call: Call<R>, joined: boolean): R {
    const result = call.decode(entry)
    this.#engine.reader.told(read, true, joined)
    return result
  }

  #baseline(source: Source): Context | undefined {
    const context = source.baseline
    if (!context || context.database.current(context)) return context
    const fresh = context.database.contextNow(context.settings, source.access.replica)
    if (fresh) source.rebase(fresh)
    return fresh
  }

  #cachedIsolation(isolation: string): boolean {
    return isolation === 'read committed' || isolation === 'read uncommitted'
  }

  #single<R>(call: Call<R>): Analysis | undefined {
    if (!this.#engine.parserReady) return undefined
    const { statements } = this.#engine.analyze(call.text)
    return statements.length === 1 && statements[0]?.template.statement.kind === 'select' ? statements[0] : undefined
  }

  /** Runs a call on its connection. Calls of one connection must not overlap: the driver hands them over one by one. */
  run<R>(state: ConnectionState, call: Call<R>, scope: Scope): MaybePromise<R> {
    const quick = this.#quick(state, call, scope)
    return quick ? quick.result : this.#run(state, call, scope)
  }

  /** A hit in a session whose state is all known: nothing is awaited. */
  #quick<R>(state: ConnectionState, call: Call<R>, scope: Scope): { readonly result: R } | undefined {
    const { session, context } = state
    if (!context || !session.settingsKnown || session.pastCache !== undefined || scope.explain) return undefined
    if (call.uncacheable !== undefined || !context.database.current(context) || state.recheckLocks) return undefined
    const analysis = this.#single(call)
    if (!analysis || !this.#readsCommitted(state, context) || !context.settings.liftable) return undefined
    const { read: plan } = context.planner.plan(analysis.template)
    if (!plan) return undefined
    const read = this.#engine.reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') return undefined
    const reply = this.#engine.reader.look(read)
    if (reply instanceof Promise) {
      // An asynchronous store is asked once, on the way that waits.
      state.looked = { key: read.request.key, reply }
      return undefined
    }
    if (reply?.kind !== 'hit') return undefined
    return { result: this.#hit(read, reply.entry, call, false) }
  }

  #readsCommitted(state: ConnectionState, context: Context): boolean {
    return this.#cachedIsolation(state.session.isolation ?? context.settings.isolation)
  }

  async #run<R>(state: ConnectionState, call: Call<R>, scope: Scope): Promise<R> {
    const { connection } = state
    if (!this.#engine.parserReady) await this.#engine.loadParser()
    // B9: a failed transaction answers by itself, and so does ROLLBACK in it.
    let analysis = this.#engine.analyze(call.text)
    const only = analysis.statements.length === 1 ? (analysis.statements[0] as Analysis) : undefined
    const statement = only?.template.statement
    if (statement?.kind === 'transaction') return this.#transaction(state, call, statement, scope)
    if (statement?.kind === 'empty') return call.passThrough()
    if (connection.status() === 'failed') return this.#past(state, call, 'the transaction has failed')

    const context = await this.#context(state)
    if (typeof context !== 'string' && !context.settings.liftable) {
      analysis = this.#engine.analyze(call.text, { lift: false })
    }
    if (analysis.statements.length !== 1) return this.#writer.several(state, context, call, analysis, scope)
    const single = analysis.statements[0] as Analysis
    if (typeof context === 'string') return this.#withoutContext(state, call, single, context, scope)
    const plan = context.planner.plan(single.template)
    if (plan.read) return this.#read(state, context, call, single, plan, scope)
    return this.#write(state, context, call, single, plan.write, scope)
  }

  /** A statement that is not a plain read: it writes, locks, or changes the session. */
  async #write<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: WritePlan,
    scope: Scope,
  ): Promise<R> {
    const { session } = state
    const { statement } = analysis.template
    if (changesAnything(plan)) {
      // A7: who has an older catalog reads it again before it plans a write.
      if (!session.catalogTouched && (await context.database.stale())) {
        context.database.forget()
        const fresh = await this.#context(state)
        if (typeof fresh === 'string') return this.#withoutContext(state, call, analysis, fresh, scope)
        const again = fresh.planner.plan(analysis.template)
        return this.#writer.write(state, fresh, call, analysis, again.write, scope)
      }
      return this.#writer.write(state, context, call, analysis, plan, scope)
    }
    const result = await this.#past(
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
    if (plan.locks) session.locked(plan.sessionLocks)
    if (plan.unlocks) state.recheckLocks = true
    if (plan.opaque || statement.kind === 'setting') state.touched()
    if (statement.kind === 'setting' && statement.isolation && session.inTransaction) session.setIsolation(statement.isolation)
    return result
  }

  async #read<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: StatementPlan,
    scope: Scope,
  ): Promise<R> {
    const { reader } = this.#engine
    const readPlan = plan.read as NonNullable<StatementPlan['read']>
    const past = this.#whyPast(state, context, call)
    const read = past ?? reader.decide(context, readPlan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') {
      this.#engine.explained(scope, call, analysis, context, read)
      return this.#past(state, call, read, readPlan.tables.map((table) => table.id))
    }
    const looked = state.looked?.key === read.request.key ? state.looked.reply : undefined
    state.looked = undefined
    const reply = await (looked ?? reader.look(read))
    if (reply?.kind === 'stale-catalog') {
      context.database.forget()
      const fresh = await this.#context(state)
      if (typeof fresh === 'string') return this.#past(state, call, fresh)
      return this.#read(state, fresh, call, analysis, fresh.planner.plan(analysis.template), scope)
    }
    if (reply?.kind === 'hit') {
      this.#engine.explained(scope, call, analysis, context, undefined, true)
      return this.#hit(read, reply.entry, call, false)
    }
    if (reply?.kind === 'blocked') return this.#past(state, call, reply.reason, read.plan.tableIds)
    const lease = reply?.lease
    // Inside a transaction nobody waits for another: what the other waits for may be a lock that this one holds.
    const flight = lease && !state.session.inTransaction ? reader.flights.get(read.request.key) : undefined
    if (flight) {
      const entry = await reader.join(read, flight)
      if (entry) {
        this.#engine.explained(scope, call, analysis, context, undefined, true)
        return this.#hit(read, entry, call, true)
      }
    }
    this.#engine.explained(scope, call, analysis, context, undefined, false)
    return this.#fill(state, call, read, lease)
  }

  #whyPast(state: ConnectionState, context: Context, call: Call<unknown>): string | undefined {
    if (call.uncacheable !== undefined) return call.uncacheable
    const { pastCache } = state.session
    if (pastCache !== undefined) return pastCache
    if (!this.#readsCommitted(state, context)) {
      return `the isolation level is ${state.session.isolation ?? context.settings.isolation}`
    }
    return undefined
  }

  /** Asks the database and keeps what it says under the lease, if there is one. */
  async #fill<R>(state: ConnectionState, call: Call<R>, read: CachedRead, lease: Lease | undefined): Promise<R> {
    const { reader } = this.#engine
    const { key } = read.request
    // Nothing is awaited between the look for a flight and this one's registration: two would take off.
    const landed = this.#ask(state, call, key)
    const flight: Flight | undefined = lease && { lease, landed }
    if (flight) {
      // Only what runs on a connection can be waited for: a waiter may hold the last one of its pool.
      landed.catch(() => undefined)
      reader.flights.set(key, flight)
    }
    try {
      const entry = await landed
      if (lease && state.connection.status() !== 'failed') {
        await this.#engine.pause('before-store', key)
        reader.keep(read, lease, entry)
      }
      const result = call.decode(entry)
      reader.told(read, false, false)
      return result
    } finally {
      if (flight && reader.flights.get(key) === flight) reader.flights.delete(key)
      await this.#follow(state)
    }
  }

  async #ask<R>(state: ConnectionState, call: Call<R>, key: string): Promise<Entry> {
    await this.#engine.pause('lease-taken', key)
    await this.#engine.pause('before-database', call.text)
    const entry = await state.connection.run(call.text, call.params, call.name)
    await this.#engine.pause('after-database', call.text)
    return entry
  }

  /** Past the cache, as the user asked. */
  async #past<R>(state: ConnectionState, call: Call<R>, reason: string | undefined, tables: readonly string[] = []): Promise<R> {
    if (reason !== undefined) this.#engine.bypassed(call.text, reason, tables)
    try {
      return await call.passThrough()
    } finally {
      await this.#follow(state)
    }
  }

  /** After each statement: a transaction that ended by other words than its own had its changes committed, for all we know. */
  async #follow(state: ConnectionState): Promise<void> {
    if (!state.session.follow(state.connection.status())) return
    const { changes, cause } = state.session.end()
    const database = state.source.database
    if (changes.length > 0 && database) {
      await this.#engine.delivery.deliver(database.id, changes, { text: cause, reasons: [] }, undefined)
    }
  }

  /** No catalog or no settings: reads pass by, writes invalidate all that they could have changed. */
  async #withoutContext<R>(state: ConnectionState, call: Call<R>, analysis: Analysis, reason: string, scope: Scope): Promise<R> {
    const { statement } = analysis.template
    const harmless = statement.kind === 'harmless' || statement.kind === 'setting' || statement.kind === 'lock'
    if (harmless) {
      if (statement.kind === 'lock') state.session.locked(false)
      if (statement.kind === 'setting') state.touched()
      return this.#past(state, call, undefined)
    }
    // A query may call a function that writes: without a catalog nobody knows.
    return this.#writer.blind(state, call, reason, scope, statement.kind === 'select')
  }

  /** The context of the connection's session, or why there is none. */
  async #context(state: ConnectionState): Promise<Context | string> {
    const { connection, session, source } = state
    const known = state.context
    if (state.recheckLocks) {
      state.recheckLocks = false
      const row = (await connection.run(advisoryLockQuery, [])).rows[0]
      if (row?.[0] === 'f') session.unlocked()
    }
    if (known && session.settingsKnown && known.database.current(known) && !session.catalogTouched) return known
    if (session.catalogTouched) return 'the transaction has changed definitions'
    // Definitions can change what the search path leads to, without any SET.
    if (known && !known.database.current(known)) session.settingsKnown = false
    try {
      source.database ??= await this.#engine.databaseOf(source.access, connection)
      if (!session.settingsKnown || !state.settings) {
        const row = (await connection.run(settingsQuery, [])).rows[0] ?? []
        state.settings = parseSettings(row)
        session.settingsKnown = true
        if (connection.pid !== undefined && connection.pid !== state.settings.pid) state.pooled = true
        if (state.settings.temporary) session.spoil('the session has temporary tables')
        if (state.settings.nullEquals) session.spoil('transform_null_equals is on')
        if (!state.settings.utf8) session.spoil('client_encoding is not UTF8')
      }
      const context = await source.database.context(connection, state.settings, source.access.replica)
      state.context = context
      if (!session.inTransaction && connection.status() === 'idle') source.learn(state, context)
      this.#engine.configured(source.database)
      return context
    } catch (error) {
      session.settingsKnown = false
      this.#engine.failed('catalog', `the catalog of ${source.access.label} could not be read`, error)
      return 'the catalog could not be read'
    }
  }

  /** Notes a cursor, a stream or a COPY that its driver is about to run. */
  stream(state: ConnectionState, text: string | undefined, scope: Scope): MaybePromise<Stream> {
    return beginStream(this.#engine, state, text, scope, () => {
      const { context, session } = state
      if (context && session.settingsKnown && context.database.current(context) && !session.catalogTouched) return context
      if (state.connection.status() === 'failed') return 'the transaction has failed'
      return this.#engine.parserReady ? this.#context(state) : this.#engine.loadParser().then(() => this.#context(state))
    })
  }

  /** Loads what `ready()` promises: settings and catalog, over a connection of its own. */
  async prepare(state: ConnectionState): Promise<Context> {
    if (!this.#engine.parserReady) await this.#engine.loadParser()
    const { connection, source } = state
    source.database ??= await this.#engine.databaseOf(source.access, connection)
    const context = await this.#context(state)
    if (typeof context === 'string') throw this.#engine.lastFailure ?? new Error(`cacheops: ${context}`)
    return context
  }

  async #transaction<R>(state: ConnectionState, call: Call<R>, statement: TransactionStatement, scope: Scope): Promise<R> {
    const { session, connection } = state
    switch (statement.verb) {
      case 'begin': {
        const result = await call.passThrough()
        session.begin(statement.isolation)
        return result
      }
      case 'savepoint': {
        const result = await call.passThrough()
        session.savepoint(statement.savepoint ?? '')
        return result
      }
      case 'release': {
        const result = await call.passThrough()
        session.release(statement.savepoint ?? '')
        return result
      }
      case 'rollback-to': {
        const result = await call.passThrough()
        session.rollbackTo(statement.savepoint ?? '')
        return result
      }
      case 'rollback': {
        const { isolation } = session
        try {
          return await call.passThrough()
        } finally {
          session.end()
          this.#chained(state, statement, isolation)
        }
      }
      case 'prepare': {
        const result = await call.passThrough()
        // What it changed is committed by other words, maybe by another session: COMMIT PREPARED drops everything.
        session.end()
        session.follow(connection.status())
        return result
      }
      case 'rollback-prepared':
        return this.#past(state, call, undefined)
      case 'commit-prepared': {
        const result = await this.#past(state, call, undefined)
        await this.#engine.everythingOf(state.source, call.text, 'another session prepared these changes', scope)
        return result
      }
      case 'commit':
        return this.#commit(state, call, statement, scope)
    }
  }

  async #commit<R>(state: ConnectionState, call: Call<R>, statement: TransactionStatement, scope: Scope): Promise<R> {
    const { session } = state
    const { isolation } = session
    let result: R
    try {
      await this.#engine.pause('before-commit', call.text)
      result = await call.passThrough()
    } catch (error) {
      const { changes, cause } = session.end()
      if (outcomeUnknown(error)) await unknownOutcome(this.#engine, state, changes, cause)
      this.#chained(state, statement, isolation)
      throw error
    }
    // A14: COMMIT of a failed transaction answers ROLLBACK.
    const committed = call.outcomes(result).some((outcome) => outcome.command === 'COMMIT')
    const { changes, cause } = session.end()
    this.#chained(state, statement, isolation)
    if (committed) await this.#deliver(state, changes, cause, scope)
    return result
  }

  async #deliver(state: ConnectionState, changes: readonly Change[], cause: string, scope: Scope): Promise<void> {
    const { database } = state.source
    if (!database || changes.length === 0) return
    await this.#engine.pause('committed', cause)
    await this.#engine.delivery.deliver(database.id, changes, { text: `COMMIT of ${cause}`, reasons: [] }, scope.deferred)
  }

  #chained(state: ConnectionState, statement: TransactionStatement, isolation: Isolation | undefined): void {
    if (statement.chain && state.connection.status() !== 'idle') state.session.begin(isolation)
    else state.session.follow(state.connection.status())
  }
}

export function valuesOf(call: Call<unknown>, analysis: Analysis): CallValues {
  return { params: call.params, literals: analysis.literals }
}
