import type { Statement } from './statement.js'

/** A literal that was lifted out of a text: its kind and its raw spelling are part of the entry's key (SOUNDNESS A24). */
export interface Literal {
  readonly kind: 'integer' | 'float' | 'string'
  /** The value with quotes taken off and doubled quotes or E-string escapes undone; digits as they stand for numbers. */
  readonly value: string
  /** As it stands in the text. */
  readonly raw: string
}

/** What a comment `/* cacheops: … *\/` asks for. */
export interface CommentOptions {
  readonly off: boolean
  /** As written, e.g. `5m`; checked by the engine. */
  readonly ttl?: string
  readonly lock?: boolean
  /** Words that are not known, for an error that teaches. */
  readonly unknown: readonly string[]
}

/** One statement of a text, with the values that belong to this text. */
export interface Analysis {
  /** The same object for every text of this template: plans are kept by it. */
  readonly template: Template
  readonly literals: readonly Literal[]
  readonly comment: CommentOptions | undefined
  /** The statement's own text within the whole, `[start, end)` in UTF-16 units, without the separating semicolon. */
  readonly start: number
  readonly end: number
}

/** What all texts share that differ only in lifted literals, comments and white space at the ends. */
export interface Template {
  /** The text with each lifted literal replaced by a marker of its kind, and each comment by a space. Part of an entry's key. */
  readonly text: string
  /** A stable 128-bit hash of `text`, base64url. */
  readonly hash: string
  readonly statement: Statement
  /** Number of parameters, i.e. the highest `$n`. */
  readonly params: number
}

/** A whole text: its statements in order. One for nearly all texts. */
export interface TextAnalysis {
  readonly statements: readonly Analysis[]
}
