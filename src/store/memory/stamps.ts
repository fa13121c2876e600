import { randomUUID } from 'node:crypto'
import type { Dependency, Scheme } from '../../invalidation/dependency.js'
import { conjKey, makeScheme } from '../../invalidation/scheme.js'
import type { IdleStamps } from './idle-stamps.js'
import { Stamp } from './stamp.js'

/** A registered scheme and the conj stamps under it. */
export class SchemeStamps {
  readonly scheme: Scheme
  stamp = new Stamp()
  conjs = new Map<string, Stamp>()

  constructor(scheme: Scheme) {
    this.scheme = scheme
  }

  /** Replaces the scheme stamp. The old conj stamps go with their map, whatever their number. */
  replace(): void {
    this.stamp.drop()
    this.stamp = new Stamp()
    this.conjs = new Map()
  }
}

/** A table stamp and its registry: one object, so that neither can be there without the other (S5, A1). */
export class TableStamps {
  readonly stamp = new Stamp()
  readonly #schemes = new Map<string, SchemeStamps>()
  #list: readonly Scheme[] | undefined

  get registered(): Iterable<SchemeStamps> {
    return this.#schemes.values()
  }

  get schemes(): readonly Scheme[] {
    this.#list ??= [...this.#schemes.values()].map(({ scheme }) => scheme)
    return this.#list
  }

  /** The scheme's stamps, registered where they are new, and `undefined` where there are `max` others in use already. */
  register(scheme: Scheme, max: number): SchemeStamps | undefined {
    const known = this.#schemes.get(scheme.id)
    if (known !== undefined) return known
    if (this.#schemes.size >= max) this.#forgetUnused()
    if (this.#schemes.size >= max) return undefined
    const stamps = new SchemeStamps(scheme)
    this.#schemes.set(scheme.id, stamps)
    this.#list = undefined
    return stamps
  }

  /** A scheme without a conj stamp holds up no entry, and no lease that could still be stored. */
  #forgetUnused(): void {
    for (const [id, stamps] of this.#schemes) {
      if (stamps.conjs.size > 0) continue
      stamps.stamp.drop()
      this.#schemes.delete(id)
    }
    this.#list = undefined
  }
}

/** The stamps of one database. The object stays, what it holds is replaced. */
export class DatabaseStamps {
  stamp = new Stamp()
  catalog = new Stamp()
  catalogValue: string = randomUUID()
  tables = new Map<string, TableStamps>()
  /** A2: token → what it blocks. */
  readonly blocks = new Map<string, ReadonlySet<string> | 'database'>()

  /** Replaces the database stamp; every table stamp, and registry, goes with it. */
  replace(): void {
    this.stamp.drop()
    this.stamp = new Stamp()
    this.tables = new Map()
  }

  replaceCatalog(): void {
    this.catalog.drop()
    this.catalog = new Stamp()
    this.catalogValue = randomUUID()
  }

  replaceTable(table: string): void {
    this.tables.get(table)?.stamp.drop()
    this.tables.delete(table)
  }

  /** The first of the tables that is blocked, `'database'` where all are. */
  blocked(tables: readonly string[]): string | undefined {
    if (this.blocks.size === 0) return undefined
    for (const blocked of this.blocks.values()) {
      if (blocked === 'database') return blocked
      const found = tables.find((table) => blocked.has(table))
      if (found !== undefined) return found
    }
    return undefined
  }

  /**
   * The stamps of a table's dependency, created and registered where missing. Over `maxSchemes` the dependency becomes "any
   * row of the table, any column": coarser, never wrong. New conj stamps are idle at first.
   */
  take(dependency: Dependency, maxSchemes: number, into: Stamp[], idle: IdleStamps): void {
    let { scheme, values } = dependency
    let table = this.tables.get(scheme.table)
    if (table === undefined) {
      table = new TableStamps()
      this.tables.set(scheme.table, table)
    }
    let stamps = table.register(scheme, maxSchemes)
    if (stamps === undefined) {
      scheme = makeScheme(scheme.table, [], undefined)
      values = []
      stamps = table.register(scheme, Number.POSITIVE_INFINITY) as SchemeStamps
    }
    const key = conjKey(values)
    let conj = stamps.conjs.get(key)
    if (conj === undefined) {
      conj = new Stamp(stamps.conjs, key)
      stamps.conjs.set(key, conj)
      idle.add(conj)
    }
    into.push(table.stamp, stamps.stamp, conj)
  }
}
