import type { WireRow } from '../base/vocabulary.js'
import { type Attempt, ask, type Done, given, pass, strip } from './attempt.js'
import { outcomeUnknown, sqlState } from './connection.js'
import { preRead, relocated } from './pre-read-text.js'
import { unknownRows } from './row-changes.js'
import { widen } from './widen.js'

/**
 * Reads the rows of an update as they are before it, locked, then runs it with a wider RETURNING; what the update meets
 * beyond them is unknown (A8). In autocommit both stand in a transaction of their own.
 *
 * @param max - most rows that are read
 */
export async function writePreRead<R>(attempt: Attempt<R>, max: number): Promise<Done<R>> {
  const { engine, state, call, text, rows, images, autocommit } = attempt
  const { connection } = state
  const limit = Math.min(max, 1_000_000) + 1
  const before = preRead(text, rows, images.columns, limit)
  const read = () =>
    connection.run(
      before.text,
      before.params.map((index) => call.params[index] ?? null),
    )
  if (!autocommit) {
    const seen = await read().catch((error: unknown) => Promise.reject(relocated(error, before)))
    await engine.pause('pre-read', call.text)
    return matched(attempt, seen.rows, seen.rows.length < limit)
  }
  await connection.run('BEGIN', [])
  let done: Done<R>
  let met = false
  try {
    const seen = await read()
    met = true
    await engine.pause('pre-read', call.text)
    done = await matched(attempt, seen.rows, seen.rows.length < limit)
  } catch (error) {
    if (outcomeUnknown(error)) {
      // Behind what is still running: where the connection lives on, the transaction that we began does not.
      connection.run('ROLLBACK', []).catch(() => undefined)
      throw error
    }
    await connection.run('ROLLBACK', [])
    const kind = sqlState(error)?.slice(0, 2)
    // A value that does not fit: the user's own statement says so in its own words.
    if (kind !== '42' && (met || kind !== '22')) throw error
    return { result: given(await pass(engine, call)), changes: unknownRows(rows), none: false }
  }
  await engine.pause('before-commit', call.text)
  await connection.run('COMMIT', [])
  return done
}

async function matched<R>(attempt: Attempt<R>, seen: readonly WireRow[], complete: boolean): Promise<Done<R>> {
  const { call, rows, images, fold } = attempt
  const entry = await ask(attempt, widen(attempt.text, rows, images.columns, false))
  const count = images.columns.length
  const keyLength = images.key.length
  const byKey = new Map<string, WireRow>()
  let distinct = true
  for (const row of seen) {
    const key = JSON.stringify(row.slice(0, keyLength))
    const other = byKey.get(key)
    // A join repeats a row. Keys may repeat where a parent's rows are its children's.
    if (other && JSON.stringify(other) !== JSON.stringify(row)) distinct = false
    byKey.set(key, row)
  }
  if (!complete || !distinct) fold.unknown()
  else {
    for (const row of entry.rows) {
      const at = row.length - count
      const before = byKey.get(JSON.stringify(row.slice(at, at + keyLength)))
      if (before) fold.updated(before, 0, row, at)
      // A row that nobody pre-read, or whose key changed: what it was is not known.
      else fold.written(row, at, false)
    }
  }
  const shown = strip(entry, count)
  return { result: () => call.decode(shown), changes: fold.changes(), none: entry.rowCount === 0 }
}
