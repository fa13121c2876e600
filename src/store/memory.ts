import { ConfigError } from '../base/errors.js'
import { affected } from '../invalidation/affected.js'
import type { Change, RowChange, Scheme } from '../invalidation/dependency.js'
import { KeptEntries, KeptEntry } from './memory/entries.js'
import { IdleStamps } from './memory/idle-stamps.js'
import { type LeasedTables, MemoryLease } from './memory/lease.js'
import { Stamp } from './memory/stamp.js'
import { DatabaseStamps } from './memory/stamps.js'
import { Tally } from './memory/tally.js'
import type { Entry, Invalidated, Lease, ReadReply, ReadRequest, Recalled, Store, StoreStats } from './store.js'

export interface MemoryOptions {
  /**
   * The most bytes that entries and stamps may take, by an estimate that is rather too high: 2 bytes a character, and what
   * V8 needs for rows, fields, entries and stamps. Default 64 MiB.
   */
  readonly maxBytes?: number
  /** The most schemes of one table; a further one becomes "any row of the table". Default 128. */
  readonly maxSchemes?: number
}

const MAX_BYTES = 64 * 1024 * 1024
const MAX_SCHEMES = 128
/** The share of the bytes that stamps without an entry may take. */
const IDLE_SHARE = 1 / 8

const STALE: ReadReply = Object.freeze({ kind: 'stale-catalog' })

/**
 * A store in this process's memory. Engines may share one; nothing in it belongs to any of them.
 *
 * @throws ConfigError where an option is not a positive number.
 * @example
 * const cacheops = createCacheops({ store: memory({ maxBytes: 256 * 1024 * 1024 }) })
 */
export function memory(options: MemoryOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

/** Strategy `'stamps'`. Every step is synchronous, so no other step falls between its parts. */
export class MemoryStore implements Store {
  readonly name = 'memory'
  readonly strategy = 'stamps'
  readonly #maxBytes: number
  readonly #maxSchemes: number
  readonly #databases = new Map<string, DatabaseStamps>()
  readonly #entries = new KeptEntries()
  readonly #idle: IdleStamps
  /** Stamps of single keys, for what is found by `recall`. */
  #own = new Map<string, Stamp>()
  #global = new Stamp()
  #evictions = 0

  constructor(options: MemoryOptions = {}) {
    this.#maxBytes = positive('maxBytes', options.maxBytes ?? MAX_BYTES)
    this.#maxSchemes = positive('maxSchemes', options.maxSchemes ?? MAX_SCHEMES)
    this.#idle = new IdleStamps(this.#maxBytes * IDLE_SHARE)
  }

  read(request: ReadRequest): ReadReply {
    const database = this.#database(request.database)
    if (request.catalogStamp !== database.catalogValue) return STALE
    const blocked = database.blocked(request.tables)
    if (blocked !== undefined) return { kind: 'blocked', reason: `the outcome of a write to ${blocked} is unknown` }
    const kept = this.#entries.get(request.key)
    if (kept !== undefined) {
      // The key names its database (S8); an entry of another one is not this one's whatever the key says.
      if (kept.lease.reads[0]?.database === database && kept.fresh(performance.now())) {
        kept.hit()
        return kept.reply
      }
      this.#remove(kept)
    }
    return { kind: 'miss', lease: this.#lease(request, database) }
  }

  write(lease: Lease, entry: Entry, ttl: number): void {
    if (!(ttl > 0) || !this.#valid(lease)) return
    const kept = new KeptEntry(lease, entry, ttl)
    // The rest is for stamps without an entry: so the bound holds with this one alone.
    if (kept.bytes > this.#maxBytes * (1 - IDLE_SHARE)) return
    for (const stamp of lease.stamps) {
      if (stamp.home !== undefined && stamp.refs++ === 0) this.#idle.remove(stamp)
    }
    const old = this.#entries.get(lease.key)
    if (old !== undefined) this.#remove(old)
    this.#entries.add(kept)
    this.#evictFor(kept)
  }

  recall(key: string): Recalled {
    const kept = this.#entries.get(key)
    if (kept !== undefined) {
      if (kept.fresh(performance.now()) && !kept.lease.blocked()) {
        kept.hit()
        return kept.reply
      }
      this.#remove(kept)
    }
    let own = this.#own.get(key)
    if (own === undefined) {
      own = new Stamp(this.#own, key)
      this.#own.set(key, own)
      this.#idle.add(own)
    }
    return { kind: 'miss', lease: new MemoryLease(key, this, [], [this.#global, own]) }
  }

  combine(key: string, leases: readonly Lease[]): Lease {
    const reads: LeasedTables[] = []
    const stamps = new Set<Stamp>()
    for (const lease of leases) {
      if (lease instanceof MemoryLease && lease.home === this) {
        reads.push(...lease.reads)
        for (const stamp of lease.stamps) stamps.add(stamp)
      } else {
        const dead = new Stamp()
        dead.drop()
        stamps.add(dead)
      }
    }
    return new MemoryLease(key, this, reads, [...stamps])
  }

  drop(key: string): void {
    const kept = this.#entries.get(key)
    if (kept !== undefined) this.#remove(kept)
    const own = this.#own.get(key)
    if (own === undefined) return
    own.drop()
    this.#idle.remove(own)
  }

  catalogStamp(database: string): string {
    return this.#database(database).catalogValue
  }

  stands(lease: Lease): boolean {
    return this.#valid(lease)
  }

  invalidate(database: string, changes: readonly Change[]): Invalidated {
    const tally = new Tally()
    // B1: by the registry as it is now.
    for (const change of changes) {
      const stamps = this.#databases.get(database)
      switch (change.kind) {
        case 'rows':
          if (stamps !== undefined) this.#invalidateRows(stamps, change, tally)
          break
        case 'table':
          if (stamps !== undefined) this.#invalidateTable(stamps, change.table, tally)
          break
        case 'database':
          if (stamps === undefined) break
          tally.database(stamps)
          stamps.replace()
          if (change.catalog) stamps.replaceCatalog()
          break
        case 'everything':
          for (const each of this.#databases.values()) {
            tally.database(each)
            if (change.catalog) each.replaceCatalog()
          }
          this.#dropAll()
          break
      }
    }
    return { ...tally.result(), catalogStamp: this.#databases.get(database)?.catalogValue }
  }

  schemes(database: string, table: string): readonly Scheme[] {
    return this.#databases.get(database)?.tables.get(table)?.schemes ?? []
  }

  /** A token that blocks more than once blocks the sum. */
  block(database: string, tables: readonly string[] | 'database', token: string): void {
    const stamps = this.#database(database)
    const before = stamps.blocks.get(token)
    const all = tables === 'database' || before === 'database' ? 'database' : new Set([...(before ?? []), ...tables])
    stamps.blocks.set(token, all)
    replaceBlocked(stamps, all)
  }

  unblock(database: string, token: string): void {
    const stamps = this.#databases.get(database)
    const blocked = stamps?.blocks.get(token)
    if (stamps === undefined || blocked === undefined) return
    stamps.blocks.delete(token)
    // A2: and again when the outcome is known.
    replaceBlocked(stamps, blocked)
  }

  stats(): StoreStats {
    let stamps = 1 + this.#own.size
    for (const database of this.#databases.values()) {
      stamps += 2
      for (const table of database.tables.values()) {
        stamps += 1
        for (const { conjs } of table.registered) stamps += 1 + conjs.size
      }
    }
    const { size, bytes } = this.#entries
    return { entries: size, bytes: bytes + this.#idle.bytes, stamps, evictions: this.#evictions }
  }

  /** Drops everything but the blocks, which others may still need; a store that is used again after it starts empty. */
  close(): void {
    this.#dropAll()
    for (const [id, stamps] of this.#databases) {
      stamps.replaceCatalog()
      if (stamps.blocks.size === 0) this.#databases.delete(id)
    }
  }

  /** What is kept now, for tests and measurements. `alive`: it would be served. `stored` is by `performance.now()`. */
  *entries(): Iterable<{ readonly key: string; readonly alive: boolean; readonly stored: number }> {
    for (const kept of this.#entries.values()) {
      yield { key: kept.lease.key, alive: kept.fresh(performance.now()), stored: kept.stored }
    }
  }

  #database(id: string): DatabaseStamps {
    let stamps = this.#databases.get(id)
    if (stamps === undefined) {
      stamps = new DatabaseStamps()
      this.#databases.set(id, stamps)
    }
    return stamps
  }

  /** S4: the stamps as they are before the database is asked; the missing ones are made now, never later (B1). */
  #lease(request: ReadRequest, database: DatabaseStamps): MemoryLease {
    const dependencies = request.dependencies()
    const stamps = [this.#global, database.stamp, database.catalog]
    for (const dependency of dependencies) database.take(dependency, this.#maxSchemes, stamps, this.#idle)
    // Dependencies of one table share stamps, and each is recorded once.
    const recorded = dependencies.length > 1 ? [...new Set(stamps)] : stamps
    return new MemoryLease(request.key, this, [{ database, tables: request.tables }], recorded)
  }

  #valid(lease: Lease): lease is MemoryLease {
    return lease instanceof MemoryLease && lease.home === this && lease.stands() && !lease.blocked()
  }

  #invalidateRows(database: DatabaseStamps, change: RowChange, tally: Tally): void {
    const table = database.tables.get(change.table)
    if (table === undefined) return
    for (const stamps of table.registered) {
      // Without a conj stamp there is nothing that the scheme stamp holds up.
      if (stamps.conjs.size === 0) continue
      const met = affected(change, stamps.scheme)
      if (met.kind === 'scheme') {
        tally.scheme(change.table, stamps.conjs.size)
        stamps.replace()
      } else if (met.kind === 'conjs') {
        for (const key of met.keys) {
          const stamp = stamps.conjs.get(key)
          if (stamp === undefined) continue
          stamp.drop()
          this.#idle.remove(stamp)
          tally.conj(change.table)
        }
      }
    }
  }

  #invalidateTable(database: DatabaseStamps, table: string, tally: Tally): void {
    const stamps = database.tables.get(table)
    if (stamps === undefined) return
    tally.table(table, stamps)
    database.replaceTable(table)
  }

  /** Replaces the global stamp. Whatever it held up can go at once. */
  #dropAll(): void {
    this.#global.drop()
    this.#global = new Stamp()
    for (const stamps of this.#databases.values()) stamps.replace()
    this.#entries.clear()
    this.#idle.clear()
    this.#own = new Map()
  }

  #evictFor(added: KeptEntry): void {
    const now = performance.now()
    while (this.#entries.bytes + this.#idle.bytes > this.#maxBytes && this.#entries.size > 1) {
      const victim = this.#entries.victim(added, now)
      if (victim.fresh(now)) this.#evictions++
      this.#remove(victim)
    }
  }

  #remove(kept: KeptEntry): void {
    this.#entries.remove(kept)
    for (const stamp of kept.lease.stamps) {
      if (stamp.home !== undefined && --stamp.refs === 0 && stamp.alive) this.#idle.add(stamp)
    }
  }
}

function replaceBlocked(stamps: DatabaseStamps, blocked: ReadonlySet<string> | 'database'): void {
  if (blocked === 'database') stamps.replace()
  else for (const table of blocked) stamps.replaceTable(table)
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value
  throw new ConfigError(`memory({ ${name}: ${String(value)} }): expected a positive number`)
}
