/**
 * What processes write down of what they did. Times are microseconds of the machine's monotonic clock, which is one for all
 * processes.
 */

/** A row as somebody has seen or written it. `version` grows with each change of the row, its removal included. */
export interface Row {
  readonly id: number
  readonly version: number
  /** Undefined: removed, or not asked for. */
  readonly grp?: number | undefined
}

/** A write is about to begin: what its process may have done if nothing more is heard of it. */
export interface Intent {
  readonly kind: 'intent'
  readonly op: string
  readonly start: number
  readonly ids: readonly number[]
}

/** A write was acknowledged. */
export interface Acknowledged {
  readonly kind: 'acknowledged'
  readonly op: string
  readonly end: number
  readonly rows: readonly Row[]
}

/** A write was refused: nothing of it happened. */
export interface Refused {
  readonly kind: 'refused'
  readonly op: string
}

/** The process has nothing undelivered: all that it had been acknowledged counts for everyone. */
export interface Delivered {
  readonly kind: 'delivered'
  readonly at: number
  readonly ops: readonly string[]
}

/** `key`, `star`: one row by its id; `list`, `digest`: the rows of a group; `count`: how many; `echo`: the row that a trigger writes. */
export type What = 'key' | 'star' | 'list' | 'digest' | 'count' | 'echo'

export interface Read {
  readonly kind: 'read'
  readonly what: What
  /** The id or the group. */
  readonly of: number
  readonly start: number
  readonly end: number
  readonly hit: boolean
  readonly rows: readonly Row[]
  /** Of a count. */
  readonly count?: number | undefined
  /** Of a star: how many columns there were. */
  readonly columns?: number | undefined
}

/** Definitions were changed; the change is acknowledged. */
export interface Defined {
  readonly kind: 'defined'
  readonly at: number
  /** Columns of the table from then on. */
  readonly columns?: number | undefined
  /** The trigger writes from then on. */
  readonly echo?: true | undefined
}

export type ChaosRecord = Intent | Acknowledged | Refused | Delivered | Read | Defined

/** All that one process has written down, in its order. */
export interface Log {
  readonly process: string
  /** It was killed: what it had not delivered is lost (S7). */
  readonly killed: boolean
  readonly records: readonly ChaosRecord[]
}

/** Now, in microseconds. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
