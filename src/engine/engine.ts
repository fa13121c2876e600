import { debuglog } from 'node:util'
import { ConfigError } from '../base/errors.js'
import { databaseIdentity } from '../catalog/identity.js'
import type { Change } from '../invalidation/dependency.js'
import type { Analysis, TextAnalysis } from '../sql/analysis.js'
import { type AnalyzeOptions, createAnalyzer, loadParser, parserFailed } from '../sql/analyze.js'
import type { Access, Call, Connection } from './connection.js'
import { Contexts } from './contexts.js'
import type { Core, PausePoint } from './core.js'
import { type Context, Database, queryOf } from './database.js'
import { Delivery } from './delivery.js'
import { type DifferenceEvent, Emitter, type FailureEvent } from './events.js'
import { explain } from './explain.js'
import type { Config } from './options.js'
import { Reader } from './reader.js'
import { Recorders } from './recorder.js'
import { Runner } from './runner.js'
import type { SampleResolver } from './samples.js'
import { type Scope, Scopes } from './scope.js'
import { settle } from './settle.js'
import { ConnectionState, Source } from './source.js'
import { Stats } from './stats.js'
import { Verifier } from './verifier.js'

/** Bytes that analyses and plans of texts may take. */
const ANALYSIS_BYTES = 32 * 1024 * 1024
const TOLD_EVERY_MS = 60_000
/** How long `close()` waits for outcomes that are not known (A2). */
const LONGEST_SETTLING_MS = 5000

/** What ties the rooms together: one per `createCacheops`. */
export class Engine implements Core {
  readonly config: Config
  readonly events = new Emitter()
  readonly scopes = new Scopes()
  readonly stats = new Stats()
  readonly recorders = new Recorders()
  readonly delivery: Delivery
  readonly reader: Reader
  readonly runner: Runner
  readonly #contexts: Contexts
  /** Of the ORMs that were set up. */
  readonly sampleResolvers = new Set<SampleResolver>()
  /** A test's hook; nothing else sets it. */
  onPause: ((point: PausePoint, what: string) => Promise<void> | undefined) | undefined
  lastFailure: unknown
  readonly #analyzer = createAnalyzer({ maxBytes: ANALYSIS_BYTES })
  readonly #databases = new Map<string, Database>()
  readonly #sources = new Set<Source>()
  readonly #dirty = new Set<ConnectionState>()
  readonly #told = new Map<string, number>()
  readonly #misnamed = new WeakSet<Database>()
  readonly #settling = new Set<Promise<void>>()
  readonly #debug = debuglog('cacheops')
  #parserReady = false
  #loading: Promise<void> | undefined
  #closed = false

  constructor(config: Config) {
    this.config = config
    this.delivery = new Delivery(config, this.events, this.stats, (id) => this.forgetCatalog(id))
    this.reader = new Reader(config, this.delivery, this.events, this.stats)
    this.#contexts = new Contexts(this)
    const verifier = config.verify > 0 ? new Verifier(this, this.#contexts, this.stats, config.verify) : undefined
    this.runner = new Runner(this, this.#contexts, verifier)
  }

  get parserReady(): boolean {
    return this.#parserReady
  }

  get closed(): boolean {
    return this.#closed
  }

  loadParser(): Promise<void> {
    this.#loading ??= loadParser().then(() => {
      this.#parserReady = true
      const failed = parserFailed()
      if (failed !== undefined)
        this.failed('parser', `${failed}: nothing is cached, and every write drops everything`, undefined)
    })
    return this.#loading
  }

  analyze(text: string, options?: AnalyzeOptions): TextAnalysis {
    return this.#analyzer.analyze(text, options)
  }

  /** A pool or client that was wrapped. */
  attach(access: Access): Source {
    const source = new Source(access, this.#dirty)
    this.#sources.add(source)
    return source
  }

  detach(source: Source): void {
    this.#sources.delete(source)
  }

  get sources(): ReadonlySet<Source> {
    return this.#sources
  }

  get databases(): Iterable<Database> {
    return this.#databases.values()
  }

  /** The database that an access reaches, by its identity (A4). Asks the server where nobody says. */
  async databaseOf(access: Access, connection: Connection): Promise<Database> {
    const identity = access.database ?? access.identity ?? (await databaseIdentity(queryOf(connection)))
    let database = this.#databases.get(identity)
    if (!database) {
      database = new Database(identity, this.config)
      this.#databases.set(identity, database)
    }
    return database
  }

  /**
   * Why a function that depends on these tables must not be answered from the cache: a transaction of this process has changed
   * them and is still open (S6). It may be the caller's own; nobody can tell, as a function is not called on a connection.
   */
  uncommitted(database: string, tables: readonly string[]): string | undefined {
    for (const { session, source } of this.#dirty) {
      if (source.database && source.database.id !== database) continue
      if (session.holdsLocks) return 'a transaction of this process holds locks'
      for (const change of session.queued) {
        if (!('table' in change)) return 'a transaction of this process has written'
        if (tables.includes(change.table)) return `a transaction of this process has written to ${change.table}`
      }
    }
    return undefined
  }

  /** Key bases of the sessions that fresh connections have, as far as they are known (S8). */
  get bases(): readonly string[] {
    const bases = new Set<string>()
    for (const source of this.#sources) {
      const context = source.current()
      if (context) bases.add(context.keyBase)
    }
    return [...bases]
  }

  forgetCatalog(id: string): void {
    for (const database of this.#databases.values()) if (database.id === id) database.forget()
  }

  /** Anything in the source's database may have changed; in every database where it is not known which it is. */
  async everythingOf(source: Source, text: string, reason: string, scope: Scope): Promise<void> {
    const change: Change = source.database ? { kind: 'database', catalog: true } : { kind: 'everything', catalog: true }
    if (!source.database) for (const database of this.#databases.values()) database.forget()
    await this.delivery.deliver(source.database?.id ?? '', [change], { text, reasons: [reason] }, scope.deferred)
  }

  /** A15: the server has crashed: it may have taken commits back that were read before. */
  crashed(source: Source): void {
    this.everythingOf(source, 'a crash of the server', 'it may have taken commits back', {}).catch(() => {
      // Kept, and an event says so.
    })
  }

  /** Blocks tables until it is known whether a write was carried out (A2). */
  async settle(
    state: ConnectionState,
    database: Database,
    tables: readonly string[] | 'database',
    cause: string,
  ): Promise<void> {
    const { free } = await settle(this, state, database, tables, cause)
    this.#settling.add(free)
    const done = () => void this.#settling.delete(free)
    free.then(done, done)
  }

  get pausing(): boolean {
    return this.onPause !== undefined
  }

  pause(point: PausePoint, what: string): Promise<void> | undefined {
    return this.onPause?.(point, what)
  }

  bypassed(sql: string, reason: string, tables: readonly string[]): void {
    this.stats.bypassed(reason)
    if (this.events.heard('bypass')) this.events.emit('bypass', { sql, reason, tables })
    this.#tell(`past the cache: ${reason}`, sql)
  }

  failed(what: FailureEvent['what'], message: string, error: unknown): void {
    this.lastFailure = error
    this.events.emit('failure', { what, message, error })
    this.#tell(message, error instanceof Error ? error.message : '')
  }

  differed(event: DifferenceEvent): void {
    this.events.emit('difference', event)
    this.#tell(`a hit differs from the database (${event.difference})`, event.sql)
  }

  /** Each message once a minute at most. */
  #tell(message: string, detail: string): void {
    const { logger } = this.config
    if (!logger && !this.#debug.enabled) return
    const now = performance.now()
    if (now - (this.#told.get(message) ?? Number.NEGATIVE_INFINITY) < TOLD_EVERY_MS) return
    if (this.#told.size > 500) this.#told.clear()
    this.#told.set(message, now)
    const line = `cacheops: ${message}${detail ? ` (${detail.length > 200 ? `${detail.slice(0, 200)}…` : detail})` : ''}`
    logger?.warn(line)
    this.#debug(line)
  }

  /** Names in the configuration that a database does not know are told once; `ready()` throws them. */
  configured(database: Database): void {
    if (this.#misnamed.has(database)) return
    this.#misnamed.add(database)
    const error = database.unknownNames()
    if (error) this.failed('catalog', error.message, error)
  }

  explained(
    scope: Scope,
    call: Call<unknown>,
    analysis: Analysis,
    context: Context,
    reason?: string,
    hit?: boolean,
  ): void {
    if (!scope.explain) return
    scope.explain.push({
      ...explain(this, context, call, analysis, scope, reason),
      ...(hit === undefined ? {} : { hit }),
    })
  }

  /** @throws what kept the parser or a catalog from being loaded */
  async ready(): Promise<void> {
    if (this.#sources.size === 0) {
      throw new ConfigError(
        'ready(): nothing is wrapped yet. Expected a pool, client or database made with cachedPg or cachedPGlite before.',
      )
    }
    await this.loadParser()
    const failed = parserFailed()
    if (failed !== undefined) throw new ConfigError(failed)
    for (const source of this.#sources) {
      const { database } = await this.lookAt(source)
      const misnamed = database.unknownNames()
      if (misnamed) throw misnamed
    }
  }

  /** What a source leads to now, over a connection of its own. */
  lookAt(source: Source): Promise<Context> {
    return source.access.withConnection(async (connection) => {
      const state = new ConnectionState(connection, source)
      try {
        return await this.#contexts.prepare(state)
      } finally {
        source.forget(state)
      }
    })
  }

  /** Delivers what is queued, waits a while for outcomes that are being asked for. Rejects where something stays undelivered. */
  async close(): Promise<void> {
    this.#closed = true
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_SETTLING_MS)
    })
    await Promise.race([Promise.allSettled(this.#settling), enough])
    clearTimeout(timer)
    const delivered = await this.delivery.flush()
    this.delivery.close()
    if (!delivered) {
      throw new ConfigError(
        'close(): some invalidations could not be delivered to the store; what they concern may be stale until its ttl ends.',
      )
    }
  }
}

const engines = new WeakMap<object, Engine>()

export function register(handle: object, engine: Engine): void {
  engines.set(handle, engine)
}

/** @throws ConfigError where it is not what `createCacheops` gave */
export function engineOf(handle: object, where: string): Engine {
  const engine = typeof handle === 'object' && handle !== null ? engines.get(handle) : undefined
  if (!engine) throw new ConfigError(`${where}: expected what createCacheops() returned as the first argument.`)
  return engine
}
