import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.js'
import { Planner } from '../../src/plan/planner.js'
import { changesAnything } from '../../src/plan/write.js'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import type { OwnFunction } from '../../src/sql/statement.js'
import { createDatabase } from '../support/postgres.js'

const here = new URL('.', import.meta.url)
let planner: Planner
let drop: () => Promise<void>

beforeAll(async () => {
  await loadParser()
  const database = await createDatabase('corpus_writes')
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(readFileSync(new URL('schema.sql', here), 'utf8'))
  const types = { getTypeParser: () => (value: string) => value }
  const catalog = await loadCatalog(
    async (text, values = []) =>
      (await client.query({ text, values: [...values], rowMode: 'array', types })).rows as (string | null)[][],
    'corpus',
  )
  planner = new Planner(catalog, ['pg_catalog', 'public'], { triggers: {}, functions: {} }, { maxConjs: 64 })
  drop = async () => {
    await client.end()
    await database.drop()
  }
})
afterAll(() => drop())

function* texts(): Iterable<string> {
  for (const file of readdirSync(new URL('statements/', here))) {
    for (const line of readFileSync(new URL(`statements/${file}`, here), 'utf8').split('\n')) {
      if (line !== '') yield (JSON.parse(line) as { sql: string }).sql
    }
  }
}

describe('every write that an ORM sends', () => {
  it('invalidates rows or columns, never more than its tables; what does not bring its rows is listed', () => {
    const analyzer = createAnalyzer({ maxBytes: 16e6 })
    const coarse = new Map<string, number>()
    let writes = 0
    let rows = 0
    for (const sql of new Set(texts())) {
      const own = new Map<string, OwnFunction>()
      for (const { template } of analyzer.analyze(sql).statements) {
        const { statement } = template
        const { write } = planner.plan(template, own)
        if (statement.kind === 'definition' && typeof statement.own === 'object') {
          own.set(statement.own.name, statement.own)
        }
        // Definitions change the catalog, and the corpus has one text that no server parses.
        if (!changesAnything(write) || (statement.kind === 'definition' && !statement.own)) continue
        if (statement.kind === 'opaque' && /syntax error/.test(statement.reason)) continue
        writes++
        expect({ sql, database: write.database, reasons: write.reasons }).toMatchObject({ database: false })
        if (write.rows && write.unseen.length === 0 && write.tables.length === 0) rows++
        else for (const reason of write.reasons) coarse.set(reason, (coarse.get(reason) ?? 0) + 1)
      }
    }
    console.log(
      [
        `corpus: ${rows} of ${writes} writes by row`,
        ...[...coarse].map(([reason, times]) => `  ${times} × ${reason}`),
      ].join('\n'),
    )
    expect(rows / writes).toBeGreaterThan(0.9)
  })
})
