import type { MaybePromise } from '../base/vocabulary.js'
import type { CallValues } from '../invalidation/template.js'
import type { ReadPlan } from '../plan/read.js'
import type { Analysis } from '../sql/analysis.js'
import type { Entry, Lease, ReadReply } from '../store/store.js'
import { type Call, type Looked, next } from './connection.js'
import { isCachedIsolation } from './contexts.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { follow, past } from './pass.js'
import type { CachedRead, Flight } from './reader.js'
import type { Scope } from './scope.js'
import type { ConnectionState, Source } from './source.js'
import { Turns } from './turns.js'
import type { Verifier } from './verifier.js'

/** How often a read looks for definitions that hold before it goes past the cache. */
const MOST_TRIES = 3

/** Plans a call anew, with the definitions as they are now, and runs it. */
type Replan = <R>(state: ConnectionState, call: Call<R>, analysis: Analysis, scope: Scope, tries: number) => Promise<R>

/** Answers reads: from the store, by another's read of the same, or from the database under a lease. */
export class Reads {
  readonly #engine: Core
  readonly #replan: Replan
  readonly #verifier: Verifier | undefined
  readonly #turns: Turns

  constructor(engine: Core, replan: Replan, verifier: Verifier | undefined) {
    this.#engine = engine
    this.#replan = replan
    this.#verifier = verifier
    this.#turns = new Turns(engine.config.store)
  }

  /**
   * Answers a call without a connection where that is possible: from the store, or by waiting for another's read of
   * the same. Undefined where a connection is needed. `scope` is that of the caller.
   */
  peek<R>(source: Source, call: Call<R>, scope: Scope): MaybePromise<{ readonly result: R } | undefined> {
    const analysis = this.#single(call)
    const context = source.current()
    if (!analysis || !context || !isCachedIsolation(context.settings.isolation)) return undefined
    const { read: plan } = context.planner.plan(analysis.template)
    if (!plan || call.uncacheable !== undefined || scope.explain) return undefined
    const read = this.#engine.reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') return undefined
    const { kept } = this.#engine.reader
    const reply = this.#engine.reader.look(read)
    if (reply instanceof Promise) {
      return reply.then((late) => this.#peeked(source, read, late, call, scope, kept, false))
    }
    return this.#peeked(source, read, reply, call, scope, kept, false)
  }

  #peekAgain<R>(
    source: Source,
    read: CachedRead,
    call: Call<R>,
    scope: Scope,
  ): MaybePromise<{ readonly result: R } | undefined> {
    const { kept } = this.#engine.reader
    return next(this.#engine.reader.look(read), (late) => this.#peeked(source, read, late, call, scope, kept, true))
  }

  #peeked<R>(
    source: Source,
    read: CachedRead,
    reply: Awaited<ReturnType<Core['reader']['look']>>,
    call: Call<R>,
    scope: Scope,
    kept: number,
    waited: boolean,
  ): MaybePromise<{ readonly result: R } | undefined> {
    if (reply?.kind === 'hit') return { result: this.#hit(source, read, reply, call, scope) }
    if (reply?.kind !== 'miss') return undefined
    const { key } = read.request
    const flight = this.#engine.reader.flights.get(key)
    if (!flight) {
      if (!this.#turns.wanted(read) || waited) {
        call.looked = { key, read, reply, kept, turned: true }
        return undefined
      }
      // Who waits for another process holds no connection meanwhile.
      return next(this.#turns.take(read, reply.lease), (mine) =>
        mine ? this.#peeked(source, read, reply, call, scope, kept, true) : this.#peekAgain(source, read, call, scope),
      )
    }
    const joined = this.#engine.reader.join(flight)
    return joined.then((entry) => entry && { result: this.#joined(read, entry, call, scope, flight.lease) })
  }

  #single<R>(call: Call<R>): Analysis | undefined {
    if (!this.#engine.parserReady) return undefined
    const { statements } = this.#engine.analyze(call.text)
    return statements.length === 1 && statements[0]?.template.statement.kind === 'select' ? statements[0] : undefined
  }

  /** A hit, or a miss that nobody else reads, in a session whose state is all known: nothing is awaited before the database. */
  quick<R>(state: ConnectionState, call: Call<R>, scope: Scope): { readonly result: MaybePromise<R> } | undefined {
    const { session, context, connection } = state
    if (!context || !session.settingsKnown || session.pastCache !== undefined || scope.explain) return undefined
    // B9: a transaction that has failed, or a connection that is gone, answers by itself.
    const status = connection.status()
    if (status === 'failed' || status === 'unknown' || session.differs(status)) return undefined
    if (call.uncacheable !== undefined || !context.database.current(context) || state.recheckLocks) return undefined
    if (!readsCommitted(state, context) || !context.settings.liftable) return undefined
    if (call.looked) return this.#missed(state, context, call, scope, call.looked)
    const analysis = this.#single(call)
    if (!analysis) return undefined
    const { read: plan } = context.planner.plan(analysis.template)
    if (!plan) return undefined
    const read = this.#engine.reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') return undefined
    const reply = this.#look(read, call)
    if (reply instanceof Promise) return undefined
    if (reply?.kind === 'hit') return { result: this.#hit(state.source, read, reply, call, scope) }
    if (reply?.kind !== 'miss' || this.#engine.reader.flights.has(read.request.key)) return undefined
    if (this.#turns.wanted(read)) return undefined
    return { result: this.#fill(state, call, read, scope, reply.lease) }
  }

  /** A call that was a miss when there was no connection yet, a moment ago: what was decided then holds if nothing came between. */
  #missed<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    scope: Scope,
    { read: known, reply, kept, turned }: Looked,
  ): { readonly result: Promise<R> } | undefined {
    const { reader, delivery } = this.#engine
    const read = known as CachedRead
    if (reply instanceof Promise || reply?.kind !== 'miss') return undefined
    if (read.context !== context || kept !== reader.kept || reader.flights.has(read.request.key)) return undefined
    if (delivery.readPast(context.database.id, read.plan.tableIds) !== undefined) return undefined
    if (!turned && this.#turns.wanted(read)) return undefined
    return { result: this.#fill(state, call, read, scope, reply.lease) }
  }

  /** Answers a read, however long it takes. `tries` counts how often it was planned. */
  async read<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: ReadPlan,
    scope: Scope,
    tries: number,
    waited = false,
  ): Promise<R> {
    const { reader } = this.#engine
    const read =
      whyPast(state, context, call) ??
      reader.decide(context, plan, analysis, valuesOf(call, analysis), scope, call.text)
    if (typeof read === 'string') {
      this.#engine.explained(scope, call, analysis, context, read)
      const tables = plan.tables.map((table) => table.id)
      return past(this.#engine, state, call, read, tables)
    }
    const turned = waited || (call.looked?.turned ?? false)
    const reply = await this.#look(read, call)
    // Whatever is asked from here on is asked anew.
    call.looked = undefined
    if (reply?.kind === 'stale-catalog') {
      context.database.forget()
      // Definitions that change at every look would keep it looking.
      if (tries >= MOST_TRIES)
        return past(this.#engine, state, call, 'definitions change all the time', read.plan.tableIds)
      return this.#replan(state, call, analysis, scope, tries + 1)
    }
    if (reply?.kind === 'hit') {
      this.#engine.explained(scope, call, analysis, context, undefined, true)
      return this.#hit(state.source, read, reply, call, scope)
    }
    if (reply?.kind === 'blocked') return past(this.#engine, state, call, reply.reason, read.plan.tableIds)
    const lease = reply?.lease
    // Inside a transaction nobody waits for another: what the other waits for may be a lock that this one holds.
    const flight = lease && !state.session.inTransaction ? reader.flights.get(read.request.key) : undefined
    if (flight) {
      const entry = await reader.join(flight)
      if (entry) {
        this.#engine.explained(scope, call, analysis, context, undefined, true)
        return this.#joined(read, entry, call, scope, flight.lease)
      }
    }
    if (lease && !flight && !turned && !state.session.inTransaction && !(await this.#turns.take(read, lease)))
      return this.read(state, context, call, analysis, plan, scope, tries, true)
    this.#engine.explained(scope, call, analysis, context, undefined, false)
    return this.#fill(state, call, read, scope, lease)
  }

  /** Asks the store, once a call: a lease that was taken earlier holds as well (S4). */
  #look(read: CachedRead, call: Call<unknown>): MaybePromise<ReadReply | undefined> {
    const { reader } = this.#engine
    const { looked } = call
    const { key } = read.request
    if (looked?.key === key && looked.kept === reader.kept) return looked.reply
    const { kept } = reader
    const reply = reader.look(read)
    call.looked = { key, read, reply, kept, turned: false }
    return reply
  }

  #hit<R>(
    source: Source,
    read: CachedRead,
    reply: ReadReply & { readonly kind: 'hit' },
    call: Call<R>,
    scope: Scope,
  ): R {
    const { entry, lease, stored } = reply
    const result = call.decode(entry)
    if (this.#engine.recorders.active) this.#record(call, scope, read, lease, true)
    this.#engine.reader.told(read, true, false)
    this.#verifier?.hit({ source, read, entry, lease, stored, params: call.params })
    return result
  }

  #joined<R>(read: CachedRead, entry: Entry, call: Call<R>, scope: Scope, lease: Lease): R {
    const result = call.decode(entry)
    if (this.#engine.recorders.active) this.#record(call, scope, read, lease, true)
    this.#engine.reader.told(read, true, true)
    return result
  }

  /** Functions that are at work hear under which stamps a statement was answered (A21). */
  #record(call: Call<unknown>, scope: Scope, read: CachedRead, lease: Lease, hit: boolean): void {
    const { database, keyBase } = read.context
    const answered = { tables: { [database.id]: read.plan.tableIds }, bases: [keyBase], ttl: read.ttl }
    this.#engine.recorders.answered(scope.recorder, lease, answered, hit)
    call.told = true
  }

  /** Asks the database and keeps what it says under the lease, if there is one. */
  async #fill<R>(
    state: ConnectionState,
    call: Call<R>,
    read: CachedRead,
    scope: Scope,
    lease: Lease | undefined,
  ): Promise<R> {
    const { reader } = this.#engine
    const { key } = read.request
    const { source } = state
    // Nothing is awaited between the look for a flight and this one's registration: two would take off.
    const landed = this.#ask(state, call, key)
    // A3: what a replica says may lag, so it is not for others.
    const flight: Flight | undefined =
      lease && read.context.storable ? { lease, landed: source.pooled ? unspoiled(source, landed) : landed } : undefined
    if (flight) {
      // Only what runs on a connection can be waited for: a waiter may hold the last one of its pool.
      flight.landed.catch(() => undefined)
      reader.flights.set(key, flight)
    }
    let kept: Promise<void> | undefined
    try {
      const entry = await landed
      let holds = false
      if (lease && state.connection.status() !== 'failed' && source.spoiled === undefined) {
        if (this.#engine.pausing) await this.#engine.pause('before-store', key)
        holds = reader.holds(read, entry)
        if (holds) kept = reader.keep(read, lease, entry)
      }
      const result = call.decode(entry)
      if (this.#engine.recorders.active) {
        if (lease && holds) this.#record(call, scope, read, lease, false)
        else call.why = 'it was answered, but not under stamps that could be held'
      }
      reader.told(read, false, false)
      return result
    } finally {
      if (flight && reader.flights.get(key) === flight) reader.flights.delete(key)
      if (read.lock) {
        if (kept) void kept.then(() => this.#turns.done(key))
        else this.#turns.done(key)
      }
      await follow(this.#engine, state)
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
}

/** For those who join: nobody knows under which settings it was read where a setting was changed meanwhile (A5). */
async function unspoiled(source: Source, landed: Promise<Entry>): Promise<Entry> {
  const entry = await landed
  if (source.spoiled !== undefined) throw new Error(`cacheops: ${source.spoiled}`)
  return entry
}

function whyPast(state: ConnectionState, context: Context, call: Call<unknown>): string | undefined {
  if (call.uncacheable !== undefined) return call.uncacheable
  const { pastCache } = state.session
  if (pastCache !== undefined) return pastCache
  if (!readsCommitted(state, context)) {
    return `the isolation level is ${state.session.isolation ?? context.settings.isolation}`
  }
  return undefined
}

function readsCommitted(state: ConnectionState, context: Context): boolean {
  return isCachedIsolation(state.session.isolation ?? context.settings.isolation)
}

function valuesOf(call: Call<unknown>, analysis: Analysis): CallValues {
  return { params: call.params, literals: analysis.literals }
}
