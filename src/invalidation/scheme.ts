import { createHash } from 'node:crypto'
import type { Scheme } from './dependency.js'

/** Change with every write of a row, whatever its columns (A9). */
const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'])

/** B10: shapes come from texts, and texts are endless. Over the bound the cache starts anew. */
const CACHED_SHAPES = 4096
const cache = new Map<string, Scheme>()

/**
 * The scheme of a shape. Names are sorted by UTF-16 units, and repeated ones dropped; `read` gains `compared`, and becomes
 * `undefined` (everything) where it names a system column. `table` is `schema.name`.
 */
export function makeScheme(table: string, compared: readonly string[], read: readonly string[] | undefined): Scheme {
  const shape = JSON.stringify([table, compared, read])
  const known = cache.get(shape)
  if (known !== undefined) return known
  const scheme = build(table, compared, read)
  if (cache.size >= CACHED_SHAPES) cache.clear()
  cache.set(shape, scheme)
  return scheme
}

function build(table: string, compared: readonly string[], read: readonly string[] | undefined): Scheme {
  const sortedCompared = sorted(compared)
  const everything = read?.some((column) => SYSTEM_COLUMNS.has(column)) ?? true
  const sortedRead = everything ? undefined : sorted([...compared, ...(read ?? [])])
  // B9: a full hash, so that two shapes never share stamps.
  const id = createHash('sha256')
    .update(JSON.stringify([table, sortedCompared, sortedRead ?? null]))
    .digest('base64url')
  return Object.freeze({ id, table, compared: sortedCompared, read: sortedRead })
}

function sorted(names: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(names)].sort())
}

/**
 * The values of a conj as one string, in the order of `scheme.compared`. Injective: every value carries its length, NULL
 * has a mark of its own (`['a', null]` is `1:a-`), and no value at all is the empty string.
 */
export function conjKey(values: readonly (string | null)[]): string {
  let key = ''
  for (const value of values) key += value === null ? '-' : `${value.length}:${value}`
  return key
}
