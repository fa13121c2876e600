import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operationOf } from '../../src/plan/operation.js'
import type { Planner } from '../../src/plan/planner.js'
import type { Analysis } from '../../src/sql/analysis.js'
import { type Analyzer, createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import type { RelationName, Statement } from '../../src/sql/statement.js'
import { tablesOf, writesOf } from '../../src/sql/walk.js'
import { corpusPlanner, lines, recorded } from './support.js'

interface Expected {
  readonly sql: string
  readonly kind: string
  readonly operation?: string
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly statements?: readonly Expected[]
}

const expectations = lines('expectation.jsonl') as Expected[]
const params = new Map(recorded().map((row) => [row.sql, row.params ?? []]))

/** Statements that are not understood yet, each with why that is right for now. */
const OPAQUE: readonly { readonly matches: RegExp; readonly reason: RegExp }[] = [
  { matches: /\bin \(\)/, reason: /syntax error/ },
]

let analyzer: Analyzer
let planner: Planner
let drop: () => Promise<void>

beforeAll(async () => {
  await loadParser()
  analyzer = createAnalyzer({ maxBytes: 16e6 })
  const corpus = await corpusPlanner()
  planner = corpus.planner
  drop = corpus.drop
})
afterAll(() => drop())

function qualified({ schema, name }: RelationName): string {
  if (schema !== undefined) return `${schema}.${name}`
  return name.startsWith('pg_') ? `pg_catalog.${name}` : `public.${name}`
}

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

function kindOf(statement: Statement): string {
  switch (statement.kind) {
    case 'select':
      if (writesOf(statement).length > 0) return 'write'
      return statement.locks ? 'locking-read' : 'read'
    case 'table-write':
      return statement.command === 'truncate' ? 'truncate' : 'write'
    case 'opaque':
      return 'opaque'
    default:
      return statement.kind
  }
}

function writesIn(statement: Statement): string[] {
  if (statement.kind === 'table-write') return sorted(statement.relations.map(qualified))
  return sorted(writesOf(statement).map((write) => qualified(write.relation)))
}

function check(analysis: Analysis, expected: Expected, sql: string, values: readonly unknown[]): void {
  const { statement } = analysis.template
  if (statement.kind === 'opaque') {
    const known = OPAQUE.find((entry) => entry.matches.test(sql))
    expect(statement.reason, sql).toMatch(known?.reason ?? /^nothing is opaque here$/)
    return
  }
  expect(kindOf(statement), sql).toBe(expected.kind)
  expect(writesIn(statement), sql).toEqual(expected.writes)
  // MERGE's sources are not in the model yet: it changes its target as a whole.
  if (statement.kind !== 'table-write')
    expect(sorted(tablesOf(statement).map((source) => qualified(source.relation))), sql).toEqual(expected.reads)
  if (expected.kind !== 'read') return
  const wire = values.map((value) => (value === null ? null : String(value)))
  const plan = planner.plan(analysis.template)
  const rule = plan.read?.operation
  // Queries over the system's own functions are no reads of the cache's: they have no operation to compare.
  if (rule) expect(operationOf(rule, { params: wire, literals: analysis.literals }), sql).toBe(expected.operation)
}

describe('every PostgreSQL statement of the corpus', () => {
  it('is listed once in the expectation', () => {
    expect(sorted(expectations.map((row) => row.sql))).toEqual(sorted(params.keys()))
    expect(new Set(expectations.map((row) => row.sql)).size).toBe(expectations.length)
  })

  it('has the kind, the operation and the tables that a reader sees in it', () => {
    for (const expected of expectations) {
      const { statements } = analyzer.analyze(expected.sql)
      const parts = expected.kind === 'multi' ? (expected.statements as Expected[]) : [expected]
      expect(statements.length, expected.sql).toBe(parts.length)
      for (const [index, part] of parts.entries()) {
        check(statements[index] as Analysis, part, expected.sql, params.get(expected.sql) ?? [])
      }
    }
  })

  it('is understood, or says why not; a read is cacheable, or says why not', () => {
    const reasons = new Map<string, number>()
    const count = (reason: string) => reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    let statements = 0
    let understood = 0
    let reads = 0
    let cacheable = 0
    for (const { sql } of expectations) {
      for (const { template } of analyzer.analyze(sql).statements) {
        statements++
        if (template.statement.kind === 'opaque') count(`not understood: ${template.statement.reason}`)
        else understood++
        if (template.statement.kind !== 'select') continue
        const { read, write } = planner.plan(template)
        if (!read) {
          count(write.locks ? 'not cacheable: it locks' : `not cacheable: it has effects`)
          continue
        }
        reads++
        if (read.cacheable) cacheable++
        else count(`not cacheable: ${read.reason}`)
      }
    }
    const list = [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, times]) => `  ${times} × ${reason}`)
    console.log(
      [
        `corpus: ${understood} of ${statements} statements understood, ${cacheable} of ${reads} plain reads cacheable`,
        ...list,
      ].join('\n'),
    )
    expect(understood / statements).toBeGreaterThan(0.99)
    expect(cacheable / reads).toBeGreaterThan(0.9)
  })
})
