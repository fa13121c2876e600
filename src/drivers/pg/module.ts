import type * as Pg from 'pg'
import type { WireParam } from '../../engine/connection.js'

/** The user's own `pg`, as far as it is used beyond its types. */
export type PgModule = typeof Pg & {
  readonly utils: { readonly prepareValue: (value: unknown) => WireParam }
  readonly Result: {
    new (rowMode: string | undefined, types: unknown): PgResult
    readonly prototype: { addCommandComplete(this: object, message: { readonly text: string }): void }
  }
  readonly TypeOverrides: new (types?: unknown) => PgTypes
}

export interface PgTypes {
  getTypeParser(oid: number, format?: string): (value: string) => unknown
  setTypeParser(oid: number, ...rest: unknown[]): void
}

export interface PgField {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: string
}

/** pg's Result: it decodes rows with the parsers of its types. */
export interface PgResult {
  command: string | null
  rowCount: number | null
  oid: number | null
  rows: unknown[]
  fields: PgField[]
  addFields(fields: PgField[]): void
  parseRow(row: readonly (string | null)[]): unknown
}

/** A query config, as `client.query` takes it. */
export interface QueryConfig {
  readonly text?: string
  readonly values?: unknown[]
  readonly name?: string
  readonly rowMode?: string
  readonly types?: unknown
  readonly callback?: unknown
  readonly query_timeout?: number
  readonly [option: string]: unknown
}
