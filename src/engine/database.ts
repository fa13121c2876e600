import { createHash } from 'node:crypto'
import { show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Query } from '../base/query.js'
import type { MaybePromise } from '../base/vocabulary.js'
import type { Catalog } from '../catalog/catalog.js'
import { loadCatalog } from '../catalog/load.js'
import { readableTables } from '../catalog/privileges.js'
import type { Settings } from '../catalog/settings.js'
import { Planner } from '../plan/planner.js'
import { type Connection, next } from './connection.js'
import type { Config } from './options.js'

/** Everything that plans and keys of one kind of session are made with. Good as long as its catalog is. */
export interface Context {
  readonly database: Database
  readonly catalog: Catalog
  readonly catalogStamp: string
  readonly settings: Settings
  readonly planner: Planner
  /** The part of an entry's key that all its reads share (S8). */
  readonly keyBase: string
  /** It may be served but must not store: a replica, or read-only by default (A3). */
  readonly storable: boolean
}

/** Most conjs of a condition or a dependency; over it coarser. */
export const MAX_CONJS = 64

/** Contexts of one catalog; over it the oldest go. */
const MOST_CONTEXTS = 1000

interface Loaded {
  readonly catalog: Catalog
  readonly stamp: string
  readonly contexts: Map<string, Context>
  /** By search path. */
  readonly planners: Map<string, Planner>
  readonly readable: Map<string, MaybePromise<ReadonlySet<number>>>
  /** Read from a replica, which may be behind: nobody but replicas plans with it (A3, A7). */
  readonly lagging: boolean
}

interface Loading {
  readonly loaded: Promise<Loaded>
  readonly lagging: boolean
}

/** One database, by the identity of its data: its catalog, shared by all connections that reach it. */
export class Database {
  /** With the prefix: the name in stamp keys. */
  readonly id: string
  /** Starts of its servers that this process has seen (A15). */
  readonly starts = new Set<string>()
  readonly #config: Config
  #loaded: Loaded | undefined
  #customSettings: readonly string[] = []
  #loading: Loading | undefined

  constructor(identity: string, config: Config) {
    this.id = config.prefix === '' ? identity : `${config.prefix}:${identity}`
    this.#config = config
  }

  get loaded(): boolean {
    return this.#loaded !== undefined
  }

  get catalog(): Catalog | undefined {
    return this.#loaded?.catalog
  }

  /** The custom settings that definitions read, as far as a catalog has told. */
  get customSettings(): readonly string[] {
    return this.#customSettings
  }

  /** The stamp that the catalog was loaded under, where it is loaded. */
  get catalogStamp(): string | undefined {
    return this.#loaded?.stamp
  }

  /** Definitions changed: nothing planned with this catalog holds any longer (A7). */
  forget(): void {
    this.#loaded = undefined
    this.#loading = undefined
  }

  /** Whether a context was made with the catalog that holds now. */
  current(context: Context): boolean {
    return (
      this.#loaded !== undefined &&
      context.catalog === this.#loaded.catalog &&
      context.catalogStamp === this.#loaded.stamp
    )
  }

  /**
   * The catalog stamp in the store is another than ours: someone changed definitions.
   *
   * @param known - by what this process saw last; what it has not seen yet is found out when its changes are delivered
   */
  stale(known: boolean): MaybePromise<boolean> {
    const loaded = this.#loaded
    if (!loaded) return true
    return next(this.#config.store.catalogStamp(this.id, known), (stamp) => stamp !== loaded.stamp)
  }

  /**
   * The context of a session. Loads the catalog over the connection where it is not there. A load outside of a transaction is
   * shared by all who wait for one; one inside is not, as who waits for another's locks must not wait for its load.
   *
   * @param current - whether the connection sees what is committed, and only that: else its catalog is for itself (A7)
   */
  async context(connection: Connection, settings: Settings, replica: boolean, current: boolean): Promise<Context> {
    const lagging = replica || settings.inRecovery
    return this.#contextOf(this.#usable(lagging) ?? (await this.#load(connection, current, lagging)), settings, replica)
  }

  /** The same without a connection, where the catalog is loaded. */
  contextNow(settings: Settings, replica: boolean): Context | undefined {
    const loaded = this.#usable(replica || settings.inRecovery)
    return loaded && fits(settings, loaded.catalog) ? this.#contextOf(loaded, settings, replica) : undefined
  }

  #usable(lagging: boolean): Loaded | undefined {
    return this.#loaded && (lagging || !this.#loaded.lagging) ? this.#loaded : undefined
  }

  #share(loaded: Loaded): void {
    if (!loaded.lagging || !this.#usable(false)) this.#loaded = loaded
    this.#customSettings = loaded.catalog.customSettings
  }

  #contextOf(loaded: Loaded, settings: Settings, replica: boolean): Context {
    const storable = !(replica || settings.inRecovery || settings.readOnly)
    const key = `${settings.fingerprint} ${settings.isolation} ${storable} ${settings.inRecovery}`
    let context = loaded.contexts.get(key)
    if (!context) {
      context = this.#makeContext(loaded, settings, storable)
      // Where each user has settings of its own, there are as many as users.
      for (const oldest of loaded.contexts.keys()) {
        if (loaded.contexts.size < MOST_CONTEXTS) break
        loaded.contexts.delete(oldest)
      }
      loaded.contexts.set(key, context)
    }
    return context
  }

  #makeContext(loaded: Loaded, settings: Settings, storable: boolean): Context {
    return {
      database: this,
      catalog: loaded.catalog,
      catalogStamp: loaded.stamp,
      settings,
      planner: this.#planner(loaded, settings.searchPath),
      keyBase: digest(`${this.id}\n${settings.fingerprint}\n${loaded.catalog.version}`),
      storable,
    }
  }

  #planner({ planners, catalog }: Loaded, searchPath: readonly string[]): Planner {
    const path = JSON.stringify(searchPath)
    let planner = planners.get(path)
    if (!planner) {
      planner = new Planner(catalog, searchPath, this.#config.declarations, { maxConjs: MAX_CONJS })
      planners.set(path, planner)
    }
    return planner
  }

  async #load(connection: Connection, current: boolean, lagging: boolean): Promise<Loaded> {
    if (connection.status() !== 'idle') {
      const loaded = await this.#read(connection, false, lagging)
      if (current && !this.#usable(lagging)) this.#share(loaded)
      return loaded
    }
    if (!this.#loading || (this.#loading.lagging && !lagging)) {
      this.#loading = { loaded: this.#read(connection, true, lagging), lagging }
    }
    const loading = this.#loading
    try {
      const loaded = await loading.loaded
      if (this.#loading === loading) this.#share(loaded)
      return loaded
    } finally {
      if (this.#loading === loading) this.#loading = undefined
    }
  }

  async #read(connection: Connection, snapshot: boolean, lagging: boolean): Promise<Loaded> {
    const query = queryOf(connection)
    // A7: the stamp before the catalog, so that a change in between is noticed.
    const stamp = await this.#config.store.catalogStamp(this.id)
    const catalog = await loadCatalog(query, this.id, { snapshot })
    return { catalog, stamp, contexts: new Map(), planners: new Map(), readable: new Map(), lagging }
  }

  /** Names in the configuration that the database does not know: an error of `ready()`, told once by an event else. */
  unknownNames(): ConfigError | undefined {
    const unknown = this.#config.policy.unknownNames(this.#loaded?.catalog.tables.values() ?? [])
    if (!this.#loaded || unknown.length === 0) return undefined
    const list = unknown.map(
      ({ pattern, nearest }) => `${show(pattern)}${nearest ? ` (did you mean ${show(nearest)}?)` : ''}`,
    )
    return new ConfigError(
      `models: the database has no table ${list.join(', ')}. Expected names of tables, or patterns with *.`,
    )
  }

  /** Whether the role may SELECT every column of the table: only then can RETURNING be widened. */
  readable(connection: Connection, role: string, oid: number): MaybePromise<boolean> {
    const loaded = this.#loaded
    if (!loaded) return false
    const known = loaded.readable.get(role)
    if (known) return known instanceof Promise ? known.then((tables) => tables.has(oid)) : known.has(oid)
    if (connection.status() === 'failed') return false
    const asked = readableTables(queryOf(connection), role)
    loaded.readable.set(role, asked)
    return asked.then(
      (tables) => {
        loaded.readable.set(role, tables)
        return tables.has(oid)
      },
      (error: unknown) => {
        loaded.readable.delete(role)
        throw error
      },
    )
  }
}

/** Whether the settings hold the value of every custom setting that the catalog's definitions read (S8). */
export function fits(settings: Settings, catalog: Catalog): boolean {
  return catalog.customSettings.every((name) => settings.custom.includes(name))
}

export function queryOf(connection: Connection): Query {
  return async (sql, params = []) => (await connection.run(sql, params, undefined, true)).rows
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
