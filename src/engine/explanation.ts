import type { Operation } from '../base/vocabulary.js'

/** One equality condition that a row must meet to matter, e.g. `{ author_id: '3' }`; `{}` is any row. */
export type ExplainedConj = Readonly<Record<string, string | null>>

/** What a statement says of rows that it writes. */
export interface ExplainedRows {
  readonly operation: 'insert' | 'update' | 'delete' | 'upsert'
  readonly table: string
  /** Columns that may change; `'*'` is any. Of an upsert: by its update. */
  readonly changed: readonly string[] | '*'
  /** What WHERE says of the rows before, or VALUES of those that are added. */
  readonly pinned: readonly ExplainedConj[]
  /** Tables that foreign keys carry the change on to. */
  readonly cascades: readonly string[]
}

/** What the cache makes of one statement. */
export interface Explanation {
  readonly sql: string
  /** `read` where it could be cached, `write` where it changes something, `function` for a call of one, else `other`. */
  readonly kind: 'read' | 'write' | 'function' | 'other'
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
    readonly rows?: ExplainedRows
    /** Writes whose rows do not come back: of CTEs, triggers, functions, statements inside others. */
    readonly unseen: readonly ExplainedRows[]
    /** Tables of which any row may change. */
    readonly tables: readonly string[]
    /** Anything in the database may change. */
    readonly database: boolean
    readonly reasons: readonly string[]
  }
}
