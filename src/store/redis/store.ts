import type { Change, Scheme } from '../../invalidation/dependency.js'
import type { Entry, Invalidated, Lease, ReadReply, ReadRequest, Store, StoreStats } from '../store.js'
import { ABOVE, type Asked, type AskedTable, asked, isAnyRow } from './asked.js'
import { Blocks } from './blocks.js'
import type { RedisClient } from './client.js'
import { Dropper } from './drop.js'
import { bodyOf, entryText, parseEntry } from './entry-text.js'
import { RedisLease } from './lease.js'
import { Link } from './link.js'
import { Names } from './names.js'
import type { RedisConfig } from './options.js'
import { definitionOf, Registries } from './registries.js'
import { aboveScript } from './scripts/above.js'
import { keepScript } from './scripts/keep.js'
import { leaseScript } from './scripts/lease.js'
import { BLOCKED, LAYOUT, newStamp, newTableStamp } from './stamp.js'
import { StoreError } from './store-error.js'

/** How long a new conj stamp waits for the first entry that records it: longer than most queries take. */
const LEASE_MS = 600_000
/** A table whose schemes change as often while it is read is read past the cache. */
const MOST_TRIES = 4
/** Longest life of an entry in milliseconds, a year: the server refuses what overflows. */
const LONGEST_TTL = 365 * 86_400_000

const STALE: ReadReply = Object.freeze({ kind: 'stale-catalog' })

type Values = readonly (string | null)[]

/** Strategy `'stamps'` in Redis: all processes with the same prefix and servers share it. */
export class RedisStore implements Store {
  readonly name = 'redis'
  readonly strategy = 'stamps'
  readonly #config: RedisConfig
  readonly #names: Names
  readonly #link: Link
  readonly #registries = new Registries()
  readonly #dropper: Dropper
  readonly #blocks: Blocks

  constructor(connect: () => Promise<RedisClient>, config: RedisConfig) {
    this.#config = config
    this.#names = new Names(config.prefix)
    this.#link = new Link(connect, this.#names)
    this.#link.onLost = () => this.#registries.clear()
    this.#dropper = new Dropper(this.#link, this.#names, this.#registries, config.writeTimeout)
    this.#blocks = new Blocks(this.#link, this.#names, config.writeTimeout)
  }

  read(request: ReadRequest): Promise<ReadReply> {
    return this.#read(request, 0)
  }

  async write(lease: Lease, entry: Entry, ttl: number): Promise<void> {
    if (!(lease instanceof RedisLease) || !(ttl >= 1)) return
    const life = String(Math.floor(Math.min(ttl, LONGEST_TTL)))
    const { entry: key, stamps, tables } = lease.asked
    const wait = this.#config.writeTimeout
    // S4: no need to look whether the stamps still stand. An entry whose stamps are gone is never served.
    const work = [this.#link.send(key, ['SET', key, entryText(lease.values, entry), 'PX', life], wait)]
    for (const { schemes, from, to } of tables) {
      work.push(this.#link.run(keepScript, stamps.slice(from + 1 + schemes.length, to), [life], wait))
    }
    await settled(work)
  }

  async catalogStamp(database: string): Promise<string> {
    const { global } = this.#names
    const { catalog } = this.#names.database(database)
    const [known, version] = (await this.#link.send(
      global,
      ['MGET', global, catalog],
      this.#config.readTimeout,
    )) as Values
    if (known && version) return catalogValue(known, version)
    const above = await this.#above(database)
    return catalogValue(above[0] as string, above[2] as string)
  }

  async stands(lease: Lease): Promise<boolean> {
    if (!(lease instanceof RedisLease)) return false
    const now = await this.#fetch(lease.asked, false)
    return lease.values.every((value, index) => now[index + 1] === value)
  }

  invalidate(database: string, changes: readonly Change[]): Promise<Invalidated> {
    return this.#dropper.drop(database, changes)
  }

  /** As they were when this process last heard of them: a write is not made to wait for a hint. */
  async schemes(database: string, table: string): Promise<readonly Scheme[]> {
    const names = this.#names.table(database, table)
    return this.#registries.last(names.stamp)?.list ?? (await this.#dropper.registry(names))
  }

  block(database: string, tables: readonly string[] | 'database', token: string): Promise<void> {
    return this.#blocks.block(database, tables, token)
  }

  unblock(database: string, token: string): Promise<void> {
    return this.#blocks.unblock(database, token)
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
    await this.#link.close()
  }

  async #read(request: ReadRequest, tries: number): Promise<ReadReply> {
    const { database, key } = request
    const keys = asked(this.#names, this.#registries, database, key, request.dependencies())
    const reply = await this.#fetch(keys, true)
    const [, global, stamp, catalog] = reply as [unknown, string | null, string | null, string | null]
    if (global === null || catalog === null || request.catalogStamp !== catalogValue(global, catalog)) return STALE
    if (stamp === BLOCKED) return blocked('the database')
    let known = stamp !== null
    for (const { names, schemes, from } of keys.tables) {
      const value = reply[from + 1] as string | null
      if (value !== null && !value.startsWith(LAYOUT)) return blockedTable(names.id, value)
      if (this.#registries.saw(names.stamp, value)) return this.#again(request, tries)
      known &&= value !== null && this.#registries.has(names.stamp, value, schemes)
    }
    const text = reply[0] as string | null
    if (text !== null) {
      // S4: served only while every stamp that it was read under stands. That its schemes are registered was proved then.
      const at = bodyOf(text, reply, 1)
      const entry = at < 0 ? undefined : entryAt(text, at)
      if (entry !== undefined) {
        return { kind: 'hit', entry, lease: new RedisLease(key, keys, reply.slice(1) as string[]) }
      }
    }
    const values = reply.slice(1)
    if (known && !values.includes(null)) {
      return { kind: 'miss', lease: new RedisLease(key, keys, values as string[]) }
    }
    return this.#take(request, keys, values, tries)
  }

  #again(request: ReadRequest, tries: number): Promise<ReadReply> {
    if (tries >= MOST_TRIES) throw new StoreError('The schemes of a table changed too often while it was read.')
    return this.#read(request, tries + 1)
  }

  /** S4: creates the stamps that are missing, and registers the schemes, before the database is asked. */
  async #take(request: ReadRequest, keys: Asked, values: (string | null)[], tries: number): Promise<ReadReply> {
    let above: Promise<Values> | undefined
    if (values[1] === null) above = this.#above(request.database)
    const missing = keys.tables.filter(({ names, schemes, from, to }) => {
      const stamp = values[from] as string | null
      return (
        stamp === null || !this.#registries.has(names.stamp, stamp, schemes) || values.slice(from, to).includes(null)
      )
    })
    const [taken, ...tables] = await settled<readonly unknown[]>([
      above ?? Promise.resolve([]),
      ...missing.map((table) => this.#takeTable(table, keys)),
    ])
    if (above !== undefined) {
      const [global, stamp, catalog] = taken as string[]
      if (request.catalogStamp !== catalogValue(global as string, catalog as string)) return STALE
      if (stamp === BLOCKED) return blocked('the database')
      values[1] = stamp as string
    }
    let full = false
    for (const [index, table] of missing.entries()) {
      const [stamp, outcome, ...rest] = tables[index] as [string, string | undefined, ...unknown[]]
      const { names, schemes, from } = table
      if (outcome === undefined) return blockedTable(names.id, stamp)
      if (outcome === 'full') {
        this.#registries.full(
          names.stamp,
          stamp,
          rest.map((place) => schemes[Number(place) - 1] as Scheme),
        )
        full = true
        continue
      }
      this.#registries.registered(names.stamp, stamp, schemes)
      values[from] = stamp
      for (const [place, value] of rest.entries()) values[from + 1 + place] = value as string
    }
    if (full) return this.#again(request, tries)
    return { kind: 'miss', lease: new RedisLease(request.key, keys, values as string[]) }
  }

  async #takeTable({ names, schemes, from, to }: AskedTable, keys: Asked): Promise<readonly unknown[]> {
    const args = [LAYOUT, newTableStamp(), String(this.#config.maxSchemes), String(LEASE_MS), String(schemes.length)]
    for (const scheme of schemes) args.push(scheme.id, definitionOf(scheme), isAnyRow(scheme) ? '1' : '0', newStamp())
    for (let i = from + 1 + schemes.length; i < to; i++) args.push(newStamp())
    const all = [names.stamp, names.registry, names.blocks, ...keys.stamps.slice(from + 1, to)]
    return (await this.#link.run(leaseScript, all, args, this.#config.readTimeout)) as unknown[]
  }

  async #above(database: string): Promise<Values> {
    const { stamp, catalog, blocks } = this.#names.database(database)
    const args = [newStamp(), newStamp(), newStamp()]
    const keys = [this.#names.global, stamp, catalog, blocks]
    return (await this.#link.run(aboveScript, keys, args, this.#config.readTimeout)) as Values
  }

  /** The entry, where it is wanted, and the stamps, in one trip: in a cluster one command a slot, side by side. */
  async #fetch({ entry, stamps, tables }: Asked, wanted: boolean): Promise<Values> {
    const wait = this.#config.readTimeout
    if (this.#link.cluster === undefined) await this.#link.ready(wait)
    if (this.#link.cluster !== true) {
      if (wanted) return this.#link.send(entry, ['MGET', entry, ...stamps], wait) as Promise<Values>
      return [null, ...((await this.#link.send(entry, ['MGET', ...stamps], wait)) as Values)]
    }
    const some = (from: number, to: number) =>
      this.#link.send(stamps[from] as string, ['MGET', ...stamps.slice(from, to)], wait) as Promise<Values>
    const parts = await settled([
      wanted ? (this.#link.send(entry, ['MGET', entry], wait) as Promise<Values>) : Promise.resolve([null]),
      some(0, ABOVE),
      ...tables.map(({ from, to }) => some(from, to)),
    ])
    return parts.flat()
  }
}

/** A7: of the global stamp, too, as a server that has lost anything may have lost a change of the catalog. */
function catalogValue(global: string, catalog: string): string {
  return `${catalog}.${global}`
}

function blocked(what: string): ReadReply {
  return { kind: 'blocked', reason: `the outcome of a write to ${what} is unknown` }
}

function blockedTable(table: string, stamp: string): ReadReply {
  if (stamp === BLOCKED) return blocked(table)
  return { kind: 'blocked', reason: `another version of cacheops has ${table} in the cache` }
}

/** Undefined where the text is damaged: a miss (S1). */
function entryAt(text: string, at: number): Entry | undefined {
  try {
    return parseEntry(text, at)
  } catch {
    return undefined
  }
}

/** All of them, when all are over: none fails behind the caller's back. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
