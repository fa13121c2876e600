import type { Change, Scheme } from '../../invalidation/dependency.js'
import type { Entry, Invalidated, Lease, ReadReply, ReadRequest, Recalled, Store, StoreStats, Turn } from '../store.js'
import { type Asked, asked } from './asked.js'
import { Blocks } from './blocks.js'
import type { RedisClient } from './client.js'
import { Dropper } from './drop.js'
import { bodyOf, entryText, parseEntry } from './entry-text.js'
import { RedisLease } from './lease.js'
import { isReply, Link } from './link.js'
import { Local, type LocalEntry } from './local.js'
import { Locks } from './locks.js'
import { Names } from './names.js'
import { News } from './news.js'
import type { RedisConfig } from './options.js'
import { Recaller } from './recall.js'
import { Registries } from './registries.js'
import { keepScript } from './scripts/keep.js'
import { settled } from './settled.js'
import { placesBySlot } from './slot.js'
import { BLOCKED, catalogStampOf, LAYOUT } from './stamp.js'
import { StoreError } from './store-error.js'
import { Taker } from './take.js'
import { Undelivered } from './undelivered.js'

/** A table whose schemes change as often while it is read is read past the cache. */
const MOST_TRIES = 4
/** Longest life of an entry in milliseconds, a year: the server refuses what overflows. */
const LONGEST_TTL = 365 * 86_400_000
/** B10: of so many databases the last catalog stamp is remembered. */
const REMEMBERED = 1000

const STALE: ReadReply = Object.freeze({ kind: 'stale-catalog' })

/** Strategy `'stamps'` in Redis: all processes with the same prefix and servers share it. */
export class RedisStore implements Store {
  readonly name = 'redis'
  readonly strategy = 'stamps'
  readonly #config: RedisConfig
  readonly #names: Names
  readonly #link: Link
  readonly #registries = new Registries()
  readonly #taker: Taker
  readonly #recaller: Recaller
  readonly #dropper: Dropper
  readonly #blocks: Blocks
  readonly #news: News
  readonly #locks: Locks
  readonly #local: Local
  readonly #undelivered: Undelivered
  /** Database → the catalog stamp that was seen last. */
  readonly #catalogs = new Map<string, string>()

  constructor(connect: () => Promise<RedisClient>, config: RedisConfig) {
    const { prefix, readTimeout, writeTimeout } = config
    this.#config = config
    this.#names = new Names(prefix)
    this.#link = new Link(connect, this.#names)
    this.#link.onLost = () => this.#forget()
    this.#local = new Local(config.localBytes)
    this.#news = new News(this.#link, this.#names.news, writeTimeout, {
      dropped: (names) => this.#local.drop(names),
      landed: (entry) => this.#locks.landed(entry),
      broken: () => this.#local.clear(),
    })
    this.#locks = new Locks(this.#link, this.#names, this.#news, readTimeout, config.lockTimeout)
    this.#taker = new Taker(this.#link, this.#names, this.#registries, config)
    this.#recaller = new Recaller(this.#link, this.#names, readTimeout)
    this.#dropper = new Dropper(this.#link, this.#names, this.#registries, writeTimeout)
    // A19: this process's own writes are dropped here before they are acknowledged.
    this.#dropper.onDropped = (names) => this.#local.drop(names)
    this.#blocks = new Blocks(this.#link, this.#names, writeTimeout)
    this.#undelivered = new Undelivered(this.#link, this.#names, readTimeout)
  }

  read(request: ReadRequest): ReadReply | Promise<ReadReply> {
    this.#undelivered.start()
    const past = this.#undelivered.of(request)
    if (past !== undefined) return past
    if (request.local === undefined) return this.#read(request, 0)
    if (this.#news.current) {
      const found = this.#local.find(request)
      if (found) return found
    } else this.#news.start()
    return this.#read(request, 0)
  }

  async write(lease: Lease, entry: Entry, ttl: number): Promise<void> {
    if (!(lease instanceof RedisLease) || lease.values === undefined || !(ttl >= 1)) return
    const { entry: key, names, values, recalled, local } = lease
    if (local) this.#local.land(local, entry, lease, Date.now(), ttl)
    const life = String(Math.floor(Math.min(ttl, LONGEST_TTL)))
    const text = entryText(values, entry)
    const value = recalled ? `${JSON.stringify(names)}\n${text}` : text
    const wait = this.#config.writeTimeout
    // S4: no need to look whether the stamps still stand. An entry whose stamps are gone is never served.
    const work = [this.#link.send(key, ['SET', key, value, 'PX', life], wait)]
    for (const places of placesBySlot(names)) {
      const some = places.map((place) => names[place] as string)
      // The stamps above the tables have no end.
      if (this.#names.isAbove(some[0] as string)) continue
      work.push(this.#link.run(keepScript, some, [life], wait))
    }
    await settled(work)
  }

  recall(key: string): Promise<Recalled> {
    return this.#recaller.recall(key)
  }

  combine(key: string, leases: readonly Lease[]): Lease {
    return this.#recaller.combine(key, leases)
  }

  drop(key: string): Promise<void> {
    return this.#recaller.drop(key)
  }

  catalogStamp(database: string, known = false): string | Promise<string> {
    const last = this.#catalogs.get(database)
    return known && last !== undefined ? last : this.#catalogStamp(database)
  }

  async stands(lease: Lease): Promise<boolean> {
    if (!(lease instanceof RedisLease) || lease.values === undefined) return false
    const now = await this.#link.values(lease.names, this.#config.readTimeout)
    return lease.values.every((value, index) => now[index] === value)
  }

  async invalidate(database: string, changes: readonly Change[]): Promise<Invalidated> {
    try {
      const dropped = await this.#dropper.drop(database, changes)
      this.#sawCatalog(database, dropped.catalogStamp)
      return dropped
    } catch (error) {
      if (isReply(error)) await this.#undelivered.tell(database, changes)
      throw error
    }
  }

  /** As they were when this process last heard of them: a write is not made to wait for a hint. */
  schemes(database: string, table: string): readonly Scheme[] | Promise<readonly Scheme[]> {
    const names = this.#names.table(database, table)
    return this.#registries.last(names.stamp)?.list ?? this.#dropper.registry(names)
  }

  /** What is kept in this process: how many entries, and their bytes. */
  get local(): { readonly size: number; readonly bytes: number } {
    return this.#local
  }

  turn(lease: Lease): Promise<Turn> {
    return this.#locks.turn((lease as RedisLease).entry)
  }

  block(database: string, tables: readonly string[] | 'database', token: string): Promise<void> {
    return this.#blocks.block(database, tables, token)
  }

  unblock(database: string, token: string): Promise<void> {
    return this.#blocks.unblock(database, token)
  }

  /** Puts the blocks of this process back, where the server has lost them. Done by itself every now and then. */
  renew(): Promise<void> {
    return this.#blocks.renew()
  }

  /** `entries` counts all keys of the servers, stamps among them: Redis does not tell them apart. */
  async stats(): Promise<StoreStats> {
    const servers = await this.#link.info(this.#config.readTimeout)
    const sum = (of: (server: (typeof servers)[number]) => number) => servers.reduce((all, each) => all + of(each), 0)
    return {
      entries: sum(({ keys }) => keys),
      bytes: sum(({ usedBytes }) => usedBytes),
      stamps: 0,
      evictions: sum(({ evicted }) => evicted),
    }
  }

  /** Ends the connections that were made here; a client that was given stays as it is. What is in the server stays. */
  async close(): Promise<void> {
    this.#blocks.close()
    this.#undelivered.close()
    await this.#news.close()
    await this.#link.close()
  }

  async #read(request: ReadRequest, tries: number): Promise<ReadReply> {
    const { database, key } = request
    const keys = asked(this.#names, this.#registries, database, key, request.dependencies())
    const local =
      request.local !== undefined && this.#news.current ? this.#local.expect(request, keys.stamps) : undefined
    try {
      const reply = await this.#ask(request, keys, tries)
      if (local) this.#keepHere(local, request, reply)
      return reply
    } catch (error) {
      if (local) this.#local.letGo(local)
      throw error
    }
  }

  /** A19: what was dropped since the server was asked is not kept. A miss is, when it is stored. */
  #keepHere(local: LocalEntry, { local: life = 0 }: ReadRequest, reply: ReadReply): void {
    const lease = reply.kind === 'hit' || reply.kind === 'miss' ? (reply.lease as RedisLease) : undefined
    // One that was asked for again, under other stamps, is none of ours.
    if (lease?.names !== local.names) this.#local.letGo(local)
    else if (reply.kind === 'hit') {
      const { entry, stored = 0 } = reply
      this.#local.land(local, entry, lease, stored, life - Math.max(0, Date.now() - stored))
    } else lease.local = local
  }

  async #ask(request: ReadRequest, keys: Asked, tries: number): Promise<ReadReply> {
    const { database, key } = request
    const reply = await this.#link.values([keys.entry, ...keys.stamps], this.#config.readTimeout)
    const [text, global, stamp, catalog] = reply as [string | null, string | null, string | null, string | null]
    if (!this.#isCurrent(request, catalogStampOf(global, catalog))) return STALE
    if (stamp === BLOCKED) return blocked('the database')
    const past = this.#undelivered.of(request)
    if (past !== undefined) return past
    let known = stamp !== null
    for (const { names, schemes, from } of keys.tables) {
      const value = reply[from + 1] as string | null
      if (value !== null && !value.startsWith(LAYOUT)) return blockedTable(names.id, value)
      if (this.#registries.saw(names.stamp, value)) return this.#again(request, tries)
      known &&= value !== null && this.#registries.has(names.stamp, value, schemes)
    }
    if (text !== null) {
      // S4: served only while every stamp that it was read under stands. That its schemes are registered was proved then.
      const at = bodyOf(text, reply, 1)
      const stored = at < 0 ? undefined : parseEntry(text, at)
      if (stored !== undefined) {
        const { entry, stored: time } = stored
        const lease = new RedisLease(key, keys.entry, keys.stamps, reply.slice(1) as string[], false)
        return { kind: 'hit', entry, lease, stored: time }
      }
    }
    const values = reply.slice(1)
    if (!known || values.includes(null)) {
      const taken = await this.#taker.take(database, keys, values)
      if (taken.kind === 'full') return this.#again(request, tries)
      if (taken.kind === 'not ours') return blockedTable(taken.table, taken.stamp)
      if (!this.#isCurrent(request, catalogStampOf(values[0] as string, values[2] as string))) return STALE
      if (values[1] === BLOCKED) return blocked('the database')
    }
    return { kind: 'miss', lease: new RedisLease(key, keys.entry, keys.stamps, values as string[], false) }
  }

  #again(request: ReadRequest, tries: number): Promise<ReadReply> {
    if (tries >= MOST_TRIES) throw new StoreError('The schemes of a table changed too often while it was read.')
    return this.#read(request, tries + 1)
  }

  #isCurrent(request: ReadRequest, catalogStamp: string | undefined): boolean {
    if (catalogStamp === request.catalogStamp) return true
    this.#sawCatalog(request.database, catalogStamp)
    return false
  }

  #sawCatalog(database: string, stamp: string | undefined): void {
    if (this.#catalogs.get(database) === stamp) return
    if (this.#catalogs.size >= REMEMBERED) this.#catalogs.clear()
    if (stamp === undefined) this.#catalogs.delete(database)
    else this.#catalogs.set(database, stamp)
  }

  async #catalogStamp(database: string): Promise<string> {
    const { global } = this.#names
    const { catalog } = this.#names.database(database)
    // Whoever asks is about to load a catalog, or to write; and the first of all waits for the connection.
    const [first, second] = await this.#link.values([global, catalog], this.#config.writeTimeout)
    let stamp = catalogStampOf(first ?? null, second ?? null)
    if (stamp === undefined) {
      const above = await this.#taker.above(database)
      stamp = catalogStampOf(above[0], above[2]) as string
    }
    this.#sawCatalog(database, stamp)
    return stamp
  }

  /** A12: a server may have lost what this process heard of. */
  #forget(): void {
    this.#registries.clear()
    this.#catalogs.clear()
    this.#local.clear()
  }
}

function blocked(what: string): ReadReply {
  return { kind: 'blocked', reason: `the outcome of a write to ${what} is unknown` }
}

/** A2, A22: what stands in the place of a stamp of ours. */
function blockedTable(table: string, stamp: string): ReadReply {
  if (stamp === BLOCKED) return blocked(table)
  return { kind: 'blocked', reason: `another version of cacheops has ${table} in the cache` }
}
