import { readdirSync, readFileSync } from 'node:fs'
import type { Analysis } from '../../src/sql/analysis.js'
import { type AnalyzeOptions, createAnalyzer } from '../../src/sql/analyze.js'
import type { Statement } from '../../src/sql/statement.js'

const folder = new URL('../corpus/', import.meta.url)

function linesOf(name: string): readonly Record<string, unknown>[] {
  const lines = readFileSync(new URL(name, folder), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** The different texts that ORMs sent to PostgreSQL. */
export const corpus: readonly string[] = [
  ...new Set(
    readdirSync(new URL('statements/', folder))
      .flatMap((name) => linesOf(`statements/${name}`))
      .map(({ sql }) => String(sql)),
  ),
]

export interface Expectation {
  readonly sql: string
  readonly kind: string
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly statements?: readonly Omit<Expectation, 'sql'>[]
}

export const expectations = linesOf('expectation.jsonl') as unknown as readonly Expectation[]

/** Everything of a text, analysed afresh. */
export function analyses(text: string, options?: AnalyzeOptions): readonly Analysis[] {
  return createAnalyzer({ maxBytes: 1e7 }).analyze(text, options).statements
}

/** The only statement of a text. */
export function analysis(text: string, options?: AnalyzeOptions): Analysis {
  const [only, ...more] = analyses(text, options)
  if (!only || more.length > 0) throw new Error(`not one statement: ${text}`)
  return only
}

export const statementOf = (text: string): Statement => analysis(text).template.statement
