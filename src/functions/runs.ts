import type { Engine } from '../engine/engine.js'
import { type Answered, Recorder, type RecorderOptions } from '../engine/recorder.js'
import type { Scope } from '../engine/scope.js'
import type { Lease, Turn } from '../store/store.js'
import { Flights } from './flights.js'
import type { Kept, Shelf } from './shelf.js'

/** What is known of a call before it is looked for. */
export interface Asked {
  /** The function's name, and the call as events show it. */
  readonly name: string
  readonly what: string
  /** Of this variant of the call. */
  readonly key: string
  /** Of all its variants: dropped by hand. */
  readonly base: string
  /** Milliseconds; without it what its statements or samples allow. */
  readonly ttl: number | undefined
  readonly lock: boolean
  /** How its statements count; without it none does, and time alone ends its results. */
  readonly recorder: RecorderOptions | undefined
  /** Takes the lease of what it is known to depend on, before it runs (S4). A text: why it is not kept. */
  readonly prepare?: () => Promise<Prepared | string>
}

export interface Prepared {
  readonly lease: Lease
  readonly answered: Answered
}

interface Landed<T> {
  readonly value: T
  readonly kept: Kept | undefined
}

/** Answers calls of functions: from the store, by another's run of the same, or by running them. */
export class Runs {
  readonly #engine: Engine
  readonly #shelf: Shelf
  readonly #flights: Flights

  constructor(engine: Engine, shelf: Shelf) {
    this.#engine = engine
    this.#shelf = shelf
    this.#flights = new Flights(shelf)
  }

  /** Why nothing is answered from the cache in a scope, whatever it is. */
  whyOff(scope: Scope): string | undefined {
    if (!(scope.enabled ?? this.#engine.config.enabled)) return 'caching is switched off'
    return scope.cache === 'off' ? 'it asked for no cache' : undefined
  }

  /** Runs it, and tells why its result is not kept. */
  past<T>(what: string, reason: string, run: () => Promise<T>): Promise<T> {
    this.#passed(what, reason)
    return run()
  }

  async call<T>(asked: Asked, run: () => Promise<T>): Promise<T> {
    const scope = this.#engine.scopes.current
    if (!asked.recorder) this.#engine.recorders.passed(scope.recorder, `${asked.name} depends on time alone`, false)
    const found = await this.#shelf.find(asked.key)
    if (!found) return this.past(asked.what, 'the store did not answer', run)
    if (found.kind === 'hit') {
      const why = this.whyUnusable(found.kept.answered, scope)
      if (why !== undefined) return this.past(asked.what, why, run)
      const read = this.#shelf.valueOf(found.kept.text, asked.what)
      if (!read) return this.past(asked.what, 'what was kept cannot be read', run)
      return this.#hit(asked, scope, found.kept, read.value as T, false)
    }
    if (this.#flights.has(asked.key)) {
      const kept = await this.#flights.join(asked.key, scope.inside, asked.lock)
      const read =
        kept && this.whyUnusable(kept.answered, scope) === undefined && this.#shelf.valueOf(kept.text, asked.what)
      if (kept && read) return this.#hit(asked, scope, kept, read.value as T, true)
    }
    const landing = this.#land(asked, scope, found.lease, run)
    this.#flights.add(
      asked.key,
      landing.then(({ kept }) => kept),
    )
    return (await landing).value
  }

  /** Why a result that depends on this must not be used by a caller in this scope, in this process, now. */
  whyUnusable({ tables, bases }: Answered, scope: Scope): string | undefined {
    for (const [database, ids] of Object.entries(tables)) {
      if (scope.deferred?.changes.has(database)) return 'writes of deferInvalidation() are not delivered yet'
      const past = this.#engine.delivery.readPast(database, ids) ?? this.#engine.uncommitted(database, ids)
      if (past !== undefined) return past
    }
    if (bases.length === 0) return undefined
    const known = this.#engine.bases
    return bases.every((base) => known.includes(base)) ? undefined : 'its sessions are not those of this process'
  }

  /** The lease of a result, before it is computed; a text where it is not to be kept. */
  async prepare(
    asked: Asked,
    own: Lease,
  ): Promise<{ readonly leases: readonly Lease[]; readonly answered: Answered | undefined } | string> {
    const leases = [own]
    if (asked.base !== asked.key) {
      const lease = await this.#shelf.leaseOf(asked.base)
      if (!lease) return 'the store did not answer'
      leases.push(lease)
    }
    const prepared = await asked.prepare?.()
    if (typeof prepared === 'string') return prepared
    if (prepared) leases.push(prepared.lease)
    return { leases, answered: prepared?.answered }
  }

  async #land<T>(asked: Asked, scope: Scope, own: Lease, run: () => Promise<T>): Promise<Landed<T>> {
    const { what } = asked
    const prepared = await this.prepare(asked, own)
    if (typeof prepared === 'string') return { value: await this.past(what, prepared, run), kept: undefined }
    const turn = asked.lock ? await this.#turn(asked, scope, own) : undefined
    let stored: Promise<void> | undefined
    try {
      if (turn && !turn.mine) await turn.over
      // Another may have been done while the turn was asked for.
      const other = turn && (await this.#kept(asked, scope))
      if (other) return { value: this.#hit(asked, scope, other.kept, other.value as T, true), kept: other.kept }
      const { value, recorder } = await this.#run(asked, scope, run)
      const kept = this.#result(asked, scope, prepared, recorder, value)
      if (kept) {
        stored = this.#shelf.keep(kept.lease, kept.text, kept.answered.ttl, kept.answered)
        this.#told(asked, scope, false, false, kept.answered)
      }
      return { value, kept }
    } finally {
      if (turn?.mine) {
        if (stored) void stored.then(() => turn.done())
        else turn.done()
      }
    }
  }

  async #kept(asked: Asked, scope: Scope): Promise<{ readonly value: unknown; readonly kept: Kept } | undefined> {
    const found = await this.#shelf.find(asked.key)
    if (found?.kind !== 'hit' || this.whyUnusable(found.kept.answered, scope) !== undefined) return undefined
    const read = this.#shelf.valueOf(found.kept.text, asked.what)
    return read && { value: read.value, kept: found.kept }
  }

  async #turn(asked: Asked, { inside }: Scope, own: Lease): Promise<Turn | undefined> {
    // A call inside of itself would wait for itself.
    for (let at = inside; at; at = at.outer) if (at.key === asked.key) return undefined
    try {
      return await this.#engine.config.store.turn?.(own)
    } catch {
      // Without a lock it is as if none were asked for.
      return undefined
    }
  }

  async #run<T>(
    asked: Asked,
    scope: Scope,
    run: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly recorder: Recorder | undefined }> {
    const { scopes, recorders } = this.#engine
    const inside = { key: asked.key, outer: scope.inside }
    if (!asked.recorder) return { value: await scopes.exactly({ ...scope, inside }, run), recorder: undefined }
    const recorder = new Recorder(scope.recorder, asked.recorder)
    recorders.begin(recorder)
    try {
      return { value: await scopes.exactly({ ...scope, inside, recorder }, run), recorder }
    } finally {
      recorders.end(recorder)
    }
  }

  /** The result as it is to be kept; undefined, and told why, where it is not. */
  #result(
    asked: Asked,
    scope: Scope,
    { leases, answered }: { readonly leases: readonly Lease[]; readonly answered: Answered | undefined },
    recorder: Recorder | undefined,
    value: unknown,
  ): Kept | undefined {
    const reason = recorder && this.#whyNotKept(recorder)
    const limit = Math.min(
      answered?.ttl ?? Number.POSITIVE_INFINITY,
      recorder?.strict ? recorder.ttl : Number.POSITIVE_INFINITY,
    )
    const ttl = asked.ttl ?? (Number.isFinite(limit) ? limit : this.#engine.config.defaultTtl)
    if (reason !== undefined || ttl === undefined) {
      this.#passed(
        asked.what,
        reason ?? 'no ttl: neither its options, nor the configuration of its tables, nor defaults say how long',
      )
      return undefined
    }
    const text = this.#shelf.textOf(value, `the result of ${asked.what}`)
    if (text === undefined) {
      this.#passed(asked.what, 'its result cannot be kept')
      return undefined
    }
    const kept: Kept = {
      text,
      // A21: the stamps as they were when they were verified, or taken; never read again at the end.
      lease: this.#engine.config.store.combine(asked.key, [...leases, ...(recorder?.leases ?? [])]),
      answered: {
        tables: unite(answered?.tables ?? {}, recorder?.tables),
        bases: [...new Set([...(answered?.bases ?? []), ...(recorder?.bases ?? [])])],
        ttl,
      },
    }
    if (asked.recorder) this.#engine.recorders.answered(scope.recorder, kept.lease, kept.answered, false)
    return kept
  }

  #whyNotKept(recorder: Recorder): string | undefined {
    if (recorder.reason !== undefined) return recorder.reason
    if (!recorder.strict) return undefined
    // S9: it was given something by another flow, or what it depends on is not in the database.
    if (!recorder.attributed) return 'unattributed: no statement ran in it'
    const known = this.#engine.bases
    if ([...recorder.bases].every((base) => known.includes(base))) return undefined
    return 'a statement ran in a session that is not like those of fresh connections'
  }

  #hit<T>(asked: Asked, scope: Scope, kept: Kept, value: T, joined: boolean): T {
    if (asked.recorder) this.#engine.recorders.answered(scope.recorder, kept.lease, kept.answered, true)
    this.#told(asked, scope, true, joined, kept.answered)
    return value
  }

  #told({ name, what, key }: Asked, scope: Scope, hit: boolean, joined: boolean, answered: Answered): void {
    const { stats, events } = this.#engine
    if (hit) stats.functions.hits++
    else stats.functions.misses++
    const tables = Object.values(answered.tables).flat()
    scope.explain?.push({ sql: what, kind: 'function', cached: true, ttl: answered.ttl, hit, tables, dependencies: [] })
    if (!events.heard('read')) return
    events.emit('read', { hit, joined, sql: what, operation: 'function', fn: name, table: '', tables, key })
  }

  #passed(what: string, reason: string): void {
    const { explain } = this.#engine.scopes.current
    explain?.push({ sql: what, kind: 'function', cached: false, reason, tables: [], dependencies: [] })
    this.#engine.bypassed(what, reason, [])
  }
}

function unite(
  tables: Answered['tables'],
  more: ReadonlyMap<string, ReadonlySet<string>> | undefined,
): Answered['tables'] {
  if (!more || more.size === 0) return tables
  const all: Record<string, readonly string[]> = { ...tables }
  for (const [database, ids] of more) all[database] = [...new Set([...(all[database] ?? []), ...ids])]
  return all
}
