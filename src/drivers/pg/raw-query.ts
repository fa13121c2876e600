import type { Entry, WireParam } from '../../engine/connection.js'
import type { PgField, PgModule } from './module.js'
import { toEntry } from './result.js'

/** A query of our own for pg's client: it keeps the rows as the wire brought them, and nothing is decoded. */
export interface RawQuery {
  /** Called once, by pg; its query_timeout wraps it. */
  callback: (error: unknown, entry?: Entry) => void
}

/** Without values it goes by the simple protocol, as with pg. `timeout` in milliseconds. */
export type RawQueryClass = new (
  text: string,
  values: readonly WireParam[],
  name: string | undefined,
  timeout: number | undefined,
) => RawQuery

interface CommandComplete {
  readonly text: string
}

/** The class for one copy of `pg`: how a query is sent is inherited from its Query, what comes back is not decoded. */
export function rawQueryClass(pg: PgModule): RawQueryClass {
  const { addCommandComplete } = pg.Result.prototype

  class Query implements RawQuery {
    readonly text: string
    readonly values: readonly WireParam[]
    readonly name: string | undefined
    readonly query_timeout: number | undefined
    readonly portal = ''
    callback: RawQuery['callback'] = () => undefined
    command: string | null = null
    rowCount: number | null = null
    oid: number | null = null
    #fields: readonly PgField[] = []
    readonly #rows: (readonly (string | null)[])[] = []

    constructor(text: string, values: readonly WireParam[], name: string | undefined, timeout: number | undefined) {
      this.text = text
      this.values = values
      this.name = name
      this.query_timeout = timeout
    }

    /** Text, also where the client asks for binary results. */
    get binary(): boolean {
      return false
    }

    set binary(_asked: boolean) {
      // A client with `binary: true` sets it on every query.
    }

    handleRowDescription({ fields }: { readonly fields: readonly PgField[] }): void {
      this.#fields = fields
    }

    handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
      this.#rows.push(fields)
    }

    handleCommandComplete(message: CommandComplete): void {
      // pg's own reading of the tag.
      addCommandComplete.call(this, message)
    }

    handleEmptyQuery(): void {}

    handleError(error: unknown): void {
      this.callback(error)
    }

    handleReadyForQuery(): void {
      this.callback(undefined, toEntry(this.command, this.rowCount, this.#fields, this.#rows))
    }
  }

  Object.setPrototypeOf(Query.prototype, pg.Query.prototype)
  return Query
}
