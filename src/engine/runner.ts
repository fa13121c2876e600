import type { MaybePromise } from '../base/vocabulary.js'
import { advisoryLockQuery, parseSettings, settingsQuery } from '../catalog/settings.js'
import type { CallValues } from '../invalidation/template.js'
import type { StatementPlan } from '../plan/planner.js'
import { changesAnything, type WritePlan } from '../plan/write.js'
import type { Isolation, Session } from '../session/session.js'
import type { Analysis } from '../sql/analysis.js'
import type { Statement, TransactionStatement } from '../sql/statement.js'
import type { Entry, Lease, ReadReply } from '../store/store.js'
import { type Call, type Looked, outcomeUnknown } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import type { CachedRead, Flight } from './reader.js'
import type { Scope } from './scope.js'
import { ConnectionState, type Source } from './source.js'
import { beginStream, type Stream } from './streams.js'
import { EVERYTHING, unknownOutcome, Writer } from './writer.js'

/** How often a read looks for definitions that hold before it goes past the cache. */
const MOST_TRIES = 3

/** Runs the calls of connections: from the cache, past it, or as writes with their invalidation. */
export class Runner {
  readonly #engine: Core
  readonly #writer: Writer
  readonly #loadingAside = new WeakSet<Source>()

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
    const { kept } = this.#engine.reader
    const reply = this.#engine.reader.look(read)
    if (reply instanceof Promise) return reply.then((late) => this.#peeked(read, late, call, kept))
    return this.#peeked(read, reply, call, kept)
  }

  #peeked<R>(
    read: CachedRead,
    reply: Awaited<ReturnType<Core['reader']['look']>>,
    call: Call<R>,
    kept: number,
  ): MaybePromise<{ readonly result: R } | undefined> {
    if (reply?.kind === 'hit') return { result: this.#hit(read, reply.entry, call, false) }
    if (reply?.kind !== 'miss') return undefined
    const { key } = read.request
    const flight = this.#engine.reader.flights.get(key)
    if (!flight) {
      call.looked = { key, read, reply, kept }
      return undefined
    }
    return this.#engine.reader.join(flight).then((entry) => entry && { result: this.#hit(read, entry, call, true) })
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
    const result = quick ? quick.result : this.#run(state, call, scope)
    if (!(result instanceof Promise) || !state.session.inTransaction) return result
    return result.catch((error: unknown) => {
      state.session.erred()
      throw error
    })
  }

  /** A hit, or a miss that nobody else reads, in a session whose state is all known: nothing is awaited before the database. */
  #quick<R>(state: ConnectionState, call: Call<R>, scope: Scope): { readonly result: MaybePromise<R> } | undefined {
    const { session, context, connection } = state
    if (!context || !session.settingsKnown || session.pastCache !== undefined || scope.explain) return undefined
    // B9: a transaction that has failed, or a connection that is gone, answers by itself.
    const status = connection.status()
    if (status === 'failed' || status === 'unknown' || session.differs(status)) return undefined
    if (call.uncacheable !== undefined || !context.database.current(context) || state.recheckLocks) return undefined
    if (!this.#readsCommitted(state, context) || !context.settings.liftable) return undefined
    if (call.looked) return this.#missed(state, context, call, call.looked)
    const analysis = this.#single(call)
    if (!analysis) return undefined
    const { read: plan } = context.planner.plan(analysis.template)
    if (!plan) return undefined
    const read = this.#engine.reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') return undefined
    const reply = this.#look(read, call)
    if (reply instanceof Promise) return undefined
    if (reply?.kind === 'hit') return { result: this.#hit(read, reply.entry, call, false) }
    if (reply?.kind !== 'miss' || this.#engine.reader.flights.has(read.request.key)) return undefined
    return { result: this.#fill(state, call, read, reply.lease) }
  }

  /** A call that was a miss when there was no connection yet, a moment ago: what was decided then holds if nothing came between. */
  #missed<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    { read: known, reply, kept }: Looked,
  ): { readonly result: Promise<R> } | undefined {
    const { reader, delivery } = this.#engine
    const read = known as CachedRead
    if (reply instanceof Promise || reply?.kind !== 'miss') return undefined
    if (read.context !== context || kept !== reader.kept || reader.flights.has(read.request.key)) return undefined
    if (delivery.readPast(context.database.id, read.plan.tableIds) !== undefined) return undefined
    return { result: this.#fill(state, call, read, reply.lease) }
  }

  /** Asks the store, once a call: a lease that was taken earlier holds as well (S4). */
  #look(read: CachedRead, call: Call<unknown>): MaybePromise<ReadReply | undefined> {
    const { reader } = this.#engine
    const { looked } = call
    const { key } = read.request
    if (looked?.key === key && looked.kept === reader.kept) return looked.reply
    const { kept } = reader
    const reply = reader.look(read)
    call.looked = { key, read, reply, kept }
    return reply
  }

  #readsCommitted(state: ConnectionState, context: Context): boolean {
    return this.#cachedIsolation(state.session.isolation ?? context.settings.isolation)
  }

  async #run<R>(state: ConnectionState, call: Call<R>, scope: Scope): Promise<R> {
    const { connection, session } = state
    if (!this.#engine.parserReady) await this.#engine.loadParser()
    if (session.differs(connection.status())) await this.#follow(state)
    // B9: a failed transaction answers by itself, and so does ROLLBACK in it.
    let analysis = this.#engine.analyze(call.text)
    const only = analysis.statements.length === 1 ? (analysis.statements[0] as Analysis) : undefined
    const statement = only?.template.statement
    if (statement?.kind === 'transaction') return this.#transaction(state, call, statement, scope)
    if (statement?.kind === 'empty') return call.passThrough()
    if (connection.status() === 'failed') {
      // A string of several may begin with ROLLBACK, and write behind it.
      if (!only) return this.#writer.several(state, 'the transaction has failed', call, analysis, scope)
      return this.#past(state, call, 'the transaction has failed')
    }
    // Nothing of ours goes before SET TRANSACTION: the server wants it before any query. A backslash may hide more (A24).
    if (statement && isSessionOnly(statement) && !call.text.includes('\\'))
      return this.#sessionOnly(state, call, statement)

    const context = await this.#context(state)
    if (typeof context !== 'string' && !context.settings.liftable) {
      analysis = this.#engine.analyze(call.text, { lift: false })
    }
    if (analysis.statements.length !== 1) {
      return this.#writer.several(state, await this.#upToDate(state, context), call, analysis, scope)
    }
    const single = analysis.statements[0] as Analysis
    if (typeof context === 'string') return this.#withoutContext(state, call, single, context, scope)
    const plan = context.planner.plan(single.template)
    if (!changesAnything(plan.write) && !plan.write.calls)
      return this.#planned(state, context, call, single, plan, scope)
    const fresh = await this.#upToDate(state, context)
    if (typeof fresh === 'string') return this.#withoutContext(state, call, single, fresh, scope)
    return this.#planned(state, fresh, call, single, fresh.planner.plan(single.template), scope)
  }

  #planned<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: StatementPlan,
    scope: Scope,
  ): Promise<R> {
    if (plan.read) return this.#read(state, context, call, analysis, plan, scope)
    if (changesAnything(plan.write)) return this.#writer.write(state, context, call, analysis, plan.write, scope)
    return this.#effectless(state, context, call, analysis, plan.write, scope)
  }

  /** A7: who has an older catalog reads it again before it plans a write. S7: a store that does not answer fails none. */
  async #upToDate(state: ConnectionState, context: Context | string): Promise<Context | string> {
    if (typeof context === 'string' || state.session.catalogTouched) return context
    try {
      if (!(await context.database.stale())) return context
    } catch (error) {
      this.#engine.failed('store', 'the catalog stamp could not be read: a write drops everything', error)
      return 'the store does not answer'
    }
    context.database.forget()
    return this.#context(state)
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
    try {
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
      return result
    } finally {
      // Also where it failed: a session's advisory lock stays, and a setting may come late (S6, A5).
      if (plan.locks) session.locked(plan.sessionLocks)
      if (plan.unlocks) state.recheckLocks = true
      if (plan.opaque) state.touched()
    }
  }

  /** SET, LOCK, SHOW and their like: no plan is needed for them. */
  async #sessionOnly<R>(state: ConnectionState, call: Call<R>, statement: Statement): Promise<R> {
    try {
      return await this.#past(state, call, statement.kind === 'lock' ? 'it takes locks' : undefined)
    } finally {
      if (statement.kind === 'lock') state.session.locked(false)
      if (statement.kind === 'setting') state.touched()
    }
  }

  async #read<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: StatementPlan,
    scope: Scope,
    tries = 1,
  ): Promise<R> {
    const { reader } = this.#engine
    const readPlan = plan.read as NonNullable<StatementPlan['read']>
    const past = this.#whyPast(state, context, call)
    const read = past ?? reader.decide(context, readPlan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') {
      this.#engine.explained(scope, call, analysis, context, read)
      return this.#past(
        state,
        call,
        read,
        readPlan.tables.map((table) => table.id),
      )
    }
    const reply = await this.#look(read, call)
    // Whatever is asked from here on is asked anew.
    call.looked = undefined
    if (reply?.kind === 'stale-catalog') {
      context.database.forget()
      const fresh = await this.#context(state)
      if (typeof fresh === 'string') return this.#past(state, call, fresh)
      const again = fresh.planner.plan(analysis.template)
      if (!again.read) return this.#planned(state, fresh, call, analysis, again, scope)
      // Definitions that change at every look would keep it looking.
      if (tries >= MOST_TRIES) return this.#past(state, call, 'definitions change all the time', read.plan.tableIds)
      return this.#read(state, fresh, call, analysis, again, scope, tries + 1)
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
      const entry = await reader.join(flight)
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
    // A3: what a replica says may lag, so it is not for others.
    const flight: Flight | undefined = lease && read.context.storable ? { lease, landed } : undefined
    if (flight) {
      // Only what runs on a connection can be waited for: a waiter may hold the last one of its pool.
      landed.catch(() => undefined)
      reader.flights.set(key, flight)
    }
    try {
      const entry = await landed
      if (lease && state.connection.status() !== 'failed') {
        if (this.#engine.pausing) await this.#engine.pause('before-store', key)
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

  #ask<R>(state: ConnectionState, call: Call<R>, key: string): Promise<Entry> {
    if (!this.#engine.pausing) return state.connection.run(call.text, call.params, call.name)
    return this.#askInSteps(state, call, key)
  }

  async #askInSteps<R>(state: ConnectionState, call: Call<R>, key: string): Promise<Entry> {
    await this.#engine.pause('lease-taken', key)
    await this.#engine.pause('before-database', call.text)
    const entry = await state.connection.run(call.text, call.params, call.name)
    await this.#engine.pause('after-database', call.text)
    return entry
  }

  /** Past the cache, as the user asked. */
  async #past<R>(
    state: ConnectionState,
    call: Call<R>,
    reason: string | undefined,
    tables: readonly string[] = [],
  ): Promise<R> {
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
    const { changes, cause, catalogs } = state.session.end()
    const database = state.source.database
    if (changes.length > 0 && database) {
      await this.#engine.delivery.deliver(database.id, changes, { text: cause, reasons: [], catalogs }, undefined)
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
    return this.#writer.blind(state, call, reason, scope, statement.kind === 'select')
  }

  /** The context of the connection's session, or why there is none. */
  async #context(state: ConnectionState): Promise<Context | string> {
    const { connection, session, source } = state
    const known = state.context
    if (state.recheckLocks) {
      state.recheckLocks = false
      const row = (await connection.run(advisoryLockQuery, [], undefined, true)).rows[0]
      if (row?.[0] === 'f') session.unlocked()
    }
    if (known && session.settingsKnown && known.database.current(known) && !session.catalogTouched) return known
    if (session.catalogTouched) return 'the transaction has changed definitions'
    // Definitions can change what the search path leads to, without any SET.
    if (known && !known.database.current(known)) session.settingsKnown = false
    try {
      source.database ??= await this.#engine.databaseOf(source.access, connection)
      if (!session.settingsKnown || !state.settings) {
        const row = (await connection.run(settingsQuery, [], undefined, true)).rows[0] ?? []
        state.settings = parseSettings(row)
        session.settingsKnown = true
        // S6: however it came to be, by SET, by a function, or by the database's default.
        if (session.inTransaction) session.setIsolation(state.settings.transactionIsolation as Isolation)
        if (connection.pid !== undefined && connection.pid !== state.settings.pid) state.pooled = true
        if (state.settings.temporary) session.spoil('the session has temporary tables')
        if (state.settings.nullEquals) session.spoil('transform_null_equals is on')
        if (!state.settings.utf8) session.spoil('client_encoding is not UTF8')
      }
      const current =
        !session.inTransaction || (session.clean && this.#cachedIsolation(state.settings.transactionIsolation))
      const context = await source.database.context(connection, state.settings, source.access.replica, current)
      // A7: the snapshot of this transaction may be older than the definitions are. Another connection reads them for all.
      if (!source.database.loaded) this.#loadAside(source)
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

  #loadAside(source: Source): void {
    if (this.#loadingAside.has(source)) return
    this.#loadingAside.add(source)
    const load = source.access.withConnection((connection) => {
      const state = new ConnectionState(connection, source)
      return this.prepare(state).finally(() => source.forget(state))
    })
    void load.catch(() => undefined).finally(() => this.#loadingAside.delete(source))
  }

  /** Notes a cursor, a stream or a COPY that its driver is about to run. */
  stream(state: ConnectionState, text: string | undefined, scope: Scope): MaybePromise<Stream> {
    return beginStream(this.#engine, state, text, scope, () => {
      const { context, session } = state
      if (context && session.settingsKnown && context.database.current(context) && !session.catalogTouched)
        return context
      if (state.connection.status() === 'failed') return 'the transaction has failed'
      return this.#engine.parserReady
        ? this.#context(state)
        : this.#engine.loadParser().then(() => this.#context(state))
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

  async #transaction<R>(
    state: ConnectionState,
    call: Call<R>,
    statement: TransactionStatement,
    scope: Scope,
  ): Promise<R> {
    const { session, connection } = state
    switch (statement.verb) {
      case 'begin': {
        // What is asked on our own account is asked before: inside, a failure of ours would be the transaction's.
        if (!session.inTransaction && connection.status() === 'idle') await this.#context(state)
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
        try {
          return await this.#past(state, call, undefined)
        } catch (error) {
          if (outcomeUnknown(error)) await unknownOutcome(this.#engine, state, EVERYTHING, call.text)
          throw error
        } finally {
          await this.#engine.everythingOf(state.source, call.text, 'another session prepared these changes', scope)
        }
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
      if (!outcomeUnknown(error)) await this.#writer.sawOthers(state, changes, cause, error)
      else await unknownOutcome(this.#engine, state, changes, cause)
      this.#chained(state, statement, isolation)
      throw error
    }
    // A14: COMMIT of a failed transaction answers ROLLBACK.
    const committed = call.outcomes(result).some((outcome) => outcome.command === 'COMMIT')
    const ended = session.end()
    this.#chained(state, statement, isolation)
    if (committed) await this.#deliver(state, ended, scope)
    return result
  }

  async #deliver(state: ConnectionState, ended: ReturnType<Session['end']>, scope: Scope): Promise<void> {
    const { database } = state.source
    const { changes, cause, catalogs } = ended
    if (!database || changes.length === 0) return
    await this.#engine.pause('committed', cause)
    await this.#engine.delivery.deliver(
      database.id,
      changes,
      { text: `COMMIT of ${cause}`, reasons: [], catalogs },
      scope.deferred,
    )
  }

  #chained(state: ConnectionState, statement: TransactionStatement, isolation: Isolation | undefined): void {
    if (statement.chain && state.connection.status() !== 'idle') state.session.begin(isolation)
    else state.session.follow(state.connection.status())
  }
}

function isSessionOnly({ kind }: Statement): boolean {
  return kind === 'harmless' || kind === 'setting' || kind === 'lock'
}

function valuesOf(call: Call<unknown>, analysis: Analysis): CallValues {
  return { params: call.params, literals: analysis.literals }
}
