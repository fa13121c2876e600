import { createHash } from 'node:crypto'
import { CacheopsError } from '../base/errors.js'
import type { Analysis, Template, TextAnalysis } from './analysis.js'
import { ByteLru } from './byte-lru.js'
import { scan } from './lexer.js'
import { type LiftOptions, lift, type Piece } from './lift.js'
import { ParseError, parserFailed, parserLoaded } from './parser.js'
import { shorten } from './postgres/bulk.js'
import { coarse } from './postgres/coarse.js'
import { type Lifted, Unmapped } from './postgres/constants.js'
import { Exhausted, understand, unreadable } from './postgres/front-end.js'
import { withoutLists } from './postgres/lists.js'
import type { Statement } from './statement.js'
import { transactionWords } from './transaction-words.js'

export { loadParser, parserFailed } from './parser.js'

export interface AnalyzeOptions {
  /** The session's `standard_conforming_strings` is off: nothing is lifted, and a backslash in `'…'` makes the text opaque. */
  readonly lift?: boolean
}

export interface Analyzer {
  /**
   * The statements of a text. A text that is known is one look-up; one whose other literals are known is one pass of the
   * lexer. Never throws for what the text says; throws `CacheopsError` where `loadParser` has not been awaited.
   */
  analyze(text: string, options?: AnalyzeOptions): TextAnalysis
}

/** Longer texts are not kept by their exact words: their literals would fill the cache. */
const LONGEST_KNOWN = 64 * 1024

/** What is parsed at most, in UTF-16 units and in tokens, each of which costs a microsecond or two. */
const LONGEST_PARSED = 256 * 1024
const MOST_TOKENS_PARSED = 8 * 1024

const ASIS: LiftOptions = { lift: false, standardStrings: true }
const LIFTED: LiftOptions = { lift: true, standardStrings: true }
const BACKSLASHES: LiftOptions = { lift: false, standardStrings: false }

/** `maxBytes` bounds what is remembered of texts and templates, about. */
export function createAnalyzer({ maxBytes }: { readonly maxBytes: number }): Analyzer {
  const texts = new ByteLru<TextAnalysis>(maxBytes / 2)
  const templates = new ByteLru<Template>(maxBytes / 2)

  const templateOf = (piece: Piece, text: string, budget: Budget): Template => {
    const known = templates.get(piece.template)
    if (known) return known
    const template = templateWith(piece, statementOf(piece, text, budget))
    // Alone it would be understood: this must not speak for the template.
    if (budget.spent) return template
    // A tree weighs about six times its text.
    templates.set(piece.template, template, 1000 + piece.template.length * 14)
    return template
  }

  const analysisOf = (piece: Piece, text: string, budget: Budget): Analysis => {
    const { start, end, comment } = piece
    try {
      return { template: templateOf(piece, text, budget), literals: piece.literals, comment, start, end }
    } catch (error) {
      if (!(error instanceof Unmapped || error instanceof ParseError)) throw error
      const own = text.slice(start, end)
      const [asIs] = lift(own, ASIS)
      if (!asIs) throw error
      return { template: templateOf(asIs, own, budget), literals: [], comment, start, end }
    }
  }

  const analysed = (text: string, pieces: readonly Piece[], key: string): TextAnalysis => {
    try {
      const budget = new Budget()
      const analysis: TextAnalysis = { statements: pieces.map((piece) => analysisOf(piece, text, budget)) }
      if (text.length <= LONGEST_KNOWN && !budget.spent) texts.set(key, analysis, weigh(text, analysis))
      return analysis
    } catch (error) {
      if (!(error instanceof Exhausted)) throw error
      return unparsed(text, error.message)
    }
  }

  return {
    analyze(text, options) {
      const lifting = options?.lift ?? true
      // No SQL begins with this character, so the two kinds of texts never meet.
      const key = lifting ? text : `\u0002${text}`
      const known = texts.get(key)
      if (known) return known
      if (!parserLoaded()) {
        const failed = parserFailed()
        if (failed === undefined)
          throw new CacheopsError('CACHEOPS_PARSER', 'analyze() needs `await loadParser()` before')
        return unparsed(text, failed, lifting ? ASIS : BACKSLASHES)
      }
      return analysed(text, lift(text, lifting ? LIFTED : BACKSLASHES), key)
    },
  }
}

function templateWith({ template, params }: Piece, statement: Statement): Template {
  const hash = createHash('sha256').update(template).digest().subarray(0, 16).toString('base64url')
  return { text: template, hash, statement, params }
}

function weigh(text: string, { statements }: TextAnalysis): number {
  let bytes = 300 + text.length * 2
  for (const { literals } of statements) {
    for (const { raw, value } of literals) bytes += 100 + (raw.length + value.length) * 2
  }
  return bytes
}

/** What may still be parsed of a text: one of many statements must not block for longer than one of a single long one. */
class Budget {
  spent = false
  #left = MOST_TOKENS_PARSED

  /** Why a statement is not parsed; `undefined` where it is. */
  refuse({ text, tokens }: Lifted): string | undefined {
    if (text.length > LONGEST_PARSED) return `longer than ${LONGEST_PARSED} characters`
    if (tokens.length > MOST_TOKENS_PARSED) return TOO_MANY
    this.#left -= tokens.length
    // The first is parsed twice where its literals cannot be taken out.
    if (this.#left < -MOST_TOKENS_PARSED) this.spent = true
    return this.spent ? TOO_MANY : undefined
  }
}

const TOO_MANY = `more than ${MOST_TOKENS_PARSED} words and signs`

function statementOf(piece: Piece, text: string, budget: Budget): Statement {
  if (piece.empty) return { kind: 'empty' }
  if (piece.refused !== undefined) return unreadable(piece.refused)
  const own = text.slice(piece.start, piece.end)
  const slots = new Map(piece.positions.map((position, slot) => [position, slot]))
  const lifted = withoutLists({ text: own, tokens: scan(own), slots, literals: piece.literals, elided: new Map() })
  const short = shorten(lifted)
  if (short && budget.refuse(short.lifted) === undefined) {
    const statement = short.restore(understand(short.lifted))
    if (statement) return statement
  }
  const refused = budget.refuse(lifted)
  if (refused === undefined) return understand(lifted)
  return transactionWords(own) ?? coarse(refused, lifted.text, lifted.tokens)
}

/** Without a parser everything may do anything, but BEGIN is still BEGIN. */
function unparsed(text: string, reason: string, options = ASIS): TextAnalysis {
  return {
    statements: lift(text, options).map((piece) => {
      const { start, end, comment } = piece
      const words = piece.refused === undefined ? transactionWords(text.slice(start, end)) : undefined
      const statement: Statement = piece.empty ? { kind: 'empty' } : (words ?? unreadable(piece.refused ?? reason))
      return { template: templateWith(piece, statement), literals: [], comment, start, end }
    }),
  }
}
