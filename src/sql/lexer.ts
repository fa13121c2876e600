/**
 * PostgreSQL's lexer (scan.l) over UTF-16 text. It is exact: a token begins and ends where the server's does, or
 * `LexError` is thrown. Everything that looks at text (lifting, splitting, text surgery) stands on this one loop.
 */

import {
  BACKSLASH,
  COLON,
  classOf,
  continuation,
  DIGIT,
  DOLLAR,
  DOT,
  isSpecial,
  lineEnd,
  MINUS,
  NAME,
  NAME_START,
  OPERATOR,
  QUOTE,
  SLASH,
  SPACE,
  STAR,
} from './characters.js'

export type TokenKind =
  /** An identifier or keyword without quotes. */
  | 'word'
  /** `"…"` or `U&"…"`. */
  | 'quoted-name'
  /** `'…'`. */
  | 'string'
  /** `E'…'`. */
  | 'escape-string'
  /** `U&'…'`, `B'…'`, `X'…'`, `$tag$…$tag$`. */
  | 'other-string'
  | 'integer'
  | 'float'
  /** A number whose reading differs between server versions: `0x1F`, `1_000`, `1a`. */
  | 'odd-number'
  /** `$1`. */
  | 'param'
  /** `=`, `<>`, `->>`, also the one-character ones. */
  | 'operator'
  /** `( ) [ ] , ; : :: := . ..` and anything that no rule knows. */
  | 'punctuation'

export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
  /** How many parentheses and brackets are open around it; an opening or closing one itself has the depth outside. */
  readonly depth: number
  /** Of a `word`: in lower case. */
  readonly word?: string
}

/** A text that the server's lexer rejects too: something is not closed. */
export class LexError extends Error {}

/** Reads one token after the other. The fields describe the token that `next` read last. */
export class Lexer {
  readonly text: string
  kind: TokenKind = 'punctuation'
  start = 0
  end = 0
  /** A comment stands between the token before and this one. */
  afterComment = false
  /** A string that goes on after a line break: `'a'⏎'b'`. */
  continued = false
  /** Block comments that begin with `cacheops:`, what follows the colon. */
  readonly notes: string[] = []

  constructor(text: string) {
    this.text = text
  }

  /** `false` at the end of the text. */
  next(): boolean {
    const { text } = this
    const at = this.#skipGap(this.end)
    this.start = at
    this.continued = false
    if (at >= text.length) {
      this.end = at
      return false
    }
    const code = text.charCodeAt(at)
    const type = classOf(code)
    if (type === NAME_START) {
      if (this.#prefixed(at, code)) return true
      return this.#token('word', this.#name(at))
    }
    if (type === DIGIT) return this.#number(at)
    if (code === DOT && classOf(text.charCodeAt(at + 1)) === DIGIT) return this.#number(at)
    if (code === QUOTE) return this.#string('string', at + 1, true)
    if (code === 34) return this.#token('quoted-name', this.#closing('"', at + 1))
    if (code === DOLLAR) return this.#dollar(at)
    if (type === OPERATOR) return this.#operator(at)
    if (code === COLON) {
      const after = text.charCodeAt(at + 1)
      return this.#token('punctuation', after === COLON || after === 61 ? at + 2 : at + 1)
    }
    if (code === DOT && text.charCodeAt(at + 1) === DOT) return this.#token('punctuation', at + 2)
    return this.#token('punctuation', at + 1)
  }

  #name(from: number): number {
    const { text } = this
    let at = from + 1
    while ((classOf(text.charCodeAt(at)) & NAME) !== 0 || text.charCodeAt(at) === DOLLAR) at++
    return at
  }

  #token(kind: TokenKind, end: number): true {
    this.kind = kind
    this.end = end
    return true
  }

  #skipGap(from: number): number {
    const { text } = this
    let at = from
    this.afterComment = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code <= 32 && classOf(code) === SPACE) at++
      else if (code === MINUS && text.charCodeAt(at + 1) === MINUS) {
        at = lineEnd(text, at + 2)
        this.afterComment = true
      } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
        at = this.#blockComment(at)
        this.afterComment = true
      } else return at
    }
  }

  #blockComment(from: number): number {
    const { text } = this
    let depth = 1
    let at = from + 2
    while (depth > 0) {
      const code = text.charCodeAt(at)
      // NaN: the text is over.
      if (Number.isNaN(code)) throw new LexError('a /* comment is not closed')
      if (code === STAR && text.charCodeAt(at + 1) === SLASH) {
        depth--
        at += 2
      } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
        depth++
        at += 2
      } else at++
    }
    const note = /^\s*cacheops:(.*)$/is.exec(text.slice(from + 2, at - 2))
    if (note) this.notes.push(note[1] ?? '')
    return at
  }

  /** `E'`, `B'`, `X'`, `U&'`, `U&"`. `N'` is a word and a string to PostgreSQL too. */
  #prefixed(at: number, code: number): boolean {
    const { text } = this
    const lower = code | 32
    const after = text.charCodeAt(at + 1)
    if (after === QUOTE) {
      if (lower === 101) return this.#string('escape-string', at + 2, true)
      if (lower === 98 || lower === 120) return this.#string('other-string', at + 2, false)
    } else if (after === 38 && lower === 117) {
      const third = text.charCodeAt(at + 2)
      if (third === QUOTE) return this.#string('other-string', at + 3, true)
      if (third === 34) return this.#token('quoted-name', this.#closing('"', at + 3))
    }
    return false
  }

  /** The end of what a doubled mark escapes. */
  #closing(mark: string, from: number): number {
    const { text } = this
    let at = from
    for (;;) {
      at = text.indexOf(mark, at)
      if (at < 0) throw new LexError(mark === '"' ? 'a quoted identifier is not closed' : 'a string is not closed')
      if (text.charCodeAt(at + 1) !== mark.charCodeAt(0)) return at + 1
      at += 2
    }
  }

  /** `from` is behind the opening quote. */
  #string(kind: TokenKind, from: number, doubling: boolean): true {
    let at = from
    for (;;) {
      if (kind === 'escape-string') at = this.#escaped(at)
      else if (doubling) at = this.#closing("'", at)
      else {
        at = this.text.indexOf("'", at) + 1
        if (at === 0) throw new LexError('a bit string is not closed')
      }
      const more = continuation(this.text, at)
      if (more < 0) return this.#token(kind, at)
      this.continued = true
      at = more
    }
  }

  #escaped(from: number): number {
    const { text } = this
    let at = from
    for (;;) {
      const code = text.charCodeAt(at)
      if (Number.isNaN(code)) throw new LexError('a string is not closed')
      if (code === BACKSLASH) at += 2
      else if (code !== QUOTE) at++
      else if (text.charCodeAt(at + 1) === QUOTE) at += 2
      else return at + 1
    }
  }

  #dollar(from: number): true {
    const { text } = this
    let at = from + 1
    if (classOf(text.charCodeAt(at)) === DIGIT) {
      while (classOf(text.charCodeAt(at)) === DIGIT) at++
      return this.#token('param', at)
    }
    while ((classOf(text.charCodeAt(at)) & NAME) !== 0) at++
    if (text.charCodeAt(at) !== DOLLAR) return this.#token('punctuation', from + 1)
    const mark = text.slice(from, at + 1)
    const close = text.indexOf(mark, at + 1)
    if (close < 0) throw new LexError('a dollar-quoted string is not closed')
    return this.#token('other-string', close + mark.length)
  }

  #number(from: number): true {
    const { text } = this
    let kind: TokenKind = 'integer'
    let at = this.#digits(from)
    if (text.charCodeAt(at) === DOT && text.charCodeAt(at + 1) !== DOT) {
      kind = 'float'
      at = this.#digits(at + 1)
    }
    if ((text.charCodeAt(at) | 32) === 101) {
      const sign = text.charCodeAt(at + 1)
      const exponent = sign === 43 || sign === MINUS ? at + 2 : at + 1
      if (classOf(text.charCodeAt(exponent)) === DIGIT) {
        kind = 'float'
        at = this.#digits(exponent)
      }
    }
    const junk = at
    if (classOf(text.charCodeAt(at)) === NAME_START) at = this.#name(at)
    const odd = at > junk || text.slice(from, at).includes('_')
    return this.#token(odd ? 'odd-number' : kind, at)
  }

  #digits(from: number): number {
    const { text } = this
    let at = from
    for (;;) {
      const code = text.charCodeAt(at)
      if (classOf(code) === DIGIT) at++
      // Since PostgreSQL 16: `1_000`.
      else if (code === 95 && at > from && classOf(text.charCodeAt(at + 1)) === DIGIT) at += 2
      else return at
    }
  }

  #operator(from: number): true {
    const { text } = this
    let at = from + 1
    let special = isSpecial(text.charCodeAt(from))
    for (;;) {
      const code = text.charCodeAt(at)
      if (classOf(code) !== OPERATOR) break
      const after = text.charCodeAt(at + 1)
      // A comment ends the operator.
      if ((code === MINUS && after === MINUS) || (code === SLASH && after === STAR)) break
      if (isSpecial(code)) special = true
      at++
    }
    // SQL wants `=-` to be two operators, unless a character that no SQL operator has stands in it.
    if (!special) {
      while (at - from > 1) {
        const last = text.charCodeAt(at - 1)
        if (last !== 43 && last !== MINUS) break
        at--
      }
    }
    return this.#token('operator', at)
  }
}

/**
 * The tokens of one statement, for text surgery: a keyword at depth 0, the parameters and literals of a range, where the
 * last token ends. Throws `LexError` as the server would.
 */
export function scan(text: string): readonly Token[] {
  const lexer = new Lexer(text)
  const tokens: Token[] = []
  let depth = 0
  while (lexer.next()) {
    const { kind, start, end } = lexer
    const code = text.charCodeAt(start)
    if (kind === 'punctuation' && (code === 41 || code === 93)) depth--
    if (kind === 'word') tokens.push({ kind, start, end, depth, word: text.slice(start, end).toLowerCase() })
    else tokens.push({ kind, start, end, depth })
    if (kind === 'punctuation' && (code === 40 || code === 91)) depth++
  }
  return tokens
}
