import type { CommentOptions, Literal } from './analysis.js'
import { commentOptions } from './comment.js'
import { LexError, Lexer } from './lexer.js'
import { liftedNumber, liftedString, type Neighbours } from './steering.js'
import { escapeValue, hasLoneSurrogate, plainValue } from './strings.js'

/** One statement of a text, cut out, before it is parsed. */
export interface Piece {
  /** `[start, end)` in the whole text, without the separating semicolon and white space at the ends. */
  readonly start: number
  readonly end: number
  /** The text with literals and comments taken out: `Template.text`. */
  readonly template: string
  readonly literals: readonly Literal[]
  /** Where each literal begins, counted from `start`. */
  readonly positions: readonly number[]
  /** The highest `$n`. */
  readonly params: number
  readonly comment: CommentOptions | undefined
  /** No token in it. */
  readonly empty: boolean
  /** Why it must not be parsed. */
  readonly refused?: string
}

export interface LiftOptions {
  /** `false` leaves every literal in the text. */
  readonly lift: boolean
  /** `standard_conforming_strings`; where it is off, a backslash in `'…'` makes the text's tokens unknown. */
  readonly standardStrings: boolean
}

const MARK = '\u0001'
const MARKER = { integer: `${MARK}i`, float: `${MARK}f`, string: `${MARK}s` } as const

/** Tokens of a text at most: over it the text is not even cut into statements. A bulk INSERT with all the parameters that there can be has some 150,000. */
const MOST_TOKENS = 200_000

/** Lifting is done only in these: elsewhere a literal may be a setting's value, a name, a function's body. */
const LIFTED_VERBS = new Set(['select', 'insert', 'update', 'delete', 'with', 'values', 'merge', '('])

/** Splits a text into statements, lifts their literals and takes their comments out, in one pass. */
export function lift(text: string, options: LiftOptions): readonly Piece[] {
  let lifting = options.lift
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0\u0001\ud800-\udfff]/.test(text)) {
    if (text.includes('\0')) return [whole(text, 'a NUL character')]
    // The parser's encoder and the driver's differ on half a surrogate pair: they would read two different texts.
    if (hasLoneSurrogate(text)) return [whole(text, 'half a surrogate pair')]
    if (text.includes(MARK)) lifting = false
  }
  try {
    const pieces = new Lifter(text, lifting, options.standardStrings).run()
    if (pieces) return pieces
    // Something that is not exact: the literals stay in the text.
    return new Lifter(text, false, options.standardStrings).run() ?? [whole(text, 'strings that cannot be read')]
  } catch (error) {
    if (error instanceof LexError) return [whole(text, error.message)]
    throw error
  }
}

// No lifted text begins with two markers, so a text with markers of its own never meets another's template.
const guarded = (text: string): string => (text.includes(MARK) ? MARK + MARK + text : text)

/** The text as one statement, as it stands. */
function whole(text: string, refused?: string): Piece {
  const common = { template: guarded(text), literals: [], positions: [], params: 0, comment: undefined, empty: false }
  return { ...common, start: 0, end: text.length, ...(refused !== undefined && { refused }) }
}

class Lifter implements Neighbours {
  readonly text: string
  readonly lexer: Lexer
  readonly #lifting: boolean
  readonly #standardStrings: boolean
  readonly #pieces: Piece[] = []

  // Of the text.
  #depth = 0
  #atomic = false
  #creates = false
  #separated = false

  // Of the statement that is being read.
  #pieceStart = 0
  #template = ''
  #copied = 0
  #tokens = 0
  #liftsHere = false
  #literals: Literal[] = []
  #positions: number[] = []
  #params = 0
  #notes: string[] = []
  #notesSeen = 0

  // The two tokens before the current one.
  beforeStart = 0
  beforeEnd = 0
  before2Start = 0
  before2End = 0
  /** Bit n: at depth n a GROUP BY, ORDER BY or PARTITION BY has begun. */
  byLists = 0

  constructor(text: string, lifting: boolean, standardStrings: boolean) {
    this.text = text
    this.lexer = new Lexer(text)
    this.#lifting = lifting
    this.#standardStrings = standardStrings
  }

  get depth(): number {
    return this.#depth
  }

  /** `undefined`: not exact with lifting. */
  run(): readonly Piece[] | undefined {
    const { lexer, text } = this
    let tokens = 0
    while (lexer.next()) {
      if (++tokens > MOST_TOKENS) return [whole(text, `more than ${MOST_TOKENS} words and signs`)]
      const { kind, start } = lexer
      if (kind === 'punctuation') {
        const code = text.charCodeAt(start)
        if (code === 59 && this.#depth === 0) {
          this.#finish(start)
          this.#pieceStart = lexer.end
          this.#separated = true
          continue
        }
        if (code === 41 || code === 93) {
          this.byLists &= ~bit(this.#depth)
          if (--this.#depth < 0) return [whole(text, 'parentheses that do not match')]
        }
        this.#open()
        if (code === 40 || code === 91) this.byLists &= ~bit(++this.#depth)
      } else {
        this.#open()
        if (kind === 'word') this.#word()
        else if (kind === 'string' || kind === 'escape-string' || kind === 'other-string') {
          if (!this.#string()) return undefined
          if (kind === 'string' && !this.#standardStrings && text.slice(start, lexer.end).includes('\\'))
            return [whole(text, 'a backslash in a string while standard_conforming_strings is off')]
        } else if (kind === 'integer' || kind === 'float') this.#number(kind)
        else if (kind === 'param') this.#param()
        // Server versions differ on where it ends.
        else if (kind === 'odd-number' && this.#liftsHere) return undefined
      }
      this.before2Start = this.beforeStart
      this.before2End = this.beforeEnd
      this.beforeStart = start
      this.beforeEnd = lexer.end
    }
    if (this.#depth !== 0) return [whole(text, 'parentheses that do not match')]
    this.#finish(text.length)
    // BEGIN ATOMIC … END holds semicolons of its own. It may still be one CREATE FUNCTION: the parser counts.
    if (this.#atomic && this.#creates && this.#separated) return [whole(text)]
    return this.#pieces.length > 0 ? this.#pieces : [this.#emptyPiece()]
  }

  /** Before any token of a statement is looked at. */
  #open(): void {
    const { lexer } = this
    if (this.#tokens++ === 0) {
      const verb = this.text.slice(lexer.start, lexer.end).toLowerCase()
      this.#liftsHere = this.#lifting && LIFTED_VERBS.has(verb)
      if (verb === 'create') this.#creates = true
      this.#copied = lexer.start
      this.beforeStart = this.beforeEnd = this.before2Start = this.before2End = lexer.start
    } else if (lexer.afterComment) {
      this.#template += `${this.text.slice(this.#copied, this.beforeEnd)} `
      this.#copied = lexer.start
    }
  }

  #word(): void {
    const { text, lexer } = this
    const length = lexer.end - lexer.start
    if (length === 2) {
      if ((text.charCodeAt(lexer.start) | 32) === 98 && (text.charCodeAt(lexer.start + 1) | 32) === 121)
        this.byLists |= bit(this.#depth)
    } else if (length === 6 && !this.#atomic) {
      this.#atomic = text.slice(lexer.start, lexer.end).toLowerCase() === 'atomic'
    }
  }

  #param(): void {
    const index = Number(this.text.slice(this.lexer.start + 1, this.lexer.end))
    if (index > this.#params) this.#params = index
  }

  #number(kind: 'integer' | 'float'): void {
    if (!this.#liftsHere || !liftedNumber(this)) return
    const raw = this.text.slice(this.lexer.start, this.lexer.end)
    this.#lift({ kind, value: raw, raw })
  }

  /** `false`: the statement's literals must stay. */
  #string(): boolean {
    const { lexer } = this
    if (!this.#liftsHere) return true
    if (lexer.continued) return false
    if (lexer.kind === 'other-string' || !liftedString(this)) return true
    const raw = this.text.slice(lexer.start, lexer.end)
    const value = lexer.kind === 'string' ? plainValue(raw) : escapeValue(raw)
    if (value !== undefined) this.#lift({ kind: 'string', value, raw })
    return true
  }

  #lift(literal: Literal): void {
    const { lexer } = this
    this.#template += this.text.slice(this.#copied, lexer.start) + MARKER[literal.kind]
    this.#copied = lexer.end
    this.#literals.push(literal)
    this.#positions.push(lexer.start)
  }

  #finish(limit: number): void {
    const notes = this.lexer.notes.slice(this.#notesSeen)
    this.#notesSeen = this.lexer.notes.length
    if (this.#tokens === 0) {
      // A comment behind the last semicolon still speaks of the statement before it.
      const last = this.#pieces.pop()
      this.#notes.push(...notes)
      if (last) this.#pieces.push(notes.length > 0 ? { ...last, comment: commentOptions(this.#notes) } : last)
      return
    }
    this.#notes = notes
    const template = this.#template + this.text.slice(this.#copied, this.beforeEnd)
    const [start, end] = trimmed(this.text, this.#pieceStart, limit)
    this.#pieces.push({
      start,
      end,
      template: this.#lifting ? template : guarded(template),
      literals: this.#literals,
      positions: start === 0 ? this.#positions : this.#positions.map((position) => position - start),
      params: this.#params,
      comment: commentOptions(notes),
      empty: false,
    })
    this.#template = ''
    this.#tokens = 0
    this.#literals = []
    this.#positions = []
    this.#params = 0
    this.byLists = 0
  }

  #emptyPiece(): Piece {
    const comment = commentOptions(this.lexer.notes)
    const common = { template: '', literals: [], positions: [], params: 0, comment, empty: true }
    return { ...common, start: 0, end: this.text.length }
  }
}

const bit = (depth: number): number => (depth < 31 ? 1 << depth : 0)

function trimmed(text: string, from: number, to: number): readonly [number, number] {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return [start, end]
}

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)
