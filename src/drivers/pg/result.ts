import type { Entry, EntryField } from '../../engine/connection.js'
import type { PgField, PgModule, PgResult, PgTypes } from './module.js'

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

/** What a result derives from its fields, beside what is public. */
interface Innards {
  readonly _types?: PgTypes | null
  _parsers?: unknown
  _prebuiltEmptyResultObject?: object | null
}

type Fields = readonly EntryField[]

/** Most descriptions that are shared; over it they are learned anew. */
const SHARED = 1000
const shared = new Map<string, Fields>()

/** The object with all names that pg makes from a description and copies for each row. */
const emptyRows = new WeakMap<Fields, object>()

/** A result that was read raw, as the store keeps it. */
export function toEntry(
  command: string | null,
  rowCount: number | null,
  fields: readonly PgField[],
  rows: Entry['rows'],
): Entry {
  const first = fields[0]
  if (first && first.constructor !== Object) Field ??= first.constructor as FieldClass
  return { command: command ?? '', rowCount, fields: sharedFields(fields), rows }
}

/** Entries whose fields are described alike share the description: it is most of a small entry. */
function sharedFields(fields: Fields): Fields {
  const first = fields[0]
  const last = fields[fields.length - 1]
  if (!first || !last) return fields
  const key = `${fields.length} ${first.tableID} ${first.name} ${last.tableID} ${last.columnID} ${last.name}`
  const known = shared.get(key)
  if (known && alike(known, fields)) return known
  if (!known && shared.size >= SHARED) shared.clear()
  shared.set(key, fields)
  return fields
}

function alike(some: Fields, others: Fields): boolean {
  if (some.length !== others.length) return false
  for (let index = 0; index < some.length; index++) {
    const one = some[index] as EntryField
    const other = others[index] as EntryField
    if (
      one.name !== other.name ||
      one.dataTypeID !== other.dataTypeID ||
      one.columnID !== other.columnID ||
      one.tableID !== other.tableID ||
      one.dataTypeModifier !== other.dataTypeModifier ||
      one.dataTypeSize !== other.dataTypeSize ||
      one.format !== other.format
    ) {
      return false
    }
  }
  return true
}

/** The result that this caller would have got from pg: its own rows, its own parsers. */
export function decode(pg: PgModule, entry: Entry, rowMode: string | undefined, types: unknown): PgResult {
  const result = new pg.Result(rowMode, types)
  result.command = entry.command
  result.rowCount = entry.rowCount
  // The tag of an INSERT still carries an oid, always 0.
  result.oid = entry.command === 'INSERT' ? 0 : null
  const { fields, rows } = entry
  // A SELECT of no columns has rows all the same.
  if (fields.length === 0 && entry.command !== 'SELECT') return result
  const own = new Array<PgField>(fields.length)
  for (let index = 0; index < fields.length; index++) own[index] = copy(fields[index] as PgField)
  describe(result, own, fields)
  const decoded = new Array<unknown>(rows.length)
  for (let index = 0; index < rows.length; index++) decoded[index] = result.parseRow(rows[index] as (string | null)[])
  result.rows = decoded
  return result
}

/** What `addFields` does, without making the same empty row each time. The caller's types are asked each time, as with pg. */
function describe(result: PgResult & Innards, own: PgField[], fields: Fields): void {
  const known = emptyRows.get(fields)
  const types = result._types
  if (!known || !types || own.length === 0 || result._prebuiltEmptyResultObject !== null) {
    result.addFields(own)
    if (result._prebuiltEmptyResultObject) emptyRows.set(fields, result._prebuiltEmptyResultObject)
    return
  }
  const parsers = new Array<unknown>(own.length)
  for (let index = 0; index < own.length; index++) {
    const { dataTypeID, format } = own[index] as PgField
    parsers[index] = types.getTypeParser(dataTypeID, format || 'text')
  }
  result.fields = own
  result._parsers = parsers
  result._prebuiltEmptyResultObject = known
}

function copy(field: PgField): PgField {
  const { name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format } = field
  const Own = field.constructor === Object ? Field : (field.constructor as FieldClass)
  if (Own) return new Own(name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format)
  return { name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format }
}
