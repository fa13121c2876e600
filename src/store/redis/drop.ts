import { affected } from '../../invalidation/affected.js'
import type { Change, RowChange, Scheme } from '../../invalidation/dependency.js'
import type { Invalidated } from '../store.js'
import type { Link } from './link.js'
import type { Names, TableNames } from './names.js'
import { parseRegistry, type Registries } from './registries.js'
import { dropScript } from './scripts/drop.js'
import { invalidateScript } from './scripts/invalidate.js'
import { settled } from './settled.js'
import { catalogStampOf, LAYOUT } from './stamp.js'

/** Over so many conjs of one scheme its scheme stamp goes instead. */
const MOST_CONJS = 1000
/** So many keys are dropped by one call of the script: nothing holds the server up for long. */
const CHUNK = 1000
/** A registry that changes as often while it is looked at: the table goes as a whole. */
const MOST_TRIES = 5

type Dropped = Invalidated['tables'][number]

/** Drops what changes affect: one trip a table where its registry is known, two where it is new. */
export class Dropper {
  readonly #link: Link
  readonly #names: Names
  readonly #registries: Registries
  readonly #wait: number
  /** Told the names of what was dropped, before it is told to the caller. */
  onDropped: (names: readonly string[]) => void = () => {}

  constructor(link: Link, names: Names, registries: Registries, wait: number) {
    this.#link = link
    this.#names = names
    this.#registries = registries
    this.#wait = wait
  }

  /** Resolves when all is dropped, rejects where anything is not for sure; to ask again does no harm. */
  async drop(database: string, changes: readonly Change[]): Promise<Invalidated> {
    const { global } = this.#names
    const { stamp, catalog } = this.#names.database(database)
    // A7: the catalog stamp that readers compare has the global one in it.
    if (changes.some(({ kind }) => kind === 'everything')) return this.#above([global])
    const whole = changes.filter((change) => change.kind === 'database')
    if (whole.length > 0) {
      return this.#above(whole.some((change) => change.catalog) ? [stamp, catalog] : [stamp])
    }
    const byTable = new Map<string, RowChange[] | 'table'>()
    for (const change of changes) {
      if (change.kind === 'table') byTable.set(change.table, 'table')
      else if (change.kind === 'rows') {
        const rows = byTable.get(change.table)
        if (rows === undefined) byTable.set(change.table, [change])
        else if (rows !== 'table') rows.push(change)
      }
    }
    const dropped = [...byTable].map(([table, rows]) => {
      const names = this.#names.table(database, table)
      return rows === 'table' ? this.#table(names) : this.#rows(names, rows)
    })
    const versions = this.#link.values([global, catalog], this.#wait)
    const [, tables] = await settled<unknown>([versions, settled(dropped)])
    const [globalValue, catalogValue] = await versions
    return {
      tables: (tables as (Dropped | undefined)[]).filter((each) => each !== undefined),
      catalogStamp: catalogStampOf(globalValue ?? null, catalogValue ?? null),
    }
  }

  async #above(keys: readonly string[]): Promise<Invalidated> {
    await this.#link.run(dropScript, keys, [this.#names.news], this.#wait)
    this.onDropped(keys)
    return { tables: [] }
  }

  /** The schemes of a table that are registered now. */
  async registry(table: TableNames): Promise<readonly Scheme[]> {
    const reply = await this.#call(table, 'rows', { stamp: '', list: [] }, [], [])
    if (reply[0] !== 'registry') {
      this.#registries.learned(table.stamp, '', [])
      return []
    }
    return this.#learn(table, reply) ?? []
  }

  async #table(table: TableNames): Promise<Dropped | undefined> {
    const reply = await this.#call(table, 'table', { stamp: '', list: [] }, [], [])
    return whole(table, reply)
  }

  async #rows(table: TableNames, changes: readonly RowChange[]): Promise<Dropped | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const known = this.#registries.last(table.stamp) ?? { stamp: '', list: [] }
      const { schemes, conjs } = affectedKeys(table, known.list, changes)
      const replies = await this.#chunks(table, known, schemes, conjs)
      const replaced = replies.find(([kind]) => kind === 'table' || kind === 'none')
      if (replaced !== undefined) {
        if (replaced[0] === 'none') this.#registries.learned(table.stamp, '', [])
        return whole(table, replaced)
      }
      const registry = replies.find(([kind]) => kind === 'registry')
      if (registry === undefined) return counted(table, replies)
      // B1: nothing but the registry as it is now says what is affected. One that cannot be read goes with its table.
      if (this.#learn(table, registry) === undefined) break
    }
    return this.#table(table)
  }

  async #chunks(
    table: TableNames,
    known: { readonly stamp: string; readonly list: readonly Scheme[] },
    schemes: readonly string[],
    conjs: readonly string[],
  ): Promise<readonly (readonly unknown[])[]> {
    const first = this.#call(table, 'rows', known, schemes, conjs.slice(0, CHUNK))
    if (conjs.length <= CHUNK) return [await first]
    const calls = [first]
    for (let from = CHUNK; from < conjs.length; from += CHUNK) {
      calls.push(this.#call(table, 'rows', known, [], conjs.slice(from, from + CHUNK)))
    }
    return settled(calls)
  }

  async #call(
    table: TableNames,
    mode: 'rows' | 'table',
    known: { readonly stamp: string; readonly list: readonly Scheme[] },
    schemes: readonly string[],
    conjs: readonly string[],
  ): Promise<readonly unknown[]> {
    const keys = [table.stamp, table.registry, ...schemes, ...conjs]
    const args = [LAYOUT, mode, known.stamp, String(known.list.length), String(schemes.length), this.#names.news]
    const reply = (await this.#link.run(invalidateScript, keys, args, this.#wait)) as unknown[]
    if (reply[0] === 'rows') this.onDropped(keys.slice(2))
    else if (reply[0] !== 'registry') this.onDropped([table.stamp])
    return reply
  }

  #learn(table: TableNames, reply: readonly unknown[]): readonly Scheme[] | undefined {
    const [, stamp, ...fields] = reply as string[]
    const list = parseRegistry(table.id, fields)
    if (list !== undefined) this.#registries.learned(table.stamp, stamp as string, list)
    return list
  }
}

function affectedKeys(
  table: TableNames,
  registry: readonly Scheme[],
  changes: readonly RowChange[],
): { readonly schemes: readonly string[]; readonly conjs: readonly string[] } {
  const schemes: string[] = []
  const conjs: string[] = []
  for (const scheme of registry) {
    const keys = affectedConjs(table, scheme, changes)
    if (keys === 'scheme') schemes.push(table.scheme(scheme.id))
    else conjs.push(...keys)
  }
  return { schemes, conjs }
}

function affectedConjs(
  table: TableNames,
  scheme: Scheme,
  changes: readonly RowChange[],
): ReadonlySet<string> | 'scheme' {
  const keys = new Set<string>()
  for (const change of changes) {
    const met = affected(change, scheme)
    if (met.kind === 'scheme') return 'scheme'
    if (met.kind === 'conjs') for (const key of met.keys) keys.add(table.conj(scheme.id, key))
    if (keys.size > MOST_CONJS) return 'scheme'
  }
  return keys
}

function whole(table: TableNames, reply: readonly unknown[]): Dropped | undefined {
  if (reply[0] !== 'table') return undefined
  return { table: table.id, schemes: Number(reply[1]), conjs: 0, whole: true }
}

function counted(table: TableNames, replies: readonly (readonly unknown[])[]): Dropped | undefined {
  let schemes = 0
  let conjs = 0
  for (const reply of replies) {
    schemes += Number(reply[1])
    conjs += Number(reply[2])
  }
  return schemes + conjs === 0 ? undefined : { table: table.id, schemes, conjs, whole: false }
}
