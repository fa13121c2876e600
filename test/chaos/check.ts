import { histories, type RowHistory, type State } from './history.js'
import type { Log, Read, Row } from './records.js'

export interface Verdict {
  readonly reads: number
  readonly hits: number
  readonly writes: number
  /** Reads that must not be. */
  readonly stale: readonly { readonly at: number; readonly story: string }[]
  /** Reads older than a write that was acknowledged, whose invalidation was not delivered then (S7): its process could not reach the store. */
  readonly late: number
  /** The same where the process was killed before it could deliver it: until the time to live, or the row's next write. */
  readonly lost: number
  /** Reads at rest that differ from the database because of a killed process. */
  readonly lostAtRest: number
}

interface World {
  readonly rows: ReadonlyMap<number, RowHistory>
  /** When the trigger was there for everyone. */
  readonly echo: number
  /** How many columns there are for everyone from when. */
  readonly columns: readonly { readonly at: number; readonly columns: number }[]
}

/** Nobody wrote, and no live process had anything undelivered, in that time; the database held these rows. */
export interface Rest {
  readonly at: number
  readonly until: number
  readonly rows: readonly Row[]
}

/**
 * Compares every read with every write that it must show: no read that begins after a write's invalidation was delivered is older than
 * that write, no process ever reads what was there before its own, and at rest every read equals the database, but for what a
 * killed process did not deliver.
 *
 * @param initial - every row that there ever is, as it is at the start
 */
export function check(initial: readonly Row[], logs: readonly Log[], rests: readonly Rest[]): Verdict {
  const defined = logs.flatMap(({ records }) => records.filter((record) => record.kind === 'defined'))
  const world: World = {
    rows: histories(initial, logs, rests),
    echo: Math.min(...defined.filter(({ echo }) => echo).map(({ at }) => at), Number.POSITIVE_INFINITY),
    columns: defined.flatMap(({ at, columns }) => (columns === undefined ? [] : [{ at, columns }])),
  }
  const stale: { readonly at: number; readonly story: string }[] = []
  const counts = { reads: 0, hits: 0, writes: 0, late: 0, lost: 0, lostAtRest: 0 }
  for (const { process, records } of logs) {
    for (const record of records) {
      if (record.kind === 'acknowledged') counts.writes++
      if (record.kind !== 'read') continue
      counts.reads++
      if (record.hit) counts.hits++
      const rest = rests.find(({ at, until }) => record.start > at && record.end < until)
      const problem = problemOf(world, process, record) ?? (rest && restProblem(world, rest, record))
      if (problem !== undefined) stale.push({ at: record.start, story: `${process} ${told(record)}: ${problem}` })
      else if (rest !== undefined && differing(rest, record).length > 0) counts.lostAtRest++
      const behind = behindOf(world, record)
      if (behind !== undefined && problem === undefined) counts[behind.killed ? 'lost' : 'late']++
    }
  }
  return { ...counts, stale }
}

function problemOf(world: World, process: string, read: Read): string | undefined {
  switch (read.what) {
    case 'star':
      for (const { at, columns } of world.columns) {
        if (at < read.start && read.rows.length > 0 && (read.columns ?? 0) < columns) {
          return `it has ${read.columns} columns, and there were ${columns} since ${at}`
        }
      }
      return rowProblem(world, process, read)
    case 'key':
      return rowProblem(world, process, read)
    case 'list':
    case 'digest':
      return groupProblem(world, process, read)
    case 'count':
      return countProblem(world, process, read)
    case 'echo':
      return echoProblem(world, process, read)
  }
}

function rowProblem(world: World, process: string, read: Read): string | undefined {
  const history = historyOf(world, read.of)
  const [row] = read.rows
  const floor = history.floor(process, read.start)
  if (row !== undefined) return shownProblem(history, row, floor, read)
  if (canBe(history, floor, read, (state) => state.grp === undefined)) return undefined
  return `no row, and ${story(floor)}`
}

function groupProblem(world: World, process: string, read: Read): string | undefined {
  const shown = new Map(read.rows.map((row) => [row.id, row]))
  if (shown.size !== read.rows.length) return 'a row is there twice'
  for (const [id, history] of world.rows) {
    const row = shown.get(id)
    const floor = history.floorInGroup(process, read.start, read.of)
    if (row !== undefined) {
      const problem = shownProblem(history, { ...row, grp: read.of }, floor, read)
      if (problem !== undefined) return problem
    } else if (!canBe(history, floor, read, (state) => state.grp !== read.of)) {
      return `row ${id} is missing, and ${story(floor)}`
    }
  }
  return undefined
}

function countProblem(world: World, process: string, read: Read): string | undefined {
  let least = 0
  let most = 0
  let newest: State | undefined
  for (const history of world.rows.values()) {
    const floor = history.floorOfCount(process, read.start, read.of)
    if (!canBe(history, floor, read, (state) => state.grp !== read.of)) least++
    if (canBe(history, floor, read, (state) => state.grp === read.of)) most++
    if (floor !== undefined && (newest === undefined || floor.end > newest.end)) newest = floor
  }
  const { count = Number.NaN } = read
  if (count >= least && count <= most) return undefined
  return `it counts ${count}, and there were ${least} to ${most} rows; of the last that came or went ${story(newest)}`
}

/** A trigger copies the version of every updated row; its removal and its coming back are not copied. */
function echoProblem(world: World, process: string, read: Read): string | undefined {
  const history = historyOf(world, read.of)
  const version = read.rows[0]?.version ?? Number.NaN
  const floor = history.floor(process, read.start)
  if (floor === undefined || floor.start < world.echo || version >= floor.version) return undefined
  const before = history.of(floor.version - 1)
  if (floor.grp === undefined || before?.grp === undefined) return undefined
  return `version ${version}, and ${story(floor)}`
}

function shownProblem(history: RowHistory, row: Row, floor: State | undefined, read: Read): string | undefined {
  if (floor !== undefined && row.version < floor.version)
    return `row ${row.id} version ${row.version}, and ${story(floor)}`
  const state = history.of(row.version)
  if (state === undefined) {
    if (history.mayBeUnknown(floor, read.end)) return undefined
    return `row ${row.id} version ${row.version}, which nobody wrote`
  }
  if (state.start > read.end) return `row ${row.id} version ${row.version}, which was written only at ${state.start}`
  if (row.grp !== undefined && state.grp !== row.grp) {
    return `row ${row.id} version ${row.version} in group ${row.grp}, and it was in ${state.grp ?? 'none'}`
  }
  return undefined
}

function canBe(history: RowHistory, floor: State | undefined, read: Read, is: (state: State) => boolean): boolean {
  if (history.mayBeUnknown(floor, read.end)) return true
  for (const state of history.candidates(floor, read.end)) if (is(state)) return true
  return false
}

/** The newest write that was acknowledged to someone before, where the read does not show it. */
function behindOf(world: World, read: Read): State | undefined {
  if (read.what !== 'key' && read.what !== 'star') return undefined
  const newest = historyOf(world, read.of).acknowledged(read.start)
  const [row] = read.rows
  if (newest === undefined || row === undefined || row.version >= newest.version) return undefined
  return newest
}

/** At rest only a killed process explains a difference. */
function restProblem(world: World, rest: Rest, read: Read): string | undefined {
  const ids = differing(rest, read)
  if (read.what === 'count' && ids.some((id) => historyOf(world, id).lostBy(rest.at))) return undefined
  for (const id of ids) {
    const history = historyOf(world, id)
    if (history.lostBy(rest.at)) continue
    return `row ${id} is not as in the database at rest (${JSON.stringify(read.rows.find((row) => row.id === id))} and ${JSON.stringify(rest.rows.find((row) => row.id === id))}), and no killed process explains it`
  }
  return undefined
}

/** The rows in which a read differs from the database. */
function differing(rest: Rest, read: Read): readonly number[] {
  const { what, of } = read
  if (what === 'echo') return []
  const single = what === 'key' || what === 'star'
  const there = rest.rows.filter(({ id, grp }) => (single ? id === of : grp === of))
  if (what === 'count') return read.count === there.length ? [] : rest.rows.map(({ id }) => id)
  const shown = new Map(read.rows.map(({ id, version }) => [id, version]))
  const known = new Map(there.map(({ id, version }) => [id, version]))
  return [...new Set([...shown.keys(), ...known.keys()])].filter((id) => shown.get(id) !== known.get(id))
}

function historyOf(world: World, id: number): RowHistory {
  const history = world.rows.get(id)
  if (history === undefined) throw new Error(`row ${id} was not there at the start`)
  return history
}

function story(state: State | undefined): string {
  if (state === undefined) return 'it was there from the start'
  const { version, grp, by, process, end, delivered } = state
  return `version ${version} (${grp === undefined ? 'removed' : `group ${grp}`}, ${by} of ${process || 'nobody'}) was acknowledged at ${end} and delivered at ${delivered}`
}

function told({ what, of, start, end, hit }: Read): string {
  return `${what} ${of} from ${start} to ${end} (${hit ? 'hit' : 'not a hit'})`
}
