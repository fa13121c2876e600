import fc from 'fast-check'
import { loadModule, scanSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { LexError, scan } from '../../src/sql/lexer.js'
import { budget } from '../support/property.js'
import { corpus } from './support.js'

beforeAll(() => loadModule())

const spellings = (text: string): readonly string[] =>
  scan(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`)

describe('tokens', () => {
  it.each<[string, readonly string[]]>([
    ['select a$b, é€x', ['word select', 'word a$b', 'punctuation ,', 'word é€x']],
    ['"a""b".U&"\\0041"', ['quoted-name "a""b"', 'punctuation .', 'quoted-name U&"\\0041"']],
    ["'it''s' E'a\\'b' e'\\\\'", ["string 'it''s'", "escape-string E'a\\'b'", "escape-string e'\\\\'"]],
    [
      "B'01' x'1F' U&'a' N'b'",
      ["other-string B'01'", "other-string x'1F'", "other-string U&'a'", 'word N', "string 'b'"],
    ],
    ['$$a$b$$ $x$ $$ $x$', ['other-string $$a$b$$', 'other-string $x$ $$ $x$']],
    ["'a'\n  'b'", ["string 'a'\n  'b'"]],
    ["'a' 'b'", ["string 'a'", "string 'b'"]],
    ["'a' -- c\n'b'", ["string 'a' -- c\n'b'"]],
    ['1 1.5 .5 5. 1e5 1.e-5', ['integer 1', 'float 1.5', 'float .5', 'float 5.', 'float 1e5', 'float 1.e-5']],
    ['1..2', ['integer 1', 'punctuation ..', 'integer 2']],
    ['0x1F 1_000 1a', ['odd-number 0x1F', 'odd-number 1_000', 'odd-number 1a']],
    ['$1 $22', ['param $1', 'param $22']],
    ['a=-1', ['word a', 'operator =', 'operator -', 'integer 1']],
    ['a@-1', ['word a', 'operator @-', 'integer 1']],
    ['a->>b::c', ['word a', 'operator ->>', 'word b', 'punctuation ::', 'word c']],
    ['a=/*c*/=b', ['word a', 'operator =', 'operator =', 'word b']],
    ['a-- =', ['word a']],
    ['a/* /* */ */b', ['word a', 'word b']],
    ['a\u00a0b', ['word a\u00a0b']],
  ])('%j', (text, expected) => {
    expect(spellings(text)).toEqual(expected)
  })

  it.each(["'a", '"a', "E'a\\'", '$$a', '$a$ $b$', '/* /* */', "b'0", 'U&"a'])('%j is not closed', (text) => {
    expect(() => scan(text)).toThrow(LexError)
  })

  it('gives the depth of brackets and the words in lower case', () => {
    const text = 'SELECT (a[1]) FROM b'
    expect(scan(text).map(({ start, end, depth, word }) => [text.slice(start, end), depth, word])).toEqual([
      ['SELECT', 0, 'select'],
      ['(', 0, undefined],
      ['a', 1, 'a'],
      ['[', 1, undefined],
      ['1', 2, undefined],
      [']', 1, undefined],
      [')', 0, undefined],
      ['FROM', 0, 'from'],
      ['b', 0, 'b'],
    ])
  })
})

/** Our tokens and libpg-query's, as `[start, end)` in bytes. It throws where the server's lexer would. */
function theirs(text: string): readonly string[] {
  const comments = new Set(['SQL_COMMENT', 'C_COMMENT'])
  return scanSync(text)
    .tokens.filter(({ tokenName }) => !comments.has(tokenName))
    .map(({ start, end }) => `${start}-${end}`)
}

function ours(text: string): readonly string[] {
  const bytes = (at: number) => Buffer.byteLength(text.slice(0, at))
  return scan(text).map(({ start, end }) => `${bytes(start)}-${bytes(end)}`)
}

describe("agrees with PostgreSQL's lexer", () => {
  it('on the corpus', () => {
    for (const text of corpus) expect(ours(text), text).toEqual(theirs(text))
  })

  it('on random texts', () => {
    // Pieces that touch each other in ways that matter to a lexer.
    const fragments = (
      "' '' \\ E' e'\\' U&' U&\" \" \"\" $ $$ $a$ $1 -- /* */ \n ; ( ) [ ] a E N b' x'1 1 1. .5 1e 1e5 .. : :: := = - + @ < > ! " +
      '~ # % ^ & | ` ? , é € 😀 _ 0x1 \t \r \f a$ select 1_0'
    ).split(' ')
    const text = fc.array(fc.oneof(fc.constantFrom(...fragments, ' '), fc.string({ unit: 'grapheme', maxLength: 3 })), {
      maxLength: 14,
    })
    let compared = 0
    fc.assert(
      fc.property(
        text.map((parts) => parts.join('')).filter((joined) => /[^\s]/.test(joined) && !joined.includes('\0')),
        (joined) => {
          let expected: readonly string[]
          try {
            expected = theirs(joined)
          } catch {
            return // PostgreSQL rejects it.
          }
          // libpg-query's own lexer keeps comments as tokens, and so does not continue a string behind one.
          if (/'\s*--/.test(joined)) return
          compared++
          expect(ours(joined)).toEqual(expected)
        },
      ),
      budget({ runs: 4000, seconds: 20 }),
    )
    expect(compared).toBeGreaterThan(500)
  })
})
