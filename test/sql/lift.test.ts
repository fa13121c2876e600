import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scan } from '../../src/sql/lexer.js'
import { type LiftOptions, lift, type Piece } from '../../src/sql/lift.js'
import { budget } from '../support/property.js'
import { corpus } from './support.js'

const LIFT: LiftOptions = { lift: true, standardStrings: true }
const lifted = (text: string): readonly Piece[] => lift(text, LIFT)

function only(text: string): Piece {
  const [piece, ...more] = lifted(text)
  if (!piece || more.length > 0) throw new Error(`not one statement: ${text}`)
  return piece
}

/** The template with markers that can be read. */
const shown = ({ template }: Piece): string => template.replaceAll('\u0001', '?')

describe('literals', () => {
  it.each<[string, string, readonly string[]]>([
    ["select * from t where a = 'it''s' and b = -5", 'select * from t where a = ?s and b = -?i', ["it's", '5']],
    ["select E'a\\n\\'\\u00e9' || .5", 'select ?s || ?f', ["a\n'é", '.5']],
    ["select E'\\xff', 'a'", "select E'\\xff', ?s", ['a']],
    ['(select 1)', '(select ?i)', ['1']],
    ["insert into t values ('a', 1.5e3)", 'insert into t values (?s, ?f)', ['a', '1.5e3']],
    ["select 1 -- 'x'\n, 2 /* 3 */", 'select ?i , ?i', ['1', '2']],
    ['select $1, $12', 'select $1, $12', []],
    ["select a->>'b' like 'c%'", 'select a->>?s like ?s', ['b', 'c%']],
    ["select '5'::int, '{}'::jsonb", 'select ?s::int, ?s::jsonb', ['5', '{}']],
  ])('%s', (text, template, values) => {
    const piece = only(text)
    expect(shown(piece)).toBe(template)
    expect(piece.literals.map(({ value }) => value)).toEqual(values)
  })

  it('keep their kind and their spelling', () => {
    expect(only("select 1, 1.0, 'a', E'a'").literals).toEqual([
      { kind: 'integer', value: '1', raw: '1' },
      { kind: 'float', value: '1.0', raw: '1.0' },
      { kind: 'string', value: 'a', raw: "'a'" },
      { kind: 'string', value: 'a', raw: "E'a'" },
    ])
  })

  // A24: their value steers the analysis.
  it.each([
    'select a from t order by 1, 2 limit 1',
    'select a from t group by 1',
    'select a from t fetch first 3 rows only',
    "select date 'today', timestamp with time zone 'now', interval '1 day'",
    "select 'today'::date, 't'::regclass, 'x' :: my_type",
    "select cast('today' as date), set_config('search_path', $1, true), nextval('s')",
    "select numeric(3, a) '1'",
    'select a::float(24), a::varchar(3)',
    "select $$a$$, B'1', X'1', U&'a' uescape '!', N'a'",
  ])('stay in %s', (text) => {
    expect(only(text)).toMatchObject({ template: text, literals: [] })
  })

  it('inside a list of ORDER BY are lifted where they are no positions', () => {
    expect(shown(only('select a from t order by coalesce(a, 1), 2 offset 3'))).toBe(
      'select a from t order by coalesce(a, ?i), 2 offset ?i',
    )
  })

  // Not exact: nothing of the statement is lifted.
  it.each(["select 'a'\n'b', 1", 'select 1_000, 1', 'select 0x1F, 2', 'select 1a, 2'])('all stay in %j', (text) => {
    expect(only(text)).toMatchObject({ template: text, literals: [] })
  })

  it.each(['set a = 1', "create table t (a int default 5, b text default 'x')", 'explain select 1', "do 'x'"])(
    'stay in %s, whatever it says',
    (text) => {
      expect(only(text)).toMatchObject({ template: text, literals: [] })
    },
  )

  it('a marker in the text itself is never mistaken', () => {
    const marked = only("select '\u0001i', 1")
    expect(marked.literals).toEqual([])
    expect(marked.template).toBe("\u0001\u0001select '\u0001i', 1")
    expect(only('select \u0001i').template).not.toBe(only('select 1').template)
  })

  it('stay where standard_conforming_strings is off, and a backslash refuses the text', () => {
    const off: LiftOptions = { lift: false, standardStrings: false }
    expect(lift("select 'a', E'\\n'", off)).toMatchObject([{ template: "select 'a', E'\\n'", literals: [] }])
    expect(lift("select 'a\\'; delete from t; --'", off)).toMatchObject([
      { refused: expect.stringContaining('backslash') },
    ])
  })
})

describe('comments', () => {
  it('become a space and never join tokens', () => {
    expect(only('/* a */ select/**/1/* b */ -- c').template).toBe('select \u0001i')
    expect(only('select a--b\n-c').template).toBe('select a -c')
  })

  it.each([
    ['select 1 /* cacheops: ttl=5m, lock off */', { off: true, ttl: '5m', lock: true, unknown: [] }],
    ['/*CacheOps:lock=false*/ select 1', { off: false, lock: false, unknown: [] }],
    ['select 1; -- cacheops: off\n /* cacheops: TTL=1h */', { off: false, ttl: '1h', unknown: [] }],
    ['select 1 /* cacheops: ttl */ /* cacheops: nope=1 */', { off: false, unknown: ['ttl', 'nope=1'] }],
    ["select '/* cacheops: off */' /*+ hint */ /* other */", undefined],
  ])('%s', (text, comment) => {
    expect(only(text).comment).toEqual(comment)
  })
})

describe('splitting', () => {
  it('cuts at semicolons outside of everything', () => {
    const text = " select ';' ; update t set a = $1 where b = 'x' ;; /* ; */ commit "
    const pieces = lifted(text)
    expect(pieces.map(({ start, end }) => text.slice(start, end))).toEqual([
      "select ';'",
      "update t set a = $1 where b = 'x'",
      '/* ; */ commit',
    ])
    expect(pieces.map(({ params }) => params)).toEqual([0, 1, 0])
    const [, update] = pieces
    const [position = 0] = update?.positions ?? []
    expect(text.slice((update?.start ?? 0) + position).startsWith("'x'")).toBe(true)
  })

  it('leaves dollar quotes and rules whole', () => {
    expect(lifted('do $$ begin; end $$; select 1')).toHaveLength(2)
    expect(lifted('create rule r as on insert to t do also (delete from u; select 1)')).toHaveLength(1)
  })

  it('leaves BEGIN ATOMIC whole', () => {
    expect(lifted('create function f() returns int begin atomic select 1; select 2; end; select 3')).toHaveLength(1)
    expect(lifted('select atomic from t; select 1')).toHaveLength(2)
  })

  it.each(['', '  \n', '-- nothing', ' ; /* */ ;'])('%j is empty', (text) => {
    expect(lifted(text)).toMatchObject([{ empty: true }])
  })

  it.each([
    ['select (1; delete from t', 'parentheses'],
    ['select 1); delete from t', 'parentheses'],
    ["select 1; select 'a", 'not closed'],
    ['select 1; do $a$ ', 'not closed'],
    ['select 1 \0; delete from t', 'NUL'],
    ["select '\ud800'", 'surrogate'],
  ])('refuses %j', (text, reason) => {
    const pieces = lifted(text)
    expect(pieces).toHaveLength(1)
    expect(pieces[0]?.refused).toContain(reason)
  })
})

/** The template with the literals put back. */
function restored({ template, literals }: Piece): string {
  let slot = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the marker is one
  return template.replace(/\u0001[ifs]/g, () => literals[slot++]?.raw ?? '')
}

const tokensOf = (text: string): readonly string[] =>
  scan(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`)

describe('nothing is lost', () => {
  it('in the corpus', () => {
    for (const text of corpus) {
      for (const piece of lifted(text)) {
        expect(tokensOf(restored(piece))).toEqual(tokensOf(text.slice(piece.start, piece.end)))
      }
    }
  })

  it('in random texts', () => {
    const fragments = [
      ...[
        'select ',
        'insert ',
        'set ',
        ' by ',
        ' limit ',
        ' date ',
        ' like ',
        '(',
        ')',
        ',',
        ';',
        '::',
        'int',
        ' ',
        '\n',
      ],
      ...[
        "'a'",
        "''''",
        "E'\\''",
        "'",
        "''",
        '"',
        '$$',
        '$1',
        '1',
        '1.5',
        '.',
        '-',
        '--',
        '/*',
        '*/',
        '/* cacheops: off */',
        'é',
        '😀',
      ],
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 16 }), (parts) => {
        const text = parts.join('')
        for (const piece of lifted(text)) {
          if (piece.refused !== undefined || piece.empty) continue
          const own = text.slice(piece.start, piece.end)
          expect(tokensOf(restored(piece))).toEqual(tokensOf(own))
          for (const [slot, position] of piece.positions.entries()) {
            expect(own.startsWith(piece.literals[slot]?.raw ?? '?', position)).toBe(true)
          }
        }
      }),
      budget({ runs: 5000, seconds: 20 }),
    )
  })
})
