import type { Scheme } from '../invalidation/dependency.js'
import { mayChange, type RowWrite } from '../plan/row-write.js'
import { knownColumns, type Values } from './pins.js'

/** How the images of a write are had: the cheapest way that the schemes in use need. */
export interface ImagePlan {
  /** `pins`: what WHERE says is enough, or nothing can be had. */
  readonly way: 'pins' | 'returning' | 'returning-old' | 'pre-read'
  /** Columns that RETURNING brings, beyond the statement's own. */
  readonly columns: readonly string[]
  /** The key by which a pre-read row is found again: the first columns of `columns`. */
  readonly key: readonly string[]
  /** Nothing that is known of a row, by RETURNING or by WHERE, can differ after the write: one image is both. */
  readonly steady: boolean
  /** Of an upsert: the last of `columns` is `xmax`, which tells a row that was added from one that was there. */
  readonly tells: boolean
}

export const NO_IMAGES: ImagePlan = { way: 'pins', columns: [], key: [], steady: false, tells: false }

/** A row's lock: an upsert locks the row that it updates, and the new version keeps that; a row that it adds has none, 0. */
const LOCK = 'xmax'

interface Chosen {
  readonly schemes: readonly Scheme[]
  readonly followed: readonly boolean[]
  readonly single: boolean
  readonly known: readonly string[]
  readonly images: ImagePlan
}

/** The last choice for each write: with the same schemes in use, and the same columns pinned, it is the same again. */
const chosen = new WeakMap<RowWrite, Chosen>()

/**
 * Chooses the way, from the schemes in use now: only a hint, as the registry is read again at the commit (B1).
 *
 * @param followed - for each of the write's cascades whether its child has schemes
 */
export function chooseImages(
  write: RowWrite,
  schemes: readonly Scheme[],
  followed: readonly boolean[],
  pinned: readonly Values[],
): ImagePlan {
  const single = pinned.length === 1
  const known = knownColumns(pinned)
  const last = chosen.get(write)
  if (
    last !== undefined &&
    last.single === single &&
    isSame(last.schemes, schemes) &&
    isSame(last.known, known) &&
    isSame(last.followed, followed)
  ) {
    return last.images
  }
  const images = choose(write, schemes, followed, single, known)
  chosen.set(write, { schemes, followed, single, known, images })
  return images
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  if (some === others) return true
  if (some.length !== others.length) return false
  for (let index = 0; index < some.length; index++) if (some[index] !== others[index]) return false
  return true
}

function choose(
  write: RowWrite,
  schemes: readonly Scheme[],
  followed: readonly boolean[],
  single: boolean,
  known: readonly string[],
): ImagePlan {
  const wanted = wantedColumns(write, schemes, followed)
  if (wanted.size === 0 || !write.returning) return NO_IMAGES
  const columns = [...wanted]
  if (write.upsert) {
    if (write.oldImages) return { ...NO_IMAGES, way: 'returning-old', columns: withKey(wanted, write) }
    // A row that was routed to a partition has no system columns to show.
    const tells = write.table.kind === 'table' && !write.table.inherits
    return { ...NO_IMAGES, way: 'returning', columns: tells ? [...columns, LOCK] : columns, tells }
  }
  if (write.operation === 'insert') return { ...NO_IMAGES, way: 'returning', columns }
  const touched = (column: string): boolean => write.operation === 'update' && mayChange(write, column)
  // What WHERE says of all rows, and SET leaves alone, need not be asked for.
  const said = (column: string): boolean => known.includes(column) && !touched(column)
  if (columns.every(said)) return NO_IMAGES
  const asked = single ? columns.filter((column) => !said(column)) : columns
  const steady = ![...columns, ...known].some(touched)
  const seen = (column: string): boolean => !touched(column) || (single && known.includes(column))
  if (columns.every(seen)) return { ...NO_IMAGES, way: 'returning', columns: asked, steady }
  if (write.oldImages) return { ...NO_IMAGES, way: 'returning-old', columns: asked, steady }
  const { preRead } = write
  if (!preRead) return { ...NO_IMAGES, way: 'returning', columns: asked, steady }
  const rest = asked.filter((column) => !preRead.includes(column))
  return { ...NO_IMAGES, way: 'pre-read', columns: [...preRead, ...rest], key: preRead }
}

/** The columns that a scheme compares whose reads the write may change, and those that foreign keys follow. */
function wantedColumns(write: RowWrite, schemes: readonly Scheme[], followed: readonly boolean[]): ReadonlySet<string> {
  const changed = write.operation === 'update' ? write.changed : undefined
  const wanted = new Set<string>()
  for (const { read, compared } of schemes) {
    if (changed !== undefined && read !== undefined && !read.some((column) => changed.includes(column))) continue
    for (const column of compared) if (write.table.column.has(column)) wanted.add(column)
  }
  write.cascades.forEach((cascade, index) => {
    if (followed[index]) for (const { parent } of cascade.columns) wanted.add(parent)
  })
  return wanted
}

/** An upsert's old row is told from none by its key. */
function withKey(wanted: ReadonlySet<string>, write: RowWrite): readonly string[] {
  const key = write.table.keys.find((candidate) => candidate.primary)?.columns ?? []
  return [...new Set([...key, ...wanted])]
}
