import type { ConnectionStatus, Entry, EntryField } from '../../engine/connection.js'

/** A message of the server's, as PGlite parses it: what is needed of each. */
export type Reply =
  | { readonly name: 'parameterDescription'; readonly dataTypeIDs: readonly number[] }
  | { readonly name: 'rowDescription'; readonly fields: readonly EntryField[] }
  | { readonly name: 'dataRow'; readonly fields: readonly (string | null)[] }
  | { readonly name: 'commandComplete'; readonly text: string }
  | { readonly name: 'readyForQuery'; readonly status: string }
  | { readonly name: 'error' }

function message(code: string, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(code, 'latin1')
  head.writeUInt32BE(4 + parts.reduce((length, part) => length + part.length, 0), 1)
  return Buffer.concat([head, ...parts])
}

function string(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8')
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** The unnamed statement, its parameters' types for the server to find. */
export function parse(text: string): Uint8Array {
  return message('P', string(''), string(text), int16(0))
}

export function bind(values: readonly (string | Uint8Array | null)[]): Uint8Array {
  const formats: Buffer[] = []
  const parts: Uint8Array[] = []
  for (const value of values) {
    formats.push(int16(value instanceof Uint8Array ? 1 : 0))
    if (value === null) {
      parts.push(int32(-1))
      continue
    }
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
    parts.push(int32(bytes.length), bytes)
  }
  const count = int16(values.length)
  return message('B', string(''), string(''), count, ...formats, count, ...parts, int16(0))
}

export const DESCRIBE_STATEMENT = message('D', string('S'))
export const DESCRIBE_PORTAL = message('D', string('P'))
export const EXECUTE = message('E', string(''), int32(0))
export const SYNC = message('S')

/** The status that the server told last. */
export function statusOf(replies: readonly Reply[]): ConnectionStatus {
  const ready = replies.findLast((reply) => reply.name === 'readyForQuery')
  switch (ready?.status) {
    case 'I':
      return 'idle'
    case 'T':
      return 'transaction'
    case 'E':
      return 'failed'
    default:
      return 'unknown'
  }
}

/** The first error that the server told; PGlite makes it an Error. */
export function errorOf(replies: readonly Reply[]): unknown {
  return replies.find((reply) => reply.name === 'error')
}

/** The result of one statement, as the server sent it. */
export function entryOf(replies: readonly Reply[]): Entry {
  const rows: (readonly (string | null)[])[] = []
  let fields: readonly EntryField[] = []
  let command = ''
  let rowCount: number | null = null
  for (const reply of replies) {
    switch (reply.name) {
      case 'rowDescription':
        fields = reply.fields.map(({ name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier }) => ({
          name,
          dataTypeID,
          ...(tableID !== undefined && { tableID }),
          ...(columnID !== undefined && { columnID }),
          ...(dataTypeSize !== undefined && { dataTypeSize }),
          ...(dataTypeModifier !== undefined && { dataTypeModifier }),
        }))
        break
      case 'dataRow':
        rows.push(reply.fields)
        break
      case 'commandComplete': {
        // A tag that carries a number of rows ends in it: `INSERT 0 5`.
        const words = reply.text.split(' ')
        const count = Number.parseInt(words.at(-1) as string, 10)
        command = words[0] as string
        rowCount = Number.isNaN(count) ? null : count
        break
      }
    }
  }
  return { command, rowCount, fields, rows }
}
