import type { MaybePromise } from '../base/vocabulary.js'
import type { WireParam } from '../invalidation/template.js'
import type { ConnectionStatus } from '../session/session.js'
import type { Entry, ReadReply } from '../store/store.js'

/** What the engine needs of a database connection; a driver makes one for each of its own. */
export interface Connection {
  /**
   * Runs one statement and gives its result as the server sent it, rows as text by position. Statements run in the order
   * of the calls. Rejects with the driver's own error.
   *
   * @param name - a prepared statement's name, where the caller used one
   * @param own - it is asked on the engine's own account: the caller's timeouts do not count for it
   */
  run(text: string, params: readonly WireParam[], name?: string, own?: boolean): Promise<Entry>
  /** The server's own word after the last statement that ended. */
  status(): ConnectionStatus
  /** Process id of the backend, where the server says it. */
  readonly pid: number | undefined
}

/** What one statement of a result was, e.g. `{ command: 'UPDATE', rowCount: 1 }`. */
export interface Outcome {
  readonly command: string
  readonly rowCount: number | null
}

/** The store's answer to a call that then had to wait, for a connection or for the store, so that it is asked once. */
export interface Looked {
  /** The entry's key; for another the answer means nothing. */
  readonly key: string
  /** What was decided for the call, for its text, values and scope: the engine's own. */
  readonly read: unknown
  readonly reply: MaybePromise<ReadReply | undefined>
  /** How many entries this process had handed to the store: where there are more now, one may be this. */
  readonly kept: number
  /** With `lock`: others have been waited for, or it is this one's turn. */
  readonly turned: boolean
}

/** One call of the user's, as its driver understood it. `R` is the driver's own result. */
export interface Call<R> {
  readonly text: string
  readonly params: readonly WireParam[]
  readonly name?: string | undefined
  /** Why the driver cannot have it answered from the cache, e.g. binary results. */
  readonly uncacheable?: string | undefined
  /** What the store said to it on the way that could not go on. Set by the engine; a driver that makes another call of it hands it on. */
  looked?: Looked | undefined
  /** While a function records what it depends on: it was told of this call, or need not be. Set by the engine. */
  told?: boolean
  /** Why it went past the cache. Set by the engine. */
  why?: string
  /** Runs it as the user asked, past everything. */
  passThrough(): Promise<R>
  /** The user's own result, in the shape and with the parsers that this call asked for. Every result is the caller's own. */
  decode(entry: Entry): R
  /** What a result of `passThrough` was, one a statement. */
  outcomes(result: R): readonly Outcome[]
}

/** How a pool or client reaches its database, for what the engine asks on its own account. */
export interface Access {
  /** What the user declared. */
  readonly database: string | undefined
  readonly replica: boolean
  /** For messages, e.g. `pg pool on localhost:5432/app`. */
  readonly label: string
  /** The identity where it need not be asked of the server, as for an embedded database. */
  readonly identity?: string | undefined
  /** Runs `use` on a connection of its own, outside of any transaction of the user's. */
  withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T>
}

/** Continues with a value now, or when it is there. Not named `then`: a module that exports that is taken for a promise. */
export function next<T, U>(value: MaybePromise<T>, use: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(use) : use(value)
}

/** SQLSTATE of an error that the server reported; undefined where the error is the client's or the socket's. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined
}

/** Whether a statement may have been carried out although it failed (A2). */
export function outcomeUnknown(error: unknown): boolean {
  const state = sqlState(error)
  if (state === undefined || state === '40003' || /^57P0[1-5]$/.test(state)) return true
  if (!state.startsWith('08')) return false
  // What a backend could not read it did not carry out. A pooler says the same of a backend that it lost, but names no routine.
  const { severity, routine } = error as { severity?: unknown; routine?: unknown }
  return !(state === '08P01' && severity === 'ERROR' && typeof routine === 'string')
}

// What drivers need of the rooms below: they import the engine only.
export type { WireParam } from '../invalidation/template.js'
export type { ConnectionStatus } from '../session/session.js'
export type { Entry, EntryField } from '../store/store.js'
export type { Scope } from './scope.js'
