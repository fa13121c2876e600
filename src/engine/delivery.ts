import { CacheopsError } from '../base/errors.js'
import type { Change } from '../invalidation/dependency.js'
import type { Invalidated } from '../store/store.js'
import type { Emitter } from './events.js'
import type { Config } from './options.js'
import type { Deferred } from './scope.js'
import type { Stats } from './stats.js'

/** Why a change happened, for events. */
export interface Cause {
  readonly text: string
  readonly reasons: readonly string[]
  /** Stamps of the catalogs that the changes were planned with: where definitions have changed since, they may be too few (A7). */
  readonly catalogs?: readonly string[]
}

/** How long a process reads past tables of which another's commit may be visible before its invalidation (A13). */
const GRACE_MS = 1000
const LATE = 'definitions changed meanwhile'
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5000

/** Delivers changes to the store, keeps what could not be delivered, and knows what must be read past meanwhile (S7). */
export class Delivery {
  readonly #config: Config
  readonly #events: Emitter
  readonly #stats: Stats
  /** Called where a delivered change says that definitions changed. */
  readonly #onCatalog: (database: string) => void
  /** Told of all that was handed to the store, whatever it dropped. */
  onDelivered: ((database: string, changes: readonly Change[], cause: string) => void) | undefined
  readonly #undelivered = new Map<string, Change[]>()
  #flushing: Promise<boolean> | undefined
  readonly #grace = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #delay = FIRST_RETRY_MS

  constructor(config: Config, events: Emitter, stats: Stats, onCatalog: (database: string) => void) {
    this.#config = config
    this.#events = events
    this.#stats = stats
    this.#onCatalog = onCatalog
  }

  /**
   * Hands committed changes to the store. Resolves when they are delivered, or kept.
   *
   * @throws CacheopsError with `degradeOnFailure: false` where the store refused them: the write itself has happened
   */
  async deliver(
    database: string,
    changes: readonly Change[],
    cause: Cause,
    deferred: Deferred | undefined,
  ): Promise<void> {
    if (changes.length === 0 && !deferred) {
      // By the definitions it was planned with it changed nothing; whether they still hold is asked all the same (A7).
      const late = await this.#plannedLate(database, changes, cause)
      if (late.length === 0) return
      return this.deliver(database, late, { text: cause.text, reasons: [LATE] }, undefined)
    }
    if (deferred) {
      // Read past until it is known; then all of them at once.
      const late = await this.#plannedLate(database, changes, cause)
      const collected = deferred.changes.get(database)
      if (collected) collected.push(...changes, ...late)
      else deferred.changes.set(database, [...changes, ...late])
      return
    }
    if (changes.some((change) => change.kind === 'database' && change.catalog)) this.#onCatalog(database)
    const earlier = this.#undelivered.get(database)
    if (earlier) {
      // In order behind what is still waiting; bounded by giving up on rows.
      earlier.push(...changes)
      if (earlier.length > 10_000) earlier.splice(0, earlier.length, { kind: 'database', catalog: true })
      this.#refuse(cause, undefined)
      return
    }
    let dropped: Invalidated
    try {
      dropped = await this.#config.store.invalidate(database, changes)
    } catch (error) {
      this.#keep(database, changes, error)
      this.#refuse(cause, error)
      return
    }
    this.#told(database, changes, cause, dropped)
    const late = this.#late(database, changes, cause, dropped.catalogStamp)
    if (late.length > 0) await this.deliver(database, late, { text: cause.text, reasons: [LATE] }, undefined)
  }

  /** The same where its caller has an error of its own to tell: what could not be delivered is kept, and an event says so. */
  async deliverQuietly(database: string, changes: readonly Change[], cause: Cause): Promise<void> {
    try {
      await this.deliver(database, changes, cause, undefined)
    } catch {
      // Kept.
    }
  }

  /** A7: asked after the commit, so that whoever changes the definitions later drops everything later, too. */
  async #plannedLate(database: string, changes: readonly Change[], cause: Cause): Promise<readonly Change[]> {
    let stamp: string | undefined
    try {
      if (cause.catalogs && cause.catalogs.length > 0) stamp = await this.#config.store.catalogStamp(database)
    } catch {
      // Then it is not known.
    }
    return this.#late(database, changes, cause, stamp)
  }

  #late(database: string, changes: readonly Change[], cause: Cause, stamp: string | undefined): readonly Change[] {
    if (!cause.catalogs || cause.catalogs.length === 0 || changes.some((change) => change.kind === 'database'))
      return []
    if (cause.catalogs.every((catalog) => catalog === stamp)) return []
    this.#onCatalog(database)
    return [{ kind: 'database', catalog: false }]
  }

  #refuse(cause: Cause, error: unknown): void {
    if (this.#config.degradeOnFailure) return
    throw new CacheopsError(
      'CACHEOPS_UNDELIVERED',
      `The write was carried out, but its invalidation could not be delivered to the store (${cause.text}). It is kept and retried; reads of this process go past the cache until then.`,
      { cause: error },
    )
  }

  #told(database: string, changes: readonly Change[], cause: Cause, dropped: Invalidated): void {
    this.#stats.invalidations++
    this.onDelivered?.(database, changes, cause.text)
    if (!this.#events.heard('invalidated')) return
    this.#events.emit('invalidated', {
      database,
      cause: cause.text,
      tables: dropped.tables,
      everything: changes.some((change) => change.kind === 'database' || change.kind === 'everything'),
      reasons: cause.reasons,
    })
  }

  #keep(database: string, changes: readonly Change[], error: unknown): void {
    this.#stats.storeErrors++
    const kept = this.#undelivered.get(database)
    if (kept) kept.push(...changes)
    else this.#undelivered.set(database, [...changes])
    this.#events.emit('failure', {
      what: 'store',
      message: 'an invalidation could not be delivered; it is kept and retried',
      error,
    })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.flush()
    }, this.#delay)
    // Nothing of ours keeps a process alive that wants to end.
    this.#timer.unref()
    this.#delay = Math.min(this.#delay * 2, LAST_RETRY_MS)
  }

  /** How many committed changes the store has not taken yet. */
  get undelivered(): number {
    let count = 0
    for (const changes of this.#undelivered.values()) count += changes.length
    return count
  }

  /** Tries to deliver what is kept. True where nothing is left. */
  flush(): Promise<boolean> {
    // One at a time: two would take each other's rest for delivered.
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(): Promise<boolean> {
    for (const [database, changes] of [...this.#undelivered]) {
      const sent = new Set(changes)
      try {
        const dropped = await this.#config.store.invalidate(database, [...sent])
        this.#told(database, [...sent], { text: 'delivered late', reasons: [] }, dropped)
        // More may have come while these were on their way.
        const rest = changes.filter((change) => !sent.has(change))
        if (rest.length === 0) this.#undelivered.delete(database)
        else this.#undelivered.set(database, rest)
      } catch (error) {
        this.#stats.storeErrors++
        this.#events.emit('failure', { what: 'store', message: 'an invalidation is still not delivered', error })
      }
    }
    if (this.#undelivered.size > 0) {
      this.#schedule()
      return false
    }
    this.#delay = FIRST_RETRY_MS
    return true
  }

  /** This process reads past these tables for a moment: another's commit was seen by other means (A13). */
  grace(database: string, tables: readonly string[]): void {
    const until = performance.now() + GRACE_MS
    for (const table of tables) this.#grace.set(`${database} ${table}`, until)
  }

  /** Why reads of these tables must go past the cache; undefined where they need not. */
  readPast(database: string, tables: readonly string[]): string | undefined {
    if (this.#undelivered.size > 0 && (this.#undelivered.has(database) || this.#undelivered.has(''))) {
      return 'an invalidation is not delivered yet'
    }
    if (this.#grace.size === 0) return undefined
    const now = performance.now()
    for (const table of tables) {
      const key = `${database} ${table}`
      const until = this.#grace.get(key)
      if (until === undefined) continue
      if (until > now) return `a write to ${table} met another's a moment ago`
      this.#grace.delete(key)
    }
    return undefined
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
