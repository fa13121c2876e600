import type { Raw } from './postgres/raw.js'

/** What the parser's package is to us. It is imported only by `loadParser`, so that nothing pays for it unasked. */
interface ParserModule {
  readonly loadModule: () => Promise<void>
  readonly parseSync: (sql: string) => unknown
}

/** PostgreSQL's own grammar rejects the text. */
export class ParseError extends Error {}

/**
 * Running out of stack leaves the WASM's own stack pointer where it was: after some thirty of them every parse fails
 * with "memory access out of bounds" (measured, libpg-query 18.1.5). `nesting` keeps texts away from that; this is for
 * callers that have little stack left themselves.
 */
const OVERFLOWS_BORNE = 8

let parser: ParserModule | undefined
let failure: string | undefined
let overflows = 0
let loading: Promise<void> | undefined

/** Loads libpg-query once. Never rejects: where it cannot be loaded, `parserFailed` says why, and everything is opaque. */
export function loadParser(): Promise<void> {
  loading ??= load()
  return loading
}

async function load(): Promise<void> {
  try {
    const module = (await import('libpg-query')) as ParserModule
    await module.loadModule()
    parser = module
  } catch (error) {
    failure = `the SQL parser could not be loaded: ${messageOf(error)}`
  }
}

export function parserLoaded(): boolean {
  return parser !== undefined
}

/** Why nothing can be parsed; `undefined` while the parser works or is not yet loaded. */
export function parserFailed(): string | undefined {
  return failure
}

/** The statements' trees. Throws `ParseError` where the grammar rejects the text, anything else where the parser broke. */
export function parse(sql: string): readonly Raw[] {
  if (!parser) throw new Error(failure ?? 'the SQL parser is not loaded')
  let result: unknown
  try {
    result = parser.parseSync(sql)
  } catch (error) {
    if (error instanceof Error && error.name === 'SqlError') throw new ParseError(error.message, { cause: error })
    if (!(error instanceof RangeError) || ++overflows >= OVERFLOWS_BORNE) {
      parser = undefined
      failure = `the SQL parser broke: ${messageOf(error)}`
    }
    throw error
  }
  const { stmts } = result as { readonly stmts?: readonly { readonly stmt: Raw }[] }
  return (stmts ?? []).map(({ stmt }) => stmt)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
