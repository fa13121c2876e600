import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Planner } from '../../src/plan/planner.js'
import type { RowWrite } from '../../src/plan/row-write.js'
import type { WritePlan } from '../../src/plan/write.js'
import type { Analysis } from '../../src/sql/analysis.js'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { corpusPlanner, type Recorded, recorded } from './support.js'

interface Exception {
  readonly matches: RegExp
  readonly reason?: RegExp
  readonly why: string
}

/** Reads of the corpus that are not cached. */
const UNCACHED: readonly Exception[] = [
  {
    matches: /information_schema|pg_(?:catalog|type|range|class|constraint|attribute)/,
    reason: /belongs to the system/,
    why: 'the tool looks at the schema, at start-up or in a migration',
  },
  {
    matches: /^(?:select version\(\)|SELECT \* FROM current_(?:schema|database)\(\))$/i,
    reason: /tells of the session or the server/,
    why: 'the tool asks who the server is, once a connection',
  },
  { matches: /^select (?:1|1\+1 as result)$/i, reason: /reads no table/, why: 'a ping: nothing would be saved' },
]

/** Writes that drop a whole table, or more. */
const BEYOND_SCHEMES: readonly (Exception & { readonly grain: 'table' | 'database' })[] = [
  { matches: /^truncate/i, grain: 'table', why: 'it empties the table' },
  {
    matches: /pg_temp\.testfunc\(\)/,
    grain: 'database',
    why: "Sequelize's findOrCreate makes a function, calls it and drops it in one text",
  },
]

/** Writes of which some rows' values are not known, so that they drop all conditions on the columns that they change. */
const SCHEMES: readonly Exception[] = [
  {
    matches: /on conflict .*do update/i,
    why: 'before PostgreSQL 18 nothing tells what an upsert has overwritten: schemes that compare a column that it sets',
  },
  {
    matches:
      /^(?:with .*)?update "posts" set "views" = \$\d (?:from|where "posts"."author_id" in \(select id from "s"\))/,
    why: 'the rows hang on other tables, so they cannot be read beforehand: schemes that compare `views`',
  },
  { matches: /^with "u" as \(insert/, why: 'rows of a CTE that writes do not come back' },
  { matches: /^with "d" as \(delete/, why: 'rows of a CTE that writes do not come back: what its WHERE says is known' },
  { matches: /^merge into/, why: 'MERGE does not say which rows it meets' },
]

type Grain = 'none' | 'row' | 'scheme' | 'table' | 'database'

function grainOf(plan: WritePlan): Grain {
  if (plan.database) return 'database'
  if (plan.tables.length > 0) return 'table'
  if (plan.unseen.length > 0) return 'scheme'
  if (!plan.rows) return 'none'
  return hasUnknownRows(plan.rows) ? 'scheme' : 'row'
}

function hasUnknownRows({ operation, upsert, returning, oldImages, preRead }: RowWrite): boolean {
  if (!returning) return true
  return !oldImages && (upsert || (operation === 'update' && preRead === undefined))
}

describe('the statements that ORMs send', () => {
  let planner: Planner
  let drop: () => Promise<void>
  const statements: { readonly row: Recorded; readonly sql: string; readonly analysis: Analysis }[] = []

  beforeAll(async () => {
    await loadParser()
    const corpus = await corpusPlanner()
    planner = corpus.planner
    drop = corpus.drop
    const analyzer = createAnalyzer({ maxBytes: 16e6 })
    for (const row of recorded()) {
      for (const analysis of analyzer.analyze(row.sql).statements) {
        statements.push({ row, analysis, sql: row.sql.slice(analysis.start, analysis.end) })
      }
    }
  })
  afterAll(() => drop())

  const told = (row: Recorded, sql: string): string => `${row.orm} ${row.op}: ${sql.slice(0, 200)}`

  it('every read of an application is cacheable', () => {
    const used = new Set<Exception>()
    let reads = 0
    for (const { row, sql, analysis } of statements) {
      const { read } = planner.plan(analysis.template)
      if (!read) continue
      reads++
      if (read.cacheable) continue
      const known = UNCACHED.find(({ matches, reason }) => matches.test(sql) && reason?.test(read.reason))
      expect(known && read.reason, told(row, sql)).toBe(read.reason)
      if (known) used.add(known)
    }
    expect(reads).toBeGreaterThan(400)
    expect([...used]).toEqual(UNCACHED)
  })

  it('no write is coarser than the rows that it changes, but for those that are listed', () => {
    const counts = new Map<Grain, number>()
    const used = new Set<Exception>()
    for (const { row, sql, analysis } of statements) {
      const { statement } = analysis.template
      // What it changes is the catalog itself.
      if (statement.kind === 'definition') continue
      const grain = grainOf(planner.plan(analysis.template).write)
      counts.set(grain, (counts.get(grain) ?? 0) + 1)
      if (grain === 'none' || grain === 'row') continue
      const known =
        grain === 'scheme'
          ? SCHEMES.find(({ matches }) => matches.test(sql))
          : BEYOND_SCHEMES.find((exception) => exception.grain === grain && exception.matches.test(sql))
      expect(known?.why ?? grain, told(row, sql)).toBe(known?.why)
      if (known) used.add(known)
    }
    expect([...used].sort()).toHaveLength(SCHEMES.length + BEYOND_SCHEMES.length)
    expect(counts.get('row')).toBeGreaterThan(120)
    expect(counts.get('scheme')).toBeLessThan(25)
  })

  it('a read that the server refuses drops nothing', () => {
    const refused = statements.find(({ sql }) => /\bin \(\)/.test(sql))
    expect(refused && planner.plan(refused.analysis.template).write).toMatchObject({ database: false, tables: [] })
  })
})
