import type { Change } from '../invalidation/dependency.js'
import type { RowWrite } from '../plan/row-write.js'
import type { Entry } from '../store/store.js'
import type { Call } from './connection.js'
import type { Core } from './core.js'
import type { ImageFold } from './image-fold.js'
import type { ImagePlan } from './images.js'
import type { ConnectionState } from './source.js'
import { widenedName } from './widen.js'

/** A write that was carried out. */
export interface Done<R> {
  /** Decodes for the caller, whose parsers may throw: only once all is concluded. */
  readonly result: () => R
  readonly changes: readonly Change[]
  /** No row was touched: another's commit may be seen (A13). */
  readonly none: boolean
}

/** A write that brings images of its rows, on its way. */
export interface Attempt<R> {
  readonly engine: Core
  readonly state: ConnectionState
  readonly call: Call<R>
  /** The statement with what stands before it: the positions in an error are those of the user's text. */
  readonly text: string
  readonly rows: RowWrite
  readonly images: ImagePlan
  readonly fold: ImageFold
  readonly autocommit: boolean
}

/** Runs it as the user wrote it. */
export function pass<R>(engine: Core, call: Call<R>): Promise<R> {
  return engine.pausing ? passInSteps(engine, call) : call.passThrough()
}

async function passInSteps<R>(engine: Core, call: Call<R>): Promise<R> {
  await engine.pause('before-database', call.text)
  const result = await call.passThrough()
  await engine.pause('after-database', call.text)
  return result
}

/** Runs it in other words, which return more. */
export function ask<R>(attempt: Attempt<R>, text: string): Promise<Entry> {
  const { engine, state, call } = attempt
  const name = call.name === undefined ? ownName(attempt, text) : widenedName(call.name, text)
  return engine.pausing ? askInSteps(attempt, text, name) : state.connection.run(text, call.params, name)
}

/** Only in autocommit: there an error that is about the name does no harm, as the statement can be run once more. */
function ownName<R>({ state, call, rows, autocommit }: Attempt<R>, text: string): string | undefined {
  return autocommit && state.direct && call.params.length > 0 ? state.prepared.name(text, rows) : undefined
}

async function askInSteps<R>(
  { engine, state, call }: Attempt<R>,
  text: string,
  name: string | undefined,
): Promise<Entry> {
  await engine.pause('before-database', call.text)
  const entry = await state.connection.run(text, call.params, name)
  await engine.pause('after-database', call.text)
  return entry
}

export function given<R>(result: R): () => R {
  return () => result
}

/** The result without the columns that were added. */
export function strip(entry: Entry, added: number): Entry {
  const { command, rowCount } = entry
  const count = entry.fields.length - added
  // Without a RETURNING of its own the statement has no rows to show.
  if (count === 0) return { command, rowCount, fields: [], rows: [] }
  return {
    command,
    rowCount,
    fields: entry.fields.slice(0, count),
    rows: entry.rows.map((row) => row.slice(0, count)),
  }
}
