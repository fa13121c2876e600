import type { Call } from '../../engine/connection.js'
import { type PGliteConnection, sentAs } from './connection.js'
import type { QueryOptions, Results } from './options.js'
import { capture } from './params.js'
import { decode, outcomesOf } from './result.js'
import { serializesAsUsual, type Target } from './target.js'

/** The engine's view of `query(text, params, options)`. */
export function queryCall(
  target: Target,
  connection: PGliteConnection,
  text: string,
  values: unknown[] | undefined,
  options: QueryOptions | undefined,
): Call<Results> {
  const list = values === undefined || Array.isArray(values)
  const { wire, sent, unknown } = capture(list ? (values ?? []) : [])
  const uncacheable =
    whyNot(options) ??
    (unknown || !list ? 'a parameter is of a kind whose wire form is not known' : undefined) ??
    (sent.length > 0 && (options?.serializers || !serializesAsUsual(target))
      ? 'the serializers are not those of PGlite'
      : undefined)
  sentAs(wire, { values: sent, onNotice: options?.onNotice })
  // What the engine concluded from the values must be what is sent, even if the caller changes them meanwhile.
  const given = uncacheable === undefined && values !== undefined ? [...sent] : values
  return {
    text,
    params: wire,
    uncacheable,
    passThrough: () => connection.pass((on) => on.query(text, given, options)),
    decode: (entry) => decode(target, entry, options),
    outcomes: (result) => outcomesOf([result]),
  }
}

/** The engine's view of `exec(text, options)`. */
export function execCall(
  target: Target,
  connection: PGliteConnection,
  text: string,
  options: QueryOptions | undefined,
): Call<Results[]> {
  const params: never[] = []
  sentAs(params, { values: [], onNotice: options?.onNotice })
  return {
    text,
    params,
    uncacheable: whyNot(options),
    passThrough: () => connection.pass((on) => on.exec(text, options)),
    decode: (entry) => [decode(target, entry, options)],
    outcomes: outcomesOf,
  }
}

/** Words of a transaction that PGlite says by itself. */
export function controlCall(command: string, carryOut: () => Promise<void>): Call<void> {
  return {
    text: command,
    params: [],
    passThrough: carryOut,
    decode: () => undefined,
    outcomes: () => [{ command, rowCount: null }],
  }
}

function whyNot(options: QueryOptions | undefined): string | undefined {
  if (options?.blob) return 'it brings a blob'
  // A type of the caller's choice can change which operator a condition uses.
  if (options?.paramTypes?.some((oid) => oid !== 0)) return 'it chooses the types of its parameters'
  return undefined
}

/** An error of a statement that the engine ran says what the user ran, as PGlite's own does. */
export async function asAsked<R>(
  result: Promise<R>,
  query: string,
  params: unknown[] | undefined,
  queryOptions: QueryOptions | undefined,
): Promise<R> {
  try {
    return await result
  } catch (error) {
    if (error instanceof Error && 'routine' in error) Object.assign(error, { query, params, queryOptions })
    throw error
  }
}
