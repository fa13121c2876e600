import type { Lease } from '../store/store.js'

/** Over so many statements a result would hang on too much. */
const MOST_LEASES = 1000

/** What an answer depends on, and how it may be used. */
export interface Answered {
  /** Ids of databases → ids of tables. */
  readonly tables: Readonly<Record<string, readonly string[]>>
  /** Key bases of the sessions that were asked (S8). */
  readonly bases: readonly string[]
  /** Milliseconds that it may live. */
  readonly ttl: number
}

export interface RecorderOptions {
  /** Each statement counts; else only what came from the cache, as the dependencies are known otherwise. */
  readonly strict: boolean
  /** Statements of other flows count too, as a loader may have sent them for several callers (S9). */
  readonly batches: boolean
}

/** What one call of a function depends on: told of each statement that ran in its flow. */
export class Recorder {
  readonly outer: Recorder | undefined
  readonly strict: boolean
  readonly batches: boolean
  readonly leases = new Set<Lease>()
  readonly tables = new Map<string, Set<string>>()
  readonly bases = new Set<string>()
  /** The smallest of its own statements, in milliseconds. */
  ttl = Number.POSITIVE_INFINITY
  /** A statement ran in its own flow (S9). */
  attributed = false
  /** Why the result must not be kept. */
  reason: string | undefined

  constructor(outer: Recorder | undefined, { strict, batches }: RecorderOptions) {
    this.outer = outer
    this.strict = strict
    this.batches = batches
  }

  /** Whether reads that nobody asked to cache are to be answered under a lease. */
  get wantsLeases(): boolean {
    return this.strict || (this.outer?.wantsLeases ?? false)
  }

  /** Whether it is the one of a flow, or one around it. */
  isAround(inner: Recorder | undefined): boolean {
    for (let at = inner; at; at = at.outer) if (at === this) return true
    return false
  }

  /** A21: the lease under which it was verified. `own`: it was in the flow of the call itself. */
  answered(lease: Lease, { tables, bases, ttl }: Answered, own: boolean): void {
    if (this.reason !== undefined) return
    this.leases.add(lease)
    if (own) this.attributed = true
    for (const [database, ids] of Object.entries(tables)) {
      const known = this.tables.get(database)
      if (known) for (const id of ids) known.add(id)
      else this.tables.set(database, new Set(ids))
    }
    for (const base of bases) this.bases.add(base)
    if (own && ttl < this.ttl) this.ttl = ttl
    if (this.leases.size > MOST_LEASES) this.reason = `more than ${MOST_LEASES} statements ran in it`
  }

  /** @param doubtful - it may have shown what is not committed, or no longer so */
  passed(reason: string, doubtful: boolean): void {
    if (this.strict || doubtful) this.reason ??= `a statement ran past the cache: ${reason}`
  }
}

/** The recorders of an engine that are at work. */
export class Recorders {
  readonly #running = new Set<Recorder>()

  /** Asked for every statement. */
  get active(): boolean {
    return this.#running.size > 0
  }

  begin(recorder: Recorder): void {
    this.#running.add(recorder)
  }

  /** What comes later cannot be in its result. */
  end(recorder: Recorder): void {
    this.#running.delete(recorder)
  }

  /**
   * A statement, or a function, was answered.
   *
   * @param inner - the recorder of its flow
   * @param hit - it came from the cache: what it says may be older than the call
   */
  answered(inner: Recorder | undefined, lease: Lease, answered: Answered, hit: boolean): void {
    for (const recorder of this.#running) {
      const own = recorder.isAround(inner)
      if ((own || recorder.batches) && (hit || recorder.strict)) recorder.answered(lease, answered, own)
    }
  }

  passed(inner: Recorder | undefined, reason: string, doubtful: boolean): void {
    for (const recorder of this.#running) {
      if (recorder.isAround(inner)) recorder.passed(reason, doubtful)
      // S9: it may have been sent for this one, too.
      else if (recorder.batches) recorder.passed(`another flow, ${reason}`, doubtful)
    }
  }
}
