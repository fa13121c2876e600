import type { WireRow } from '../base/vocabulary.js'
import type { RowWrite } from '../plan/write.js'
import type { Entry } from '../store/store.js'
import { type Attempt, ask, type Done, given, pass, strip } from './attempt.js'
import { sqlState } from './connection.js'
import { unknownRows } from './images.js'
import { widen } from './widen.js'

/** Runs a write with a wider RETURNING, which brings the images of its rows. */
export async function writeReturning<R>(attempt: Attempt<R>): Promise<Done<R>> {
  const { call, rows, images, fold } = attempt
  const old = images.way === 'returning-old'
  let entry: Entry
  try {
    entry = await ask(attempt, widen(attempt.text, rows, images.columns, old))
  } catch (error) {
    // What the catalog thought possible is not: in autocommit the user's own words can still be run.
    if (!attempt.autocommit || !sqlState(error)?.startsWith('42')) throw error
    return { result: given(await pass(attempt.engine, call)), changes: unknownRows(rows), none: false }
  }
  const count = images.columns.length
  const added = old ? count * 2 : count
  for (const row of entry.rows) {
    const own = row.slice(row.length - count)
    if (rows.operation === 'delete') fold.add(own, undefined)
    else if (rows.operation === 'insert' && !rows.upsert) fold.add(undefined, own)
    else if (old) fold.add(oldRow(rows, row.slice(row.length - added, row.length - count)), own)
    else fold.add('unknown', own)
  }
  const shown = strip(entry, added)
  return { result: () => call.decode(shown), changes: fold.changes(), none: entry.rowCount === 0 }
}

/** The old row of an upsert, or undefined where there was none: its key would not be NULL. */
function oldRow(rows: RowWrite, row: WireRow): WireRow | undefined | 'unknown' {
  if (!rows.upsert) return row
  const key = rows.table.keys.find((candidate) => candidate.primary)
  if (!key) return 'unknown'
  return row.slice(0, key.columns.length).every((value) => value === null) ? undefined : row
}
