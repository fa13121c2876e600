import type { WireRow } from '../base/vocabulary.js'
import type { WireParam } from '../invalidation/template.js'
import type { Entry, Lease } from '../store/store.js'
import type { Connection } from './connection.js'
import type { Contexts } from './contexts.js'
import type { Core } from './core.js'
import type { DifferenceEvent } from './events.js'
import { conjOf } from './explain.js'
import type { CachedRead } from './reader.js'
import { ConnectionState, type Source } from './source.js'
import type { Stats } from './stats.js'

/** Hits that are run again at one time; more are let go, so that the database is not loaded by its own control. */
const MOST_AT_ONCE = 2
/** How long a write that was committed may take to be told to the store, before a difference counts. */
const SETTLE_MS = 1000
/** Writes of this process that are remembered for the stories of entries. */
const MOST_WRITES = 500
/** Rows that an event shows of each side. */
const MOST_ROWS = 10

/** A hit that was chosen to be run again. */
export interface Hit {
  readonly source: Source
  readonly read: CachedRead
  readonly entry: Entry
  readonly lease: Lease
  /** When it was stored, in milliseconds since 1970. */
  readonly stored: number | undefined
  readonly params: readonly WireParam[]
}

/** A write that was told to the store. */
interface Write {
  readonly at: number
  readonly database: string
  readonly cause: string
  readonly tables: ReadonlySet<string>
}

/** In a write's tables: it may have changed any. */
const EVERY = '*'

/** Runs a share of the hits against the database, in the background, and tells where the two differ. */
export class Verifier {
  readonly #engine: Core
  readonly #stats: Stats
  readonly #contexts: Contexts
  readonly #share: number
  readonly #writes: Write[] = []
  #running = 0

  /** @param share - of the hits, from 0 to 1 */
  constructor(engine: Core, contexts: Contexts, stats: Stats, share: number) {
    this.#engine = engine
    this.#contexts = contexts
    this.#stats = stats
    this.#share = share
    engine.delivery.onDelivered = (database, changes, cause) => {
      const tables = new Set(changes.map((change) => ('table' in change ? change.table : EVERY)))
      this.#writes.push({ at: Date.now(), database, cause, tables })
      if (this.#writes.length > MOST_WRITES) this.#writes.shift()
    }
  }

  /** Told of every hit; the caller does not wait. */
  hit(hit: Hit): void {
    if (Math.random() >= this.#share || this.#engine.closed) return
    if (this.#running >= MOST_AT_ONCE) {
      this.#stats.verified.skipped++
      return
    }
    this.#running++
    this.#verify(hit)
      .catch((error: unknown) => {
        this.#stats.verified.skipped++
        if (!this.#engine.closed) this.#engine.failed('verify', 'a hit could not be compared with the database', error)
      })
      .finally(() => {
        this.#running--
      })
  }

  async #verify(hit: Hit): Promise<void> {
    const { verified } = this.#stats
    const first = await this.#ask(hit)
    if (first === undefined) verified.skipped++
    else if (!differ(hit, first)) verified.equal++
    else if (!(await this.#settled(hit))) verified.skipped++
    else {
      // A write that was on its way to the store when the first was asked has arrived by now.
      const second = await this.#ask(hit)
      const difference = second && differ(hit, second)
      if (!second || !difference || !(await this.#stands(hit))) verified.skipped++
      else {
        verified.different++
        this.#tell(hit, second, difference)
      }
    }
  }

  async #settled(hit: Hit): Promise<boolean> {
    if (!(await this.#stands(hit))) return false
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS).unref())
    return this.#stands(hit)
  }

  /** Whether the entry would still be served: only then is a difference one. */
  async #stands({ read, lease }: Hit): Promise<boolean> {
    const { delivery, config } = this.#engine
    if (delivery.readPast(read.context.database.id, read.plan.tableIds) !== undefined) return false
    return read.context.database.current(read.context) && (await config.store.stands(lease))
  }

  /** What the database says to the same session settings; undefined where there is no such connection. */
  #ask({ source, read, params }: Hit): Promise<Entry | undefined> {
    return source.access.withConnection(async (connection: Connection) => {
      if (connection.status() !== 'idle') return undefined
      const state = new ConnectionState(connection, source)
      try {
        const context = await this.#contexts.prepare(state)
        if (context.keyBase !== read.context.keyBase || connection.status() !== 'idle') return undefined
        return await connection.run(read.sql, params, undefined, true)
      } finally {
        source.forget(state)
      }
    })
  }

  #since({ context, plan }: CachedRead, stored: number): DifferenceEvent['writes'] {
    const { id } = context.database
    return this.#writes
      .filter(({ at, database }) => at >= Math.floor(stored) && (database === id || database === ''))
      .filter(({ tables }) => tables.has(EVERY) || plan.tableIds.some((table) => tables.has(table)))
      .map(({ at, cause }) => ({ at: new Date(at), cause }))
  }

  #tell({ read, entry, params, stored }: Hit, database: Entry, difference: 'rows' | 'order'): void {
    const tables = read.plan.tableIds
    const event: DifferenceEvent = {
      sql: read.sql,
      params,
      key: read.request.key,
      tables,
      difference,
      stored: stored === undefined ? undefined : new Date(stored),
      dependencies: read.request
        .dependencies()
        .map((dependency) => ({ table: dependency.scheme.table, conj: conjOf(dependency) })),
      writes: this.#since(read, stored ?? 0),
      onlyCached: without(entry.rows, database.rows).slice(0, MOST_ROWS),
      onlyDatabase: without(database.rows, entry.rows).slice(0, MOST_ROWS),
    }
    this.#engine.differed(event)
  }
}

/** Without an ORDER BY rows come as the server likes: only which they are counts. */
function differ({ entry, read }: Hit, database: Entry): 'rows' | 'order' | undefined {
  const [one, other] = [entry.rows, database.rows].map((rows) => rows.map((row) => JSON.stringify(row)))
  if (!one || !other) return undefined
  if (one.length === other.length && one.every((row, index) => row === other[index])) return undefined
  if (without(entry.rows, database.rows).length > 0 || without(database.rows, entry.rows).length > 0) return 'rows'
  return read.plan.ordered ? 'order' : undefined
}

/** The rows of one list that the other has not, or has less often. */
function without(rows: readonly WireRow[], others: readonly WireRow[]): readonly WireRow[] {
  const counts = new Map<string, number>()
  for (const row of others) {
    const key = JSON.stringify(row)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return rows.filter((row) => {
    const key = JSON.stringify(row)
    const left = counts.get(key) ?? 0
    if (left > 0) counts.set(key, left - 1)
    return left === 0
  })
}
