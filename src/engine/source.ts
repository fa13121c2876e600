import type { Settings } from '../catalog/settings.js'
import { Session } from '../session/session.js'
import type { Access, Connection } from './connection.js'
import type { Context, Database } from './database.js'
import { NamedStatements } from './named-statements.js'
import { PreparedWrites } from './prepared.js'
import type { SettingsChange } from './settings-change.js'

/** One pool or client: how it reaches its database, and what its connections have in common. */
export class Source {
  readonly access: Access
  database: Database | undefined
  /** What a fresh connection of it looks like; learned from real ones after their hooks ran (S8). */
  #baseline: Context | undefined
  /** What each connection that was looked at showed; `undefined` where it is in doubt. */
  readonly #shown = new Map<ConnectionState, Context | undefined>()
  #agreed = true
  #spoiled: string | undefined
  /** Connections that their users may have set to something of their own, whoever looks at them later (S8). */
  readonly altered = new WeakSet<Connection>()
  /** Its connections share backends: a transaction pooler is in between (A5). */
  pooled = false

  /** Connections, of all sources, whose open transactions have written or hold locks. */
  readonly dirty: Set<ConnectionState>

  constructor(access: Access, dirty: Set<ConnectionState>) {
    this.access = access
    this.dirty = dirty
  }

  /** A context under which a read can be answered without a connection; undefined where connections differ. */
  get baseline(): Context | undefined {
    return this.#agreed && this.#spoiled === undefined ? this.#baseline : undefined
  }

  /** Why nothing of it is read from the cache, nor kept, any longer: no connection knows under which settings it is answered. */
  get spoiled(): string | undefined {
    return this.#spoiled
  }

  spoil(reason: string): void {
    this.#spoiled ??= reason
  }

  /** The baseline with the catalog as it is now; without one where nobody has read that yet. */
  current(): Context | undefined {
    const context = this.baseline
    if (!context || context.database.current(context)) return context
    const fresh = context.database.contextNow(context.settings, this.access.replica)
    if (fresh) this.#baseline = fresh
    return fresh
  }

  /** A connection outside of a transaction showed its settings. */
  learn(state: ConnectionState, context: Context): void {
    if (this.#agreed && this.#baseline === context && this.#shown.has(state)) return
    const { settings } = context
    // Where a text does not mean what the analysis takes it to mean, nothing is answered from afar.
    const plain = !settings.temporary && settings.liftable && !settings.nullEquals && settings.utf8
    this.#shown.set(state, plain ? context : undefined)
    this.#compare()
  }

  /** Its settings may differ until they are read again. */
  doubt(state: ConnectionState): void {
    this.#shown.set(state, undefined)
    this.#agreed = false
  }

  /** The connection is gone. */
  forget(state: ConnectionState): void {
    this.dirty.delete(state)
    if (this.#shown.delete(state)) this.#compare()
  }

  /** The connection broke by itself. Where it was the last, the server is looked at again before anything is answered (A15). */
  lost(state: ConnectionState): void {
    this.forget(state)
    if (this.#shown.size === 0) this.#baseline = undefined
  }

  #compare(): void {
    let baseline: Context | undefined
    // S8: one that its user set to something of his own says nothing of those to come.
    for (const [state, context] of this.#shown) if (!state.altered) baseline ??= context
    baseline ??= this.#baseline
    for (const context of this.#shown.values()) {
      if (!context || context.settings.fingerprint !== baseline?.settings.fingerprint) {
        this.#agreed = false
        return
      }
    }
    this.#agreed = true
    this.#baseline = baseline
  }
}

/** What the engine keeps of one connection. */
export class ConnectionState {
  readonly connection: Connection
  readonly source: Source
  readonly session: Session
  readonly prepared = new PreparedWrites()
  readonly named = new NamedStatements()
  settings: Settings | undefined
  #context: Context | undefined
  /** Something that it ran may have changed settings beyond its transaction. */
  #hasSet = false
  #handedOut = false
  /** Advisory locks may have been released: to be asked before the next read. */
  recheckLocks = false

  constructor(connection: Connection, source: Source) {
    this.connection = connection
    this.source = source
    this.session = new Session((dirty) => void (dirty ? source.dirty.add(this) : source.dirty.delete(this)))
  }

  /** From here on its statements are its user's, no longer those by which a pool prepares each connection. */
  handedOut(): void {
    this.#handedOut = true
  }

  /** Its user may have changed settings: they need not be those of other connections. */
  get altered(): boolean {
    return this.source.altered.has(this.connection)
  }

  /** The backend that answers is known to be the connection's own, for all its life. */
  get direct(): boolean {
    const { pid } = this.connection
    return pid !== undefined && !this.source.pooled && pid === this.settings?.pid
  }

  get context(): Context | undefined {
    return this.source.spoiled === undefined ? this.#context : undefined
  }

  set context(context: Context) {
    this.#context = context
  }

  /** What is about to run may change settings, which a pooler leaves to whoever is next on that backend (A5). */
  willSet(change: SettingsChange): void {
    if (change !== 'session') return
    this.#hasSet = true
    this.#leaks()
  }

  /** Its settings may be others now (A5), up to the end of its transaction or beyond (B7). */
  hasSet(change: SettingsChange): void {
    if (change === 'none') return
    this.named.forget()
    this.session.touchSettings()
    if (this.#handedOut) this.source.altered.add(this.connection)
    this.source.doubt(this)
    this.willSet(change)
  }

  /** It may have taken locks that outlive its transaction: whether any is left is asked before the next read (S6). */
  mayHoldLocks(): void {
    this.session.locked(true)
    this.recheckLocks = true
  }

  /** The backend that answered is not the connection's own: a transaction pooler is in between. */
  behindPooler(): void {
    this.source.pooled = true
    this.#leaks()
  }

  #leaks(): void {
    if (this.#hasSet && this.source.pooled) this.source.spoil('a setting was changed behind a transaction pooler')
  }
}
