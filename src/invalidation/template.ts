import type { KeyType } from '../catalog/catalog.js'

/** Where a value comes from when a call binds a template. */
export type ValueSource =
  | { readonly kind: 'param'; readonly index: number }
  | { readonly kind: 'literal'; readonly slot: number; readonly negated: boolean }
  | {
      readonly kind: 'constant'
      readonly value: string | null
      readonly literal: 'integer' | 'float' | 'string' | 'boolean' | 'null'
    }

/** What one column must be for a row to matter. */
export type Restriction = { readonly column: string; readonly keyType: KeyType } & (
  | { readonly kind: 'value'; readonly value: ValueSource }
  | { readonly kind: 'list'; readonly items: readonly ValueSource[] }
  /** `= ANY(array)`: the array in its text form. */
  | { readonly kind: 'array'; readonly array: ValueSource }
  | { readonly kind: 'null' }
)

/** A conj whose values are not bound yet: at most one restriction a column. Empty: any row. */
export type ConjTemplate = readonly Restriction[]

/** One table that a read depends on, before binding. A row matters if it meets any of `conjs`. */
export interface DependencyTemplate {
  /** `schema.name`. */
  readonly table: string
  /** Columns read; `undefined` means every column. */
  readonly read: readonly string[] | undefined
  readonly conjs: readonly ConjTemplate[]
}

/** A parameter as the wire carries it: text, bytes, or NULL. */
export type WireParam = string | Uint8Array | null

/** A literal as the lexer lifted it. */
export interface BoundLiteral {
  readonly kind: 'integer' | 'float' | 'string'
  readonly value: string
}

/** The values of one call. */
export interface CallValues {
  readonly params: readonly WireParam[]
  readonly literals: readonly BoundLiteral[]
}

export interface BindLimits {
  /** Longest `IN` that still makes one conj a value; over it the condition counts as true. */
  readonly longDisjunction: number
  /** Most conjs of one dependency; over it restrictions are dropped. */
  readonly maxConjs: number
}
