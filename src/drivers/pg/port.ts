import type { Connection, ConnectionStatus, Entry, WireParam } from '../../engine/connection.js'
import type { RawQuery, RawQueryClass } from './raw-query.js'

/** Members of pg's client that are used beyond its types. */
export interface Innards {
  readonly binary: boolean
  readonly readyForQuery?: boolean
  readonly _types: unknown
  readonly _Promise?: PromiseConstructor
  readonly _queryable: boolean
  readonly _ending: boolean
  readonly processID: number | null
  readonly connection: Wire
}

interface Wire {
  /** Statements that the server knows by a name, or soon will. */
  readonly parsedStatements?: Readonly<Record<string, string | undefined>>
  readonly submittedNamedStatements?: Readonly<Record<string, string | undefined>>
  on(event: string, listener: (message: never) => void): void
  once(event: string, listener: (message: never) => void): void
  removeListener(event: string, listener: (message: never) => void): void
}

/** A timer's longest delay, about 25 days: pg has no other word for "no timeout" where its client has one. */
const NO_TIMEOUT = 2 ** 31 - 1

/** What the server tells everybody when one of its processes has crashed. */
const CRASH_SHUTDOWN = '57P02'

/** The engine's port to one client of pg. */
export class PgConnection implements Connection {
  readonly #client: Innards
  readonly #Query: RawQueryClass
  readonly #submit: (query: RawQuery) => unknown
  /** The caller's query_timeout, for what is run in its name. */
  timeout: number | undefined
  /** Why there is no connection any longer. */
  loss: Error | undefined
  /** It is the server or the network that ended it, or is about to. A pool then ends its client, which looks as if it had been asked to. */
  broke = false
  #status: ConnectionStatus = 'idle'
  /** The server said its last word. */
  #ending = false

  /**
   * @param submit - hands a query to pg, past everything
   * @param crashed - called where the server says that it crashed (A15)
   */
  constructor(client: Innards, Query: RawQueryClass, submit: (query: RawQuery) => unknown, crashed: () => void) {
    this.#client = client
    this.#Query = Query
    this.#submit = submit
    const { connection } = client
    // Heard before pg tells its query, so that the status is there when the caller is told.
    connection.on('readyForQuery', ({ status }: { readonly status: string }) => {
      this.#status = status === 'I' ? 'idle' : status === 'T' ? 'transaction' : status === 'E' ? 'failed' : 'unknown'
    })
    connection.on('notice', ({ code }: { readonly code?: string }) => {
      if (code === CRASH_SHUTDOWN) crashed()
    })
    connection.on('errorMessage', (error: Error) => {
      if (!isServerError(error)) this.broke = true
    })
    connection.once('error', (error: Error) => {
      this.broke = true
      this.loss ??= error
    })
    connection.once('end', () => {
      if (!client._ending) this.broke = true
      this.loss ??= new Error(client._ending ? 'Connection terminated' : 'Connection terminated unexpectedly')
    })
  }

  get pid(): number | undefined {
    return this.#client.processID ?? undefined
  }

  status(): ConnectionStatus {
    return this.loss || this.#ending ? 'unknown' : this.#status
  }

  run(text: string, params: readonly WireParam[], name?: string, own = false): Promise<Entry> {
    const timeout = own ? NO_TIMEOUT : this.timeout
    const asked = new Promise<Entry>((resolve, reject) => {
      const query = new this.#Query(text, params, name, timeout)
      query.callback = (error, entry) => {
        if (entry) resolve(entry)
        else reject(error)
      }
      this.#submit(query)
    })
    return this.settled(asked)
  }

  /** The same result; an error of the server's only when the server has said, too, what became of the transaction. */
  settled<T>(result: Promise<T>): Promise<T> {
    return result.catch(async (error: unknown) => {
      if (isServerError(error)) await this.ready()
      else if (isReported(error)) this.#ending = true
      throw error
    })
  }

  /** Whether the server closes the connection; what was asked meanwhile waits for that. */
  get closing(): boolean {
    return this.#ending && !this.loss
  }

  /** Resolves when the server waits for the next statement, or is gone. */
  async ready(): Promise<void> {
    const { connection, readyForQuery } = this.#client
    if (readyForQuery !== false || this.loss) return
    await new Promise<void>((resolve) => {
      const over = () => {
        connection.removeListener('readyForQuery', over)
        connection.removeListener('end', over)
        resolve()
      }
      connection.on('readyForQuery', over)
      connection.on('end', over)
    })
  }

  /** What a name means on this connection, for statements that were prepared by whatever way. */
  prepared(name: string): string | undefined {
    const { parsedStatements, submittedNamedStatements } = this.#client.connection
    return parsedStatements?.[name] ?? submittedNamedStatements?.[name]
  }
}

function isReported(error: unknown): boolean {
  return typeof (error as { severity?: unknown } | null)?.severity === 'string'
}

/** The server reported it, and goes on: its word on the transaction follows. */
export function isServerError(error: unknown): boolean {
  if (!isReported(error)) return false
  const { severity, code } = error as { severity?: unknown; code?: unknown }
  // The severity is in the server's language.
  return severity !== 'FATAL' && severity !== 'PANIC' && !/^(57P|25P03)/.test(String(code))
}
