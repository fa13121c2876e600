import type { Scheme } from '../../invalidation/dependency.js'
import { type Asked, type AskedTable, isAnyRow } from './asked.js'
import type { Link } from './link.js'
import type { Names } from './names.js'
import type { RedisConfig } from './options.js'
import { definitionOf, type Registries } from './registries.js'
import { aboveScript } from './scripts/above.js'
import { leaseScript } from './scripts/lease.js'
import { settled } from './settled.js'
import { LAYOUT, LEASE_MS, newStamp, newTableStamp } from './stamp.js'

type Taken =
  | { readonly kind: 'taken' }
  /** A scheme found no room in its registry: it is "any row" from now on, so the read has other keys. */
  | { readonly kind: 'full' }
  /** Something else is in the place of the table's stamp. */
  | { readonly kind: 'not ours'; readonly table: string; readonly stamp: string }

type Reply = readonly [stamp: string, outcome?: 'ok' | 'full', ...rest: (string | number)[]]

/** S4: creates the stamps that a read misses, and registers its schemes, before the database is asked. */
export class Taker {
  readonly #link: Link
  readonly #names: Names
  readonly #registries: Registries
  readonly #config: RedisConfig

  constructor(link: Link, names: Names, registries: Registries, config: RedisConfig) {
    this.#link = link
    this.#names = names
    this.#registries = registries
    this.#config = config
  }

  /** Fills `values`, the stamps of the read as they were found, in one trip. */
  async take(database: string, keys: Asked, values: (string | null)[]): Promise<Taken> {
    const missing = keys.tables.filter((table) => this.#misses(table, values))
    const above = values[1] === null ? this.above(database) : undefined
    const replies = settled(missing.map((table) => this.#table(table, keys.stamps)))
    await settled<unknown>(above === undefined ? [replies] : [replies, above])
    if (above !== undefined) for (const [place, value] of (await above).entries()) values[place] = value
    let full = false
    for (const [index, reply] of (await replies).entries()) {
      const { names, schemes, from } = missing[index] as AskedTable
      const [stamp, outcome, ...rest] = reply
      if (outcome === undefined) return { kind: 'not ours', table: names.id, stamp }
      if (outcome === 'full') {
        const without = rest.map((place) => schemes[Number(place) - 1] as Scheme)
        this.#registries.full(names.stamp, stamp, without)
        full = true
        continue
      }
      this.#registries.registered(names.stamp, stamp, schemes)
      values[from] = stamp
      for (const [place, value] of rest.entries()) values[from + 1 + place] = value as string
    }
    return { kind: full ? 'full' : 'taken' }
  }

  /** The global stamp, the database's and its catalog's, created where missing. */
  async above(database: string): Promise<readonly [string, string, string]> {
    const { stamp, catalog, blocks } = this.#names.database(database)
    const args = [newStamp(), newStamp(), newStamp(), this.#names.news]
    const keys = [this.#names.global, stamp, catalog, blocks]
    return (await this.#link.run(aboveScript, keys, args, this.#config.readTimeout)) as [string, string, string]
  }

  #misses({ names, schemes, from, to }: AskedTable, values: readonly (string | null)[]): boolean {
    const stamp = values[from] as string | null
    if (stamp === null || !this.#registries.has(names.stamp, stamp, schemes)) return true
    for (let i = from + 1; i < to; i++) if (values[i] === null) return true
    return false
  }

  async #table({ names, schemes, from, to }: AskedTable, stamps: readonly string[]): Promise<Reply> {
    const { maxSchemes, readTimeout } = this.#config
    const args = [LAYOUT, newTableStamp(), String(maxSchemes), String(LEASE_MS), String(schemes.length)]
    for (const scheme of schemes) args.push(scheme.id, definitionOf(scheme), isAnyRow(scheme) ? '1' : '0', newStamp())
    for (let i = from + 1 + schemes.length; i < to; i++) args.push(newStamp())
    args.push(this.#names.news)
    const keys = [names.stamp, names.registry, names.blocks, ...stamps.slice(from + 1, to)]
    return (await this.#link.run(leaseScript, keys, args, readTimeout)) as Reply
  }
}
