import { AsyncResource } from 'node:async_hooks'
import type { Call, Outcome, WireParam } from '../../engine/connection.js'
import type { Entry } from '../../engine/connection.js'
import type { Scope } from '../../engine/connection.js'
import type { PgModule, PgResult, PgTypes, QueryConfig } from './module.js'
import { decode } from './result.js'
import { wireValues } from './values.js'

export type Callback = (error: unknown, result?: unknown) => void

/** Carries the caller's scope through pool.query, which runs its query in another's async context (S9). */
export const SCOPE = Symbol('cacheops.scope')

/** Options of a query config that leave its result an ordinary one. */
const PLAIN = new Set<string>(['text', 'values', 'name', 'rowMode', 'types', 'callback', 'query_timeout', 'queryMode'])

/** What the user handed to `query`, in one form. */
export interface PgCall {
  readonly config: QueryConfig
  readonly text: string
  readonly params: readonly WireParam[]
  readonly callback: Callback | undefined
  readonly uncacheable: string | undefined
  readonly scope: Scope | undefined
}

/**
 * Reads the arguments of `query`. Undefined where pg itself has to answer: what is not a text, values that it refuses,
 * a callback that is none.
 */
export function readCall(
  pg: PgModule,
  first: unknown,
  second: unknown,
  third: unknown,
  textOf: (name: string) => string | undefined,
): PgCall | undefined {
  let config: QueryConfig
  if (typeof first === 'string') config = { text: first }
  else if (typeof first === 'object' && first !== null) config = first as QueryConfig
  else return undefined
  const given = third ?? (typeof second === 'function' ? second : undefined) ?? config.callback
  if (given !== undefined && typeof given !== 'function') return undefined
  const values = second && typeof second !== 'function' ? second : config.values
  const { name } = config
  // B6: a name without a text means what it meant before on this connection.
  const text = config.text ?? (typeof name === 'string' ? textOf(name) : undefined)
  if (typeof text !== 'string' || (name !== undefined && name !== null && typeof name !== 'string')) return undefined
  const params = wireValues(pg, values)
  if (!params) return undefined
  return {
    config: { ...config, ...(values === undefined || values === null ? {} : { values: params as unknown[] }) },
    text,
    params,
    callback: given === undefined ? undefined : AsyncResource.bind(given as Callback),
    uncacheable: whyNot(config),
    scope: (config as { [SCOPE]?: Scope })[SCOPE],
  }
}

function whyNot(config: QueryConfig): string | undefined {
  for (const option in config) {
    if (PLAIN.has(option) || config[option] === undefined || config[option] === false) continue
    return option === 'binary' ? 'it asks for binary results' : `it uses the option '${option}'`
  }
  const { types } = config as { types?: Partial<PgTypes> | null }
  if (types && typeof types.getTypeParser !== 'function') return 'its types have no getTypeParser'
  return undefined
}

/** The engine's view of a call. `run` runs it as the user asked. */
export function engineCall(
  pg: PgModule,
  call: PgCall,
  types: unknown,
  uncacheable: string | undefined,
  run: () => Promise<PgResult | PgResult[]>,
): Call<PgResult | PgResult[]> {
  const { config } = call
  return {
    text: call.text,
    params: call.params,
    name: config.name,
    uncacheable: uncacheable ?? call.uncacheable,
    passThrough: run,
    decode: (entry: Entry) => decode(pg, entry, config.rowMode, config.types ?? types),
    outcomes: (result): readonly Outcome[] =>
      (Array.isArray(result) ? result : [result]).map(({ command, rowCount }) => ({ command: command ?? '', rowCount })),
  }
}

/** Hands a result to the caller in the caller's own way. A callback that throws fails the process, as with pg. */
export function answer(result: Promise<unknown>, callback: Callback | undefined): Promise<unknown> | undefined {
  if (!callback) return result
  result.then(
    (value) => process.nextTick(callback, null, value),
    (error) => process.nextTick(callback, error, undefined),
  )
  return undefined
}
