import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Analysis } from '../../src/sql/analysis.js'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { lift } from '../../src/sql/lift.js'
import type { RelationName } from '../../src/sql/statement.js'
import { tablesOf, writesOf } from '../../src/sql/walk.js'
import { budget } from '../support/property.js'
import { analyses, corpus, type Expectation, expectations } from './support.js'

beforeAll(() => loadParser())

describe('the corpus', () => {
  it('is understood, but for the reasons that are printed', () => {
    const reasons = new Map<string, number>()
    let count = 0
    const analyzer = createAnalyzer({ maxBytes: 1e8 })
    for (const text of corpus) {
      for (const { template } of analyzer.analyze(text).statements) {
        count++
        const { statement } = template
        if (statement.kind === 'opaque') reasons.set(statement.reason, (reasons.get(statement.reason) ?? 0) + 1)
      }
    }
    const opaque = [...reasons.values()].reduce((sum, each) => sum + each, 0)
    console.log(`understood: ${count - opaque} of ${count} statements in ${corpus.length} texts`)
    for (const [reason, times] of reasons) console.log(`  ${times} × ${reason}`)
    // `IN ()` is a syntax error.
    expect(Object.fromEntries(reasons)).toEqual({
      'the SQL parser says: syntax error at or near ")"': 1,
    })
  })

  it('is what the expectation says, statement by statement', () => {
    for (const expected of expectations) {
      const all = analyses(expected.sql)
      const each = expected.statements ?? [expected]
      expect(all.length, expected.sql).toBe(each.length)
      for (const [index, one] of all.entries()) {
        const { kind, reads, writes } = each[index] as Expectation
        const { statement } = one.template
        if (statement.kind === 'opaque') expect(statement.writes ? ['opaque'] : ['opaque', 'read']).toContain(kind)
        // What a MERGE reads is not in the model: it writes its target whatever it reads.
        else if (statement.kind === 'table-write')
          expect(summary(one), expected.sql).toEqual({ kind, reads: [], writes })
        else expect(summary(one), expected.sql).toEqual({ kind, reads, writes })
      }
    }
  })

  it('is read the same with and without lifting', () => {
    let compared = 0
    for (const text of corpus) {
      // A backslash in a plain string is another string without the standard's.
      if (text.includes('\\')) continue
      const without = analyses(text, { lift: false })
      expect(analyses(text).map(filled), text).toEqual(without.map(({ template }) => template.statement))
      compared++
    }
    expect(compared).toBeGreaterThan(corpus.length * 0.9)
  })

  it('is read the same with and without lifting, whatever constants stand in it', () => {
    const constants = [
      ...[
        '5',
        '-5',
        '- 5',
        '-(5)',
        '- -5',
        '-/*c*/5',
        '+5',
        '-(-5.5)',
        '9999999999',
        '.5',
        '1e5',
        '0x1F',
        '1_0',
        '-1_000',
      ],
      ...[
        "''",
        "'é€😀'",
        "E'\\n\\''",
        "-'5'",
        "'a'::date",
        "'a'::text",
        "('a')::text",
        "cast('a' as date)",
        "date 'today'",
      ],
      ...["interval '1' year", "interval(3) '1'", "numeric(3, 1) '2'", "N'a'", "b'1'", "U&'a' uescape '!'", '$$a$$'],
      ...[
        "extract(year from date 'now')",
        "'a'\n'b'",
        'null',
        'true',
        'a::float(24)',
        'current_time(3)',
        "'a' like 'b' escape 'c'",
      ],
      ...[
        '(select 1 order by 1, 2 limit 3)',
        "array['a', -1]",
        "x between -1 and '2'",
        '$1',
        "trim('a' from 'b')",
        '1 in (2, -3)',
      ],
    ]
    const replaceable = corpus.filter((text) => !text.includes('\\') && text.length < 2_000 && /\$\d/.test(text))
    let understood = 0
    fc.assert(
      fc.property(
        fc.constantFrom(...replaceable),
        fc.array(fc.constantFrom(...constants), { minLength: 1, maxLength: 6 }),
        (text, values) => {
          let index = 0
          const other = text.replace(/\$\d+/g, () => ` ${values[index++ % values.length]} `)
          const without = analyses(other, { lift: false }).map(({ template }) => template.statement)
          expect(analyses(other).map(filled)).toEqual(without)
          if (without.every(({ kind }) => kind !== 'opaque')) understood++
        },
      ),
      budget({ runs: 1500, seconds: 20 }),
    )
    expect(understood).toBeGreaterThan(200)
  })

  it('is read the same whatever its literals say', () => {
    let compared = 0
    for (const text of corpus) {
      const before = analyses(text)
      const other = mutated(text)
      if (other === text) continue
      compared++
      const after = analyses(other)
      expect(after.map(({ template }) => template)).toEqual(before.map(({ template }) => template))
      expect(after.map(({ literals }) => literals)).not.toEqual(before.map(({ literals }) => literals))
    }
    expect(compared).toBeGreaterThan(100)
  })
})

/** The statement with its literals put in as constants. */
function filled({ template, literals }: Analysis): unknown {
  return JSON.parse(JSON.stringify(template.statement), (_, value) => {
    if (value?.kind !== 'literal') return value
    const literal = literals[value.slot]
    if (!literal) throw new Error('no such literal')
    const constant = literal.kind === 'integer' ? String(BigInt(literal.value)) : literal.value
    return { kind: 'constant', value: (value.negated ? '-' : '') + constant, literal: literal.kind }
  })
}

/** The text with other literals of the same kinds. */
function mutated(text: string): string {
  let result = ''
  let at = 0
  for (const { start, positions, literals } of lift(text, { lift: true, standardStrings: true })) {
    for (const [slot, { kind, raw }] of literals.entries()) {
      const position = start + (positions[slot] ?? 0)
      result += text.slice(at, position) + changed(kind, raw)
      at = position + raw.length
    }
  }
  return result + text.slice(at)
}

function changed(kind: 'integer' | 'float' | 'string', raw: string): string {
  if (kind === 'integer') return String((BigInt(raw) * 7n + 3n) % 1_000_000n)
  if (kind === 'float') return '12.75e2'
  return /^e/i.test(raw) ? "E'\\'x;'" : "'é'' -- '"
}

type Summary = Pick<Expectation, 'kind' | 'reads' | 'writes'>

function summary({ template: { statement } }: Analysis): Summary {
  const written = writesOf(statement).map(({ relation }) => relation)
  switch (statement.kind) {
    case 'select':
    case 'write': {
      const kind =
        written.length > 0 ? 'write' : statement.kind === 'select' && statement.locks ? 'locking-read' : 'read'
      return { kind, reads: names(tablesOf(statement).map(({ relation }) => relation)), writes: names(written) }
    }
    case 'table-write':
      return {
        kind: statement.command === 'merge' ? 'write' : statement.command,
        reads: [],
        writes: names(statement.relations),
      }
    case 'harmless':
      return { kind: statement.kind, reads: [], writes: [] }
    default:
      return { kind: statement.kind, reads: [], writes: [] }
  }
}

function names(relations: readonly RelationName[]): readonly string[] {
  const qualified = relations.map(
    ({ schema, name }) => `${schema ?? (name.startsWith('pg_') ? 'pg_catalog' : 'public')}.${name}`,
  )
  return [...new Set(qualified)].sort()
}
