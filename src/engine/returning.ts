import type { WireRow } from '../base/vocabulary.js'
import type { RowWrite } from '../plan/row-write.js'
import type { Entry } from '../store/store.js'
import { type Attempt, ask, type Done, given, pass, strip } from './attempt.js'
import { sqlState } from './connection.js'
import { unknownRows } from './row-changes.js'
import { widen } from './widen.js'

/** Runs a write with a wider RETURNING, which brings the images of its rows. */
export async function writeReturning<R>(attempt: Attempt<R>): Promise<Done<R>> {
  const { call, rows, images, fold } = attempt
  const old = images.way === 'returning-old'
  let entry: Entry
  try {
    entry = await asked(attempt, widen(attempt.text, rows, images.columns, old))
  } catch (error) {
    // What the catalog thought possible is not: in autocommit the user's own words can still be run.
    if (!attempt.autocommit || !sqlState(error)?.startsWith('42')) throw error
    return { result: given(await pass(attempt.engine, call)), changes: unknownRows(rows), none: false }
  }
  const count = images.columns.length
  const added = old ? count * 2 : count
  for (const row of entry.rows) {
    const at = row.length - count
    if (rows.operation === 'delete') fold.deleted(row, at)
    else if (rows.operation === 'insert' && !rows.upsert) fold.inserted(row, at)
    else if (images.tells && row[row.length - 1] === '0') fold.inserted(row, at)
    else if (!old) fold.written(row, at, rows.upsert && !images.tells)
    else {
      const known = oldRow(rows, row, row.length - added)
      if (known === 'none') fold.inserted(row, at)
      else if (known === 'some') fold.updated(row, row.length - added, row, at)
      else fold.written(row, at, true)
    }
  }
  const shown = strip(entry, added)
  return { result: () => call.decode(shown), changes: fold.changes(), none: entry.rowCount === 0 }
}

/** Runs it once more without a name of ours where it failed for that. */
async function asked<R>(attempt: Attempt<R>, text: string): Promise<Entry> {
  try {
    return await ask(attempt, text)
  } catch (error) {
    const { autocommit, call, state } = attempt
    if (!autocommit || call.name !== undefined || !state.prepared.refused(text, error)) throw error
    return await ask(attempt, text)
  }
}

/** Whether a row that was written was there before: an upsert's new row has an old key of NULLs. */
function oldRow(rows: RowWrite, row: WireRow, at: number): 'some' | 'none' | 'unknown' {
  if (!rows.upsert) return 'some'
  const key = rows.table.keys.find((candidate) => candidate.primary)
  if (!key) return 'unknown'
  return key.columns.every((_, index) => row[at + index] === null) ? 'none' : 'some'
}
