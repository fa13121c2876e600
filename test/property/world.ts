import type { MemoryStore } from '../../src/store/memory.js'

/** What a statement gave, as far as it is compared. Rows as the server sent them. */
export interface Answer {
  readonly command?: string
  readonly rowCount?: number | null
  readonly fields?: readonly string[]
  readonly types?: readonly number[]
  readonly rows?: readonly (readonly (string | null)[])[]
  /** SQLSTATE, where it failed. */
  readonly error?: string
}

export type Status = 'idle' | 'transaction' | 'failed'

/** A way to run statements, in order. A string of several statements gives the answer of each. */
export interface Channel {
  run(text: string, params: readonly unknown[]): Promise<readonly Answer[]>
  status(): Status
}

/** A client of the cache. */
export interface Actor {
  readonly name: string
  /** It keeps its connection, so what it sets holds. */
  readonly sticky: boolean
  readonly cached: Channel
  /** The same connection, past the cache. */
  readonly past: Channel
  /** Does the same in another database without any cache: what a statement should have given, and have done. */
  readonly shadow: Channel
}

export interface Counts {
  readonly hits: number
  readonly misses: number
  readonly invalidations: number
  readonly bypasses: Readonly<Record<string, number>>
}

/** Two equal databases, one of them with clients that go through the cache. */
export interface World {
  /** One session for good, in this process: it runs no programs, and what it keeps it keeps beyond the case. */
  readonly embedded: boolean
  readonly actors: readonly Actor[]
  /** The committed state, uncached. Asked where the actor is in no transaction. */
  readonly oracle: Channel
  /** The same of the other database. */
  readonly shadowOracle: Channel
  /** What is kept now, where the store tells. */
  readonly kept: Pick<MemoryStore, 'entries'> | undefined
  counts(): Promise<Counts>
  /** How many reads were answered from the cache so far. */
  hits(): number
  /** How many came from the database and were stored. */
  misses(): number
  /** Gives back what the case took. */
  end(): Promise<void>
}

/** Opens worlds one after another, each with empty databases in which `ddl` was run. */
export interface Worlds {
  readonly name: string
  open(
    ddl: readonly string[],
    options: { readonly maxSchemes: number; readonly longDisjunction: number },
  ): Promise<World>
  close(): Promise<void>
}

const real = performance.now.bind(performance)
let offset = 0

/** Lets the clock of the cache be moved on, past its times of grace. Gives a function that takes this back. */
export function moveableClock(): () => void {
  performance.now = () => real() + offset
  return () => {
    performance.now = real
    offset = 0
  }
}

export function moveOn(milliseconds: number): void {
  offset += milliseconds
}
