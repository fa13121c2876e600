import { canonical, imageValue } from '../../src/invalidation/canonical.js'
import type { RowImage, Scheme } from '../../src/invalidation/dependency.js'
import { makeScheme } from '../../src/invalidation/scheme.js'

/** A table small enough to look at whole: what `affected` and the stores are compared with. */
export const TABLE = 'public.t'
export const COLUMNS = ['a', 'b', 'c', 'd'] as const
export type ColumnName = (typeof COLUMNS)[number]
export type Row = Readonly<Record<ColumnName, string | null>>
/** Rows by their identity, which is no column. */
export type Rows = ReadonlyMap<number, Row>

/** `SELECT read FROM t WHERE where`: `null` in `where` is IS NULL, `read` undefined is `*`. */
export interface Query {
  readonly where: Readonly<Partial<Record<ColumnName, string | null>>>
  readonly read: readonly ColumnName[] | undefined
}

export function resultOf(query: Query, rows: Rows): string {
  const conditions = Object.entries(query.where) as [ColumnName, string | null][]
  const found: string[] = []
  for (const row of rows.values()) {
    if (!conditions.every(([column, value]) => row[column] === value)) continue
    found.push(JSON.stringify((query.read ?? COLUMNS).map((column) => row[column])))
  }
  return JSON.stringify(found.sort())
}

/** As `bind` does it: a value without a canonical form restricts nothing, but its column is read. */
export function dependencyOf(query: Query): { readonly scheme: Scheme; readonly values: readonly (string | null)[] } {
  const keyed = new Map<string, string | null>()
  for (const [column, value] of Object.entries(query.where)) {
    const key = value === null ? null : canonical('text', value)
    if (key !== undefined) keyed.set(column, key)
  }
  const read = query.read === undefined ? undefined : [...query.read, ...Object.keys(query.where)]
  const scheme = makeScheme(TABLE, [...keyed.keys()], read)
  return { scheme, values: scheme.compared.map((column) => keyed.get(column) as string | null) }
}

/** What is known of rows that share a change: the values, of the columns that may be seen, in which all agree. */
export function imageOf(rows: readonly Row[], seen: readonly ColumnName[]): RowImage {
  const values = new Map<string, string | null>()
  for (const column of seen) {
    const shared = new Set(rows.map((row) => row[column]))
    if (shared.size !== 1) continue
    const [value] = shared
    if (value === undefined) continue
    const known = value === null ? null : imageValue('text', value)
    if (known !== undefined) values.set(column, known)
  }
  return { values }
}
