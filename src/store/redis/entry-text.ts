import type { WireRow } from '../../base/vocabulary.js'
import type { Entry, EntryField } from '../store.js'

/** B10: so many different lists of fields are shared. */
const SHARED = 2000
const shared = new Map<string, readonly EntryField[]>()

type Packed = readonly [string, number, (number | null)?, (number | null)?, (number | null)?, (number | null)?, string?]

/** An entry as it comes back. `stored` is by the clock of who stored it, in milliseconds since 1970. */
export interface StoredEntry {
  readonly entry: Entry
  readonly stored: number
}

/**
 * An entry as text, three lines: the stamps that it was read under, the fields, and the rest. JSON has no line breaks of its own.
 */
export function entryText(stamps: readonly string[], entry: Entry): string {
  const { command, rowCount, rows } = entry
  const fields = JSON.stringify(entry.fields.map(pack))
  return `${stamps.join(' ')}\n${fields}\n${JSON.stringify([command, rowCount, rows, Date.now()])}`
}

/**
 * Where the fields begin in an entry that was stored under exactly these stamps; -1 where it was not. `values` holds the
 * stamps as they are now from `from` on; `at` is where those of the entry begin.
 */
export function bodyOf(text: string, values: readonly (string | null)[], from: number, start = 0): number {
  let at = start
  for (let i = from; i < values.length; i++) {
    const value = values[i] as string | null
    if (value === null || !text.startsWith(value, at)) return -1
    at += value.length
    if (text.charCodeAt(at) !== (i === values.length - 1 ? 10 : 32)) return -1
    at++
  }
  return at
}

/** The entry whose fields begin at `at`; undefined where the text is damaged: a miss (S1). */
export function parseEntry(text: string, at: number): StoredEntry | undefined {
  try {
    const end = text.indexOf('\n', at)
    const rest = JSON.parse(text.slice(end + 1)) as [string, number | null, WireRow[], number]
    const [command, rowCount, rows, stored] = rest
    return { entry: { command, rowCount, fields: parseFields(text.slice(at, end)), rows }, stored }
  } catch {
    return undefined
  }
}

/** Results of one statement have the same fields: parsed once, and one object, so that they are compared with a catalog once. */
function parseFields(text: string): readonly EntryField[] {
  let fields = shared.get(text)
  if (fields === undefined) {
    fields = Object.freeze((JSON.parse(text) as Packed[]).map(unpack))
    if (shared.size >= SHARED) shared.clear()
    shared.set(text, fields)
  }
  return fields
}

function pack(field: EntryField): readonly unknown[] {
  const { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format } = field
  const all = [name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format]
  let length = all.length
  while (all[length - 1] === undefined) length--
  return all.slice(0, length)
}

function unpack(packed: Packed): EntryField {
  const [name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format] = packed
  return Object.freeze({
    name,
    dataTypeID,
    ...(tableID == null ? {} : { tableID }),
    ...(columnID == null ? {} : { columnID }),
    ...(dataTypeSize == null ? {} : { dataTypeSize }),
    ...(dataTypeModifier == null ? {} : { dataTypeModifier }),
    ...(format === undefined ? {} : { format }),
  })
}
