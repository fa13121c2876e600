import pg from 'pg'
import { CATEGORIES, NEWEST } from '../blog.js'
import type { Figure } from '../figure.js'
import { compare, shown } from '../rounds.js'

const OPERATIONS = 1_000

/** pg's Result, which decodes the rows of a response. */
type ResultClass = new (
  rowMode: string | undefined,
  types: unknown,
) => {
  addFields(fields: readonly unknown[]): void
  parseRow(row: readonly (string | null)[]): unknown
  addRow(row: unknown): void
}

/** A hit of 20 rows of 12 columns, against what pg needs to decode these rows once they are cut out of the wire. */
export const hit20: Figure = {
  name: 'hit-20',
  measures: ['hit-20'],
  async run(bench) {
    const url = await bench.blog('hit_20')
    const { pool } = await bench.cached(url)
    const plain = bench.pool(url)
    const raw = { getTypeParser: () => (text: string) => text }
    const wire: pg.QueryArrayResult[] = []
    for (let category = 1; category <= CATEGORIES; category++) {
      await pool.query(NEWEST, [category])
      wire.push(await plain.query({ text: NEWEST, values: [category], rowMode: 'array', types: raw as never }))
    }
    const Result = (pg as unknown as { readonly Result: ResultClass }).Result
    const types = new pg.TypeOverrides()
    let decoded = 0
    const result = await compare({
      a: async () => {
        for (let index = 0; index < OPERATIONS; index++) {
          const { rows } = await pool.query(NEWEST, [1 + (index % CATEGORIES)])
          decoded += rows.length
        }
      },
      b: () => {
        for (let index = 0; index < OPERATIONS; index++) {
          const { fields, rows } = wire[index % CATEGORIES] as pg.QueryArrayResult
          const own = new Result(undefined, types)
          own.addFields(fields)
          for (const row of rows) own.addRow(own.parseRow(row as string[]))
          decoded += rows.length
        }
      },
      operations: OPERATIONS,
      warmUp: 10,
      rounds: 40,
      meter: 'cpu',
      collect: true,
    })
    if (decoded !== 50 * 2 * OPERATIONS * 20) throw new Error('hit-20: rows are missing')
    return [{ name: 'hit-20', value: result.ratio, unit: 'x', target: 3, higherIsBetter: false, note: shown(result) }]
  },
}
