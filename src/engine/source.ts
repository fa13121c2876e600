import type { Settings } from '../catalog/settings.js'
import { Session } from '../session/session.js'
import type { ReadReply } from '../store/store.js'
import type { Access, Connection } from './connection.js'
import type { Context, Database } from './database.js'

/** One pool or client: how it reaches its database, and what its connections have in common. */
export class Source {
  readonly access: Access
  database: Database | undefined
  /** What a fresh connection of it looks like; learned from a real one after its hooks ran (S8). */
  #baseline: Context | undefined
  /** Connections whose settings differ from the baseline. */
  readonly #differing = new Set<ConnectionState>()

  constructor(access: Access) {
    this.access = access
  }

  /** A context under which a read can be answered without a connection; undefined where connections differ. */
  get baseline(): Context | undefined {
    if (this.#differing.size > 0) return undefined
    return this.#baseline
  }

  rebase(context: Context): void {
    this.#baseline = context
  }

  get baselineSettings(): Settings | undefined {
    return this.#baseline?.settings
  }

  /** A connection outside of a transaction showed its settings. */
  learn(state: ConnectionState, context: Context): void {
    // Where a text does not mean what the analysis takes it to mean, nothing is answered from afar.
    if (context.settings.temporary || !context.settings.liftable || context.settings.nullEquals) {
      this.#differing.add(state)
      return
    }
    this.#baseline ??= context
    if (this.#baseline.settings.fingerprint === context.settings.fingerprint) {
      this.#differing.delete(state)
      this.#baseline = context
    } else this.#differing.add(state)
  }

  /** Its settings may differ until they are read again. */
  doubt(state: ConnectionState): void {
    this.#differing.add(state)
  }

  forget(state: ConnectionState): void {
    this.#differing.delete(state)
  }
}

/** What the engine keeps of one connection. */
export class ConnectionState {
  readonly connection: Connection
  readonly source: Source
  readonly session = new Session()
  settings: Settings | undefined
  context: Context | undefined
  /** The backend that answers is not the connection's own: a transaction pooler is in between (A5). */
  pooled = false
  /** The store was asked already, on the way that found that it must wait. */
  looked: { readonly key: string; readonly reply: Promise<ReadReply | undefined> } | undefined
  /** Advisory locks may have been released: to be asked before the next read. */
  recheckLocks = false

  constructor(connection: Connection, source: Source) {
    this.connection = connection
    this.source = source
  }
}
