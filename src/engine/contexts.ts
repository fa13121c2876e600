import { advisoryLockQuery, parseSettings, type Settings, settingsQuery } from '../catalog/settings.js'
import type { Isolation } from '../session/session.js'
import type { Core } from './core.js'
import { type Context, fits } from './database.js'
import { noteStart } from './server-start.js'
import { ConnectionState, type Source } from './source.js'

/** Finds out under which settings and which catalog a connection's statements run. */
export class Contexts {
  readonly #engine: Core
  readonly #loadingAside = new WeakSet<Source>()

  constructor(engine: Core) {
    this.#engine = engine
  }

  /** The context of the connection's session, or why there is none. */
  async of(state: ConnectionState): Promise<Context | string> {
    const { connection, session, source } = state
    const known = state.context
    if (state.recheckLocks) {
      state.recheckLocks = false
      const row = (await connection.run(advisoryLockQuery, [], undefined, true)).rows[0]
      // Behind a pooler another backend was asked than the one that holds it.
      if (row?.[0] === 'f' && !source.pooled) session.unlocked()
    }
    if (source.spoiled !== undefined) return source.spoiled
    if (known && session.settingsKnown && known.database.current(known) && !session.catalogTouched) return known
    if (session.catalogTouched) return 'the transaction has changed definitions'
    // Definitions can change what the search path leads to, without any SET.
    if (known && !known.database.current(known)) session.settingsKnown = false
    try {
      source.database ??= await this.#engine.databaseOf(source.access, connection)
      let settings = state.settings
      if (!session.settingsKnown || !settings) {
        settings = await this.#settings(state, source.database.customSettings)
        session.settingsKnown = true
        // S6: however it came to be, by SET, by a function, or by the database's default.
        if (session.inTransaction) session.setIsolation(settings.transactionIsolation as Isolation)
        if (connection.pid !== undefined && connection.pid !== settings.pid) state.behindPooler()
        if (source.spoiled !== undefined) return source.spoiled
        if (settings.temporary) session.spoil('the session has temporary tables')
        if (settings.nullEquals) session.spoil('transform_null_equals is on')
        if (!settings.utf8) session.spoil('client_encoding is not UTF8')
      }
      await noteStart(this.#engine, source, source.database, settings)
      const current = !session.inTransaction || (session.clean && isCachedIsolation(settings.transactionIsolation))
      let context = await source.database.context(connection, settings, source.access.replica, current)
      if (!fits(settings, context.catalog)) {
        // S8: this catalog's definitions read settings that were not asked for.
        settings = await this.#settings(state, context.catalog.customSettings)
        context = await source.database.context(connection, settings, source.access.replica, current)
        if (!fits(settings, context.catalog)) throw new Error('definitions change all the time')
      }
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

  async #settings(state: ConnectionState, custom: readonly string[]): Promise<Settings> {
    const row = (await state.connection.run(settingsQuery(custom), [], undefined, true)).rows[0] ?? []
    state.settings = parseSettings(row, custom)
    return state.settings
  }

  /** A7: who has an older catalog reads it again before it plans a write. S7: a store that does not answer fails none. */
  async upToDate(state: ConnectionState, context: Context | string): Promise<Context | string> {
    if (typeof context === 'string' || state.session.catalogTouched) return context
    try {
      // A later statement of a transaction, or one that can be run again in the user's own words, need not ask.
      const known = !state.session.inTransaction || !state.session.clean
      const stale = context.database.stale(known)
      if (!(stale instanceof Promise ? await stale : stale)) return context
    } catch (error) {
      this.#engine.failed('store', 'the catalog stamp could not be read: a write drops everything', error)
      return 'the store does not answer'
    }
    context.database.forget()
    return this.of(state)
  }

  /** Loads what `ready()` promises: settings and catalog, over a connection of its own. */
  async prepare(state: ConnectionState): Promise<Context> {
    if (!this.#engine.parserReady) await this.#engine.loadParser()
    const { connection, source } = state
    source.database ??= await this.#engine.databaseOf(source.access, connection)
    const context = await this.of(state)
    if (typeof context === 'string') throw this.#engine.lastFailure ?? new Error(`cacheops: ${context}`)
    return context
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
}

/** Whether reads of a transaction of this level may come from the cache (S6). */
export function isCachedIsolation(isolation: string): boolean {
  return isolation === 'read committed' || isolation === 'read uncommitted'
}
