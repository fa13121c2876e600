import type { Entry } from '../store.js'

/*
 * Bytes as the bound of the memory store counts them: an estimate, rather too high than too low. A string is 2 bytes a
 * UTF-16 unit and a header (V8 keeps Latin-1 strings in one); objects, arrays and the slots of maps by what V8 takes on
 * a 64-bit machine. A conj stamp that several entries share is counted for each; the stamps above are few.
 */
const ENTRY = 480
const FIELD = 128
const ROW = 32
const SLOT = 8
const STRING = 24
const STAMP = 176

function stringBytes(text: string): number {
  return STRING + 2 * text.length
}

/** A conj stamp with its key and its slots in the maps. */
export function stampBytes(key: string): number {
  return STAMP + stringBytes(key)
}

/** An entry with its key and its rows, without its stamps. */
export function entryBytes(key: string, entry: Entry): number {
  let bytes = ENTRY + stringBytes(key) + stringBytes(entry.command)
  for (const field of entry.fields) bytes += FIELD + stringBytes(field.name)
  for (const row of entry.rows) {
    bytes += ROW + SLOT * row.length
    for (const value of row) if (value !== null) bytes += stringBytes(value)
  }
  return bytes
}
