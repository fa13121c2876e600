import type { Operation } from '../base/vocabulary.js'

/** One equality condition that a row must meet to matter, e.g. `{ author_id: '3' }`; `{}` is any row. */
export type ExplainedConj = Readonly<Record<string, string | null>>

/** What the cache makes of one statement. */
export interface Explanation {
  readonly sql: string
  /** `read` where it could be cached, `write` where it changes something, else `other`. */
  readonly kind: 'read' | 'write' | 'other'
  readonly operation?: Operation
  /** Whether a call like this is cached. */
  readonly cached: boolean
  /** For how long at most, in milliseconds. */
  readonly ttl?: number
  /** Why it is not cached. */
  readonly reason?: string
  /** Of a run: whether it was answered from the cache. */
  readonly hit?: boolean
  /** The pattern of the configuration that counts. */
  readonly pattern?: string
  readonly tables: readonly string[]
  readonly dependencies: readonly {
    readonly table: string
    /** Columns whose change matters; `'*'` is any. */
    readonly reads: readonly string[] | '*'
    readonly conj: ExplainedConj
    readonly scheme: string
  }[]
  /** Of a write. */
  readonly writes?: {
    /** What it says of its own rows. */
    readonly rows?: {
      readonly table: string
      readonly changed: readonly string[] | '*'
      readonly pinned: readonly ExplainedConj[]
    }
    /** Tables of which any row may change. */
    readonly tables: readonly string[]
    /** Anything in the database may change. */
    readonly database: boolean
    readonly reasons: readonly string[]
  }
}
