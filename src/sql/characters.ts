/** The character classes of PostgreSQL's lexer (scan.l), as bits of UTF-16 units. */
export const SPACE = 1
export const NAME_START = 2
export const DIGIT = 4
export const OPERATOR = 8
export const NAME = NAME_START | DIGIT

const CLASS = new Uint8Array(128)
for (const c of ' \t\n\r\f\v') CLASS[c.charCodeAt(0)] = SPACE
for (const c of '~!@#^&|`?+-*/%<>=') CLASS[c.charCodeAt(0)] = OPERATOR
for (const c of '0123456789') CLASS[c.charCodeAt(0)] = DIGIT
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_') CLASS[c.charCodeAt(0)] = NAME_START

// Any byte above 127 belongs to a name, whatever Unicode says of it: U+00A0 is no space to PostgreSQL.
export const classOf = (code: number): number => (code < 128 ? (CLASS[code] ?? 0) : code >= 128 ? NAME_START : 0)

export const QUOTE = 39
export const MINUS = 45
export const SLASH = 47
export const STAR = 42
export const DOLLAR = 36
export const DOT = 46
export const COLON = 58
export const BACKSLASH = 92

/** `~ ! @ # ^ & | ? % and the backtick` */
export function isSpecial(code: number): boolean {
  return classOf(code) === OPERATOR && code !== 43 && !(code >= 42 && code <= 47) && !(code >= 60 && code <= 62)
}

export function lineEnd(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (Number.isNaN(code) || code === 10 || code === 13) return at
    at++
  }
}

/** Where a string goes on behind white space with a line break in it; -1 where it does not. */
export function continuation(text: string, from: number): number {
  let at = from
  let broken = false
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 10 || code === 13) broken = true
    else if (code === MINUS && text.charCodeAt(at + 1) === MINUS) {
      at = lineEnd(text, at)
      continue
    } else if (code === QUOTE && broken) return at + 1
    else if (classOf(code) !== SPACE) return -1
    at++
  }
}
