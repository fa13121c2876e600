import { readdirSync, readFileSync } from 'node:fs'
import { parseSync } from 'libpg-query'
import pg from 'pg'
import type { Bench } from '../environment.js'
import type { Figure, Measurement } from '../figure.js'
import { clockMicroseconds, collectGarbage, median, quantile } from '../rounds.js'

const CORPUS = new URL('../../test/corpus/', import.meta.url)
const ROUNDS = 9
const REPEAT = 40
/** White space at the end, different for each number below 4 ** 6: the same template in another text. */
function ending(number: number): string {
  let rest = number
  let space = ''
  for (let digit = 0; digit < 6; digit++) {
    space += ' \t\n\r'[rest % 4]
    rest = Math.floor(rest / 4)
  }
  return space
}

interface Recorded {
  readonly sql: string
  readonly params: readonly unknown[]
}

interface Wired extends Recorded {
  readonly wire: readonly (string | Uint8Array | null)[]
}

/**
 * What a statement that is known costs before the store is asked: its literals lifted, its dependencies bound, its key
 * made; against libpg-query's parse of the same text. Once for texts whose template is known, with the literals to be
 * lifted in each call, as with ORMs that write values into the text; once for texts that are known as they are.
 */
export const analysisKnown: Figure = {
  name: 'analysis-known',
  measures: ['analysis-known', 'analysis-known-text'],
  async run(bench) {
    const once = await prepare(bench)
    const statements = corpus().filter((statement) => once(statement, statement.sql))
    bench.tell(`${statements.length} different reads of the corpus are cached`)
    const lifted: number[] = []
    const exact: number[] = []
    const parsed: number[] = []
    for (const statement of statements) {
      const { sql } = statement
      const ofLifted: number[] = []
      const ofExact: number[] = []
      const ofParsed: number[] = []
      let other = 0
      for (let round = -2; round < ROUNDS; round++) {
        // The texts are made before: only a text that is not in the cache by its words is lifted.
        const texts = Array.from({ length: REPEAT }, () => sql + ending(other++))
        const timed = (into: number[], run: (index: number) => void): void => {
          const start = clockMicroseconds()
          for (let index = 0; index < REPEAT; index++) run(index)
          if (round >= 0) into.push((clockMicroseconds() - start) / REPEAT)
        }
        timed(ofLifted, (index) => void once(statement, texts[index] as string))
        timed(ofParsed, () => void parseSync(sql))
        timed(ofExact, () => void once(statement, sql))
      }
      lifted.push(median(ofLifted))
      exact.push(median(ofExact))
      parsed.push(median(ofParsed))
    }
    collectGarbage()
    return [result('analysis-known', lifted, parsed), result('analysis-known-text', exact, parsed)]
  },
}

function result(name: string, known: readonly number[], parsed: readonly number[]): Measurement {
  const ratios = known.map((time, index) => time / (parsed[index] as number))
  const worst = quantile(ratios, 0.95).toFixed(3)
  const note = `${median(known).toFixed(1)} µs : ${median(parsed).toFixed(1)} µs, 95 % below ${worst}, ${known.length} reads`
  return { name, value: median(ratios), unit: 'x', target: 0.25, higherIsBetter: false, note }
}

/** The way of a read as far as the store, on a database with the corpus's tables. `false` where it is not cached. */
async function prepare(bench: Bench): Promise<(statement: Wired, text: string) => boolean> {
  const url = await bench.database('corpus')
  await bench.pool(url).query(readFileSync(new URL('schema.sql', CORPUS), 'utf8'))
  const { cacheops } = await bench.cached(url)
  const engine = bench.subject.engineOf(cacheops, 'bench')
  const [source] = [...engine.sources]
  const context = source?.baseline
  if (!context) throw new Error('analysis-known: there is no baseline')
  const scope = engine.scopes.current
  return ({ wire }, text) => {
    const { statements } = engine.analyze(text)
    const [analysis] = statements
    if (!analysis || statements.length > 1) return false
    const { read } = context.planner.plan(analysis.template)
    if (!read) return false
    const decided = engine.reader.decide(
      context,
      read,
      analysis,
      { params: wire, literals: analysis.literals },
      scope,
      text,
    )
    return typeof decided !== 'string' && decided.request.dependencies().length > 0
  }
}

/** The recorded statements, each text once. */
function corpus(): readonly Wired[] {
  const folder = new URL('statements/', CORPUS)
  const statements = new Map<string, Wired>()
  const { prepareValue } = (pg as unknown as { readonly utils: { prepareValue(value: unknown): string | null } }).utils
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('-postgresql.jsonl'))
    .sort()) {
    for (const line of readFileSync(new URL(file, folder), 'utf8').split('\n')) {
      if (line === '') continue
      const { sql, params } = JSON.parse(line) as Recorded
      if (!statements.has(sql)) statements.set(sql, { sql, params, wire: params.map((value) => prepareValue(value)) })
    }
  }
  return [...statements.values()]
}
