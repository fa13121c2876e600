import type { Entry, EntryField } from '../../engine/connection.js'
import type { PgField, PgModule, PgResult } from './module.js'

/** pg's own class of fields is not exported: learned from the first result. */
type FieldClass = new (
  name: string,
  tableID: number,
  columnID: number,
  dataTypeID: number,
  dataTypeSize: number,
  dataTypeModifier: number,
  format: string,
) => PgField

let Field: FieldClass | undefined

/** Parsers that leave the wire's text as it is. */
export const RAW_TYPES = { getTypeParser: () => (value: string) => value }

/** A result that was read raw, as the store keeps it. */
export function toEntry(result: PgResult): Entry {
  const first = result.fields[0]
  if (first && first.constructor !== Object) Field ??= first.constructor as FieldClass
  return {
    command: result.command ?? '',
    rowCount: result.rowCount,
    fields: result.fields as readonly EntryField[],
    rows: result.rows as Entry['rows'],
  }
}

/** The result that this caller would have got from pg: its own rows, its own parsers. */
export function decode(pg: PgModule, entry: Entry, rowMode: string | undefined, types: unknown): PgResult {
  const result = new pg.Result(rowMode, types)
  result.command = entry.command
  result.rowCount = entry.rowCount
  // The tag of an INSERT still carries an oid, always 0.
  result.oid = entry.command === 'INSERT' ? 0 : null
  const { fields, rows } = entry
  if (fields.length === 0) return result
  const own = new Array<PgField>(fields.length)
  for (let index = 0; index < fields.length; index++) own[index] = copy(fields[index] as PgField)
  result.addFields(own)
  const decoded = new Array<unknown>(rows.length)
  for (let index = 0; index < rows.length; index++) decoded[index] = result.parseRow(rows[index] as (string | null)[])
  result.rows = decoded
  return result
}

function copy(field: PgField): PgField {
  const { name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format } = field
  if (Field) return new Field(name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format)
  return { name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format }
}
