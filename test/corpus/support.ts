import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { loadCatalog } from '../../src/catalog/load.js'
import { Planner } from '../../src/plan/planner.js'
import { createDatabase } from '../support/postgres.js'

/** One recorded statement. */
export interface Recorded {
  /** The tool, and what it did. */
  readonly orm: string
  readonly op: string
  readonly sql: string
  readonly params?: readonly unknown[]
}

const here = new URL('.', import.meta.url)

const read = (file: string): string => readFileSync(new URL(file, here), 'utf8')

/** The values of a file of JSON lines. */
export const lines = (file: string): unknown[] =>
  read(file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Every different text, as it was first recorded. */
export function recorded(): readonly Recorded[] {
  const first = new Map<string, Recorded>()
  for (const file of readdirSync(new URL('statements/', here))) {
    for (const row of lines(`statements/${file}`) as Recorded[]) if (!first.has(row.sql)) first.set(row.sql, row)
  }
  return [...first.values()]
}

/** A planner over the tables of the corpus, and what closes its database. */
export async function corpusPlanner(): Promise<{ readonly planner: Planner; readonly drop: () => Promise<void> }> {
  const database = await createDatabase('corpus')
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(read('schema.sql'))
  const raw = { getTypeParser: () => (value: string) => value }
  const catalog = await loadCatalog(
    async (text, values = []) =>
      (await client.query({ text, values: [...values], rowMode: 'array', types: raw as never })).rows as (
        | string
        | null
      )[][],
    'corpus',
  )
  const planner = new Planner(catalog, ['pg_catalog', 'public'], { triggers: {}, functions: {} }, { maxConjs: 64 })
  const drop = async (): Promise<void> => {
    await client.end()
    await database.drop()
  }
  return { planner, drop }
}
