import type { Log, Row } from './records.js'

/** One state of a row: from the first moment at which it may have been seen to the moment from which everyone must see it. */
export interface State {
  readonly version: number
  readonly grp: number | undefined
  /** What made it, for stories. */
  readonly by: string
  readonly process: string
  readonly killed: boolean
  readonly start: number
  /** Its write was acknowledged. */
  readonly end: number
  /** Its invalidation was delivered; infinite where that is not known. */
  readonly delivered: number
}

/** A write of which nothing is known but that it may have happened. */
export interface Unknown {
  readonly start: number
  readonly process: string
  readonly killed: boolean
  /** From then on it has happened or not. */
  readonly over: number
}

/** The states of one row in the order of their versions, and questions about them that each take a few steps. */
export class RowHistory {
  readonly states: readonly State[]
  readonly unknown: readonly Unknown[]
  readonly #byVersion = new Map<number, State>()
  readonly #acknowledged: Frontier
  readonly #all: Floors
  /** Of the states by which the row was in the group, came into it, or left it. */
  readonly #ofGroup = new Map<number, Floors>()
  /** Of those by which it came or left. */
  readonly #moves = new Map<number, Floors>()

  constructor(states: readonly State[], unknown: readonly Unknown[]) {
    this.states = [...states].sort((a, b) => a.version - b.version)
    this.unknown = unknown
    for (const state of this.states) this.#byVersion.set(state.version, state)
    this.#acknowledged = new Frontier(this.states, (state) => state.end)
    this.#all = new Floors(this.states)
    for (const grp of new Set(this.states.map((state) => state.grp))) {
      if (grp === undefined) continue
      const concerned = this.states.filter((state) => state.grp === grp || this.#before(state)?.grp === grp)
      this.#ofGroup.set(grp, new Floors(concerned))
      const moves = concerned.filter((state) => state.start < 0 || this.#isMove(state))
      this.#moves.set(grp, new Floors(moves))
    }
  }

  /** The newest state that a read of the row by this process, begun then, must show at least. */
  floor(process: string, at: number): State | undefined {
    return this.#all.at(process, at)
  }

  /** The same for a read of a group: what happened to the row elsewhere tells it nothing. */
  floorInGroup(process: string, at: number, grp: number): State | undefined {
    return this.#ofGroup.get(grp)?.at(process, at)
  }

  /** The same for a read that counts a group: only coming and leaving tell it anything. */
  floorOfCount(process: string, at: number, grp: number): State | undefined {
    return this.#moves.get(grp)?.at(process, at)
  }

  /** The newest state that was acknowledged to anyone before. */
  acknowledged(at: number): State | undefined {
    return this.#acknowledged.before(at)
  }

  of(version: number): State | undefined {
    return this.#byVersion.get(version)
  }

  /** Whether a write of unknown outcome, begun before, may have made something newer than the floor. */
  mayBeUnknown(floor: State | undefined, before: number): boolean {
    return this.unknown.some(({ start, over }) => start < before && (floor === undefined || floor.start <= over))
  }

  /** Whether a process was killed before then that may have changed the row and told the store nothing. */
  lostBy(at: number): boolean {
    if (this.unknown.some(({ killed, start }) => killed && start < at)) return true
    return this.states.some(({ killed, end, delivered }) => killed && end < at && !Number.isFinite(delivered))
  }

  /** The states that a read may show which begins after `floor` was certain and ends at `end`. */
  *candidates(floor: State | undefined, end: number): Iterable<State> {
    for (let i = floor === undefined ? 0 : this.#indexOf(floor.version); i < this.states.length; i++) {
      const state = this.states[i] as State
      // Later versions wait for this one's lock, and cannot be seen before it.
      if (state.start > end) return
      yield state
    }
  }

  #before(state: State): State | undefined {
    return this.of(state.version - 1)
  }

  #isMove(state: State): boolean {
    const before = this.#before(state)
    return before !== undefined && before.grp !== state.grp
  }

  #indexOf(version: number): number {
    let low = 0
    let high = this.states.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.states[middle] as State).version < version) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What must be seen at least: by everyone what was delivered, by each process also what it has written itself (S7). */
class Floors {
  readonly #delivered: Frontier
  readonly #own = new Map<string, Frontier>()

  constructor(states: readonly State[]) {
    this.#delivered = new Frontier(states, (state) => state.delivered)
    for (const process of new Set(states.map((state) => state.process))) {
      const own = states.filter((state) => state.process === process)
      this.#own.set(process, new Frontier(own, (state) => state.end))
    }
  }

  at(process: string, at: number): State | undefined {
    const everyone = this.#delivered.before(at)
    const own = this.#own.get(process)?.before(at)
    if (everyone === undefined || own === undefined) return everyone ?? own
    return own.version > everyone.version ? own : everyone
  }
}

/** The newest state as of a moment: moments in order, each with the newest state up to it. */
class Frontier {
  readonly #moments: number[] = []
  readonly #newest: State[] = []

  constructor(states: readonly State[], moment: (state: State) => number) {
    const inOrder = states.filter((state) => Number.isFinite(moment(state))).sort((a, b) => moment(a) - moment(b))
    let newest: State | undefined
    for (const state of inOrder) {
      if (newest === undefined || state.version > newest.version) newest = state
      this.#moments.push(moment(state))
      this.#newest.push(newest)
    }
  }

  before(at: number): State | undefined {
    let low = 0
    let high = this.#moments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#moments[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low === 0 ? undefined : this.#newest[low - 1]
  }
}

/** The history of every row, from the rows at the start and what the processes have written down. */
export function histories(
  initial: readonly Row[],
  logs: readonly Log[],
  rests: readonly { readonly at: number }[],
): ReadonlyMap<number, RowHistory> {
  const states = new Map<number, State[]>()
  const unknown = new Map<number, Unknown[]>()
  for (const row of initial) {
    const first = { by: 'the start', process: '', killed: false, start: -1, end: -1, delivered: -1 }
    add(states, row.id, { version: row.version, grp: row.grp, ...first })
  }
  for (const { process, killed, records } of logs) {
    const delivered = new Map<string, number>()
    const over = new Set<string>()
    const starts = new Map<string, number>()
    for (const record of records) {
      if (record.kind === 'delivered') for (const op of record.ops) delivered.set(op, record.at)
      else if (record.kind === 'intent') starts.set(record.op, record.start)
      else if (record.kind === 'acknowledged' || record.kind === 'refused') over.add(record.op)
    }
    for (const record of records) {
      if (record.kind === 'intent' && !over.has(record.op)) {
        const { start } = record
        const over = rests.find(({ at }) => at > start)?.at ?? Number.POSITIVE_INFINITY
        for (const id of record.ids) add(unknown, id, { start, process, killed, over })
      }
      if (record.kind !== 'acknowledged') continue
      const { op, end } = record
      const times = { start: starts.get(op) ?? 0, end, delivered: delivered.get(op) ?? Number.POSITIVE_INFINITY }
      for (const { id, version, grp } of record.rows) {
        add(states, id, { version, grp, by: op, process, killed, ...times })
      }
    }
  }
  return new Map(initial.map(({ id }) => [id, new RowHistory(states.get(id) ?? [], unknown.get(id) ?? [])]))
}

function add<T>(lists: Map<number, T[]>, id: number, item: T): void {
  const list = lists.get(id)
  if (list === undefined) lists.set(id, [item])
  else list.push(item)
}
