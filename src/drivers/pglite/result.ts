import type { Entry, Outcome } from '../../engine/connection.js'
import type { QueryOptions, Results } from './options.js'
import { type Parsers, parserOf, type Target } from './target.js'

/** Commands whose tag counts rows that were written. */
const WRITES = new Set(['INSERT', 'UPDATE', 'DELETE', 'COPY', 'MERGE'])

/** The result that this caller would have got from PGlite: its own rows, its own parsers. */
export function decode(target: Target, entry: Entry, options: QueryOptions | undefined): Results {
  const { command, rowCount, fields } = entry
  const result: Results = {
    rows: options?.rowMode === 'array' ? arrays(target, entry, options) : objects(target, entry, options),
    fields: fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
    command,
    affectedRows: WRITES.has(command) ? (rowCount ?? 0) : 0,
  }
  if (rowCount !== null) result.rowCount = rowCount
  return result
}

type Parse = (text: string | null) => unknown

function parsersOf(target: Target, { fields }: Entry, options: QueryOptions | undefined): readonly Parse[] {
  return fields.map(({ dataTypeID }) => {
    const parser = parserOf(target, options?.parsers as Parsers | undefined, dataTypeID)
    return parser ? (text) => (text === null ? null : parser(text, dataTypeID)) : (text) => text
  })
}

function arrays(target: Target, entry: Entry, options: QueryOptions | undefined): unknown[][] {
  const parsers = parsersOf(target, entry, options)
  return entry.rows.map((row) => row.map((text, index) => (parsers[index] as Parse)(text)))
}

function objects(target: Target, entry: Entry, options: QueryOptions | undefined): Record<string, unknown>[] {
  const parsers = parsersOf(target, entry, options)
  const names = entry.fields.map(({ name }) => name)
  // Assigning to it would change the object's prototype.
  if (names.includes('__proto__')) {
    return entry.rows.map((row) =>
      Object.fromEntries(row.map((text, index) => [names[index] as string, (parsers[index] as Parse)(text)])),
    )
  }
  return entry.rows.map((row) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < row.length; index++) {
      object[names[index] as string] = (parsers[index] as Parse)(row[index] as string | null)
    }
    return object
  })
}

/** What PGlite's own results were. Versions that do not tell the command: what makes the most of it. */
export function outcomesOf(results: readonly Results[]): readonly Outcome[] {
  return results.map(({ command, rowCount }) => ({ command: command ?? 'COMMIT', rowCount: rowCount ?? null }))
}
