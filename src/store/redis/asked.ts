import type { Dependency, Scheme } from '../../invalidation/dependency.js'
import { conjKey, makeScheme } from '../../invalidation/scheme.js'
import type { Names, TableNames } from './names.js'
import type { Registries } from './registries.js'

/** The stamps above the tables: global, database, catalog. */
const ABOVE = 3

/** One table of a read: its stamps are keys `from` to `to` of the read, first the table's, then the schemes', then the conjs'. */
export interface AskedTable {
  readonly names: TableNames
  readonly schemes: readonly Scheme[]
  readonly from: number
  readonly to: number
}

/** The keys that a read needs: its entry, and every stamp above its conjs in an order that follows from the dependencies. */
export interface Asked {
  readonly entry: string
  readonly stamps: readonly string[]
  readonly tables: readonly AskedTable[]
}

interface Gathered {
  readonly table: string
  readonly schemes: Scheme[]
  readonly conjs: string[]
}

/**
 * The keys of a read. Its entry's key holds the stamps' names too: processes that would not depend on the same (configured
 * otherwise, or of another version) have entries of their own.
 */
export function asked(
  names: Names,
  registries: Registries,
  database: string,
  key: string,
  dependencies: readonly Dependency[],
): Asked {
  const above = names.database(database)
  const stamps = [names.global, above.stamp, above.catalog]
  const tables: AskedTable[] = []
  for (const { table, schemes, conjs } of gather(names, registries, database, dependencies)) {
    const tableNames = names.table(database, table)
    const from = stamps.length
    stamps.push(tableNames.stamp)
    for (const scheme of schemes) stamps.push(tableNames.scheme(scheme.id))
    for (const conj of conjs) stamps.push(conj)
    tables.push({ names: tableNames, schemes, from, to: stamps.length })
  }
  let named = key
  for (let i = ABOVE; i < stamps.length; i++) named += `\n${stamps[i]}`
  return { entry: names.entry(named), stamps, tables }
}

function gather(
  names: Names,
  registries: Registries,
  database: string,
  dependencies: readonly Dependency[],
): readonly Gathered[] {
  const gathered: Gathered[] = []
  for (const dependency of dependencies) {
    const { table } = dependency.scheme
    const tableNames = names.table(database, table)
    let { scheme, values } = dependency
    if (registries.isFull(tableNames.stamp, scheme.id)) {
      scheme = anyRow(table)
      values = []
    }
    let found = gathered.find((each) => each.table === table)
    if (found === undefined) {
      found = { table, schemes: [], conjs: [] }
      gathered.push(found)
    }
    const conj = tableNames.conj(scheme.id, conjKey(values))
    if (!found.schemes.some(({ id }) => id === scheme.id)) found.schemes.push(scheme)
    else if (found.conjs.includes(conj)) continue
    found.conjs.push(conj)
  }
  return gathered
}

/** What a dependency becomes where a table has too many schemes: coarser, never wrong. */
function anyRow(table: string): Scheme {
  return makeScheme(table, [], undefined)
}

export function isAnyRow(scheme: Scheme): boolean {
  return scheme.compared.length === 0 && scheme.read === undefined
}
