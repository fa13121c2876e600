import { AsyncResource } from 'node:async_hooks'
import type { Call, Entry, Looked, Outcome, Scope, WireParam } from '../../engine/connection.js'
import type { PgModule, PgResult, PgTypes, QueryConfig } from './module.js'
import { decode } from './result.js'
import { wireValues } from './values.js'

export type Callback = (error?: unknown, result?: unknown) => void

/** Options that make of a result something else than all its rows as text. What pg does not know, it does not look at. */
const SPECIAL = {
  binary: 'it asks for binary results',
  rows: 'it reads in pages',
  portal: 'it names a portal',
} as const

const SPECIAL_OPTIONS = ['binary', 'rows', 'portal'] as const

/** What the user handed to `query`, in one form. */
export interface PgCall {
  readonly kind: 'call'
  /** A copy, as things are when `query` is called; without a callback. */
  readonly config: QueryConfig
  readonly text: string
  readonly params: readonly WireParam[]
  readonly callback: Callback | undefined
  readonly uncacheable: string | undefined
}

/** What pg itself has to answer. */
export interface Refused {
  /** `refused`: it reaches the server in no case. `unseen`: nobody knows what it says. */
  readonly kind: 'refused' | 'unseen'
  /** It is refused in its turn, not by throwing at once. */
  readonly ordered: boolean
  readonly args: readonly unknown[]
  readonly callback: Callback | undefined
}

/**
 * Reads the arguments of `query`, as pg does.
 *
 * @param textOf - what a name meant before on this connection (B6)
 * @param pooled - of a pool's `query`, which takes no notice of a callback in the config
 */
export function readCall(
  pg: PgModule,
  first: unknown,
  second: unknown,
  third: unknown,
  textOf: (name: string) => string | undefined,
  pooled = false,
): PgCall | Refused {
  const args = [first, second, third]
  const given = typeof first === 'string' ? { text: first } : ((first ?? {}) as QueryConfig)
  const called = third || (typeof second === 'function' ? second : undefined) || (pooled ? undefined : given.callback)
  if (called && typeof called !== 'function') return { kind: 'refused', ordered: false, args, callback: undefined }
  const callback = called ? bound(called as Callback) : undefined
  const refused = (kind: Refused['kind']): Refused => ({ kind, ordered: true, args, callback })
  if (typeof given !== 'object') return refused('refused')

  const name = given.name || undefined
  if (name !== undefined && typeof name !== 'string') return refused('unseen')
  if (given.text && typeof given.text !== 'string') return refused(name === undefined ? 'refused' : 'unseen')
  const text = name === undefined ? given.text : given.text || textOf(name)
  if (typeof text !== 'string') return refused('refused')

  const values = second && typeof second !== 'function' ? second : given.values
  const wire = wireValues(pg, values)
  if (wire.kind === 'refused') return refused('refused')
  const sent = values ? (wire.values as unknown[]) : undefined
  const config: QueryConfig = given === first ? copyOf(given, text, name, sent) : plainConfig(text, sent)
  // The error was thrown once: so pg meets it at the place where it would have.
  if (wire.kind === 'thrown') return { ...refused('refused'), args: [config] }
  return {
    kind: 'call',
    config,
    text,
    params: wire.values as readonly WireParam[],
    callback,
    uncacheable: whyNot(config),
  }
}

/** Of a text, in the form in which all of them are. */
function plainConfig(text: string, values: unknown[] | undefined): QueryConfig {
  return values ? { text, values } : { text }
}

/** As pg copies a config: with what its class has. */
function copyOf(given: QueryConfig, text: string, name: string | undefined, values: unknown): QueryConfig {
  const own = { text, name, values, callback: undefined }
  const prototype: unknown = Object.getPrototypeOf(given)
  if (prototype === Object.prototype) return { ...given, ...own } as QueryConfig
  const { rowMode, types, query_timeout } = given
  const copy: object = Object.create(prototype as object | null)
  const descriptors = Object.getOwnPropertyDescriptors({ ...given, rowMode, types, query_timeout, ...own })
  return Object.defineProperties(copy, descriptors) as QueryConfig
}

/** What a pool found out about a call before a client of its was there. */
export interface Carried {
  readonly call: PgCall
  readonly scope: Scope
  readonly looked: Looked | undefined
}

const CARRIED = Symbol('cacheops.carried')

/** The call's config, with what was found out: only for a client of ours, with nobody's in between. */
export function carry(found: Carried): object {
  return { [CARRIED]: found }
}

export function carried(config: unknown): Carried | undefined {
  return (config as { readonly [CARRIED]?: Carried })[CARRIED]
}

function whyNot(config: QueryConfig): string | undefined {
  for (const option of SPECIAL_OPTIONS) if (config[option]) return SPECIAL[option]
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
  return new EngineCall(pg, call, types, uncacheable, run)
}

class EngineCall implements Call<PgResult | PgResult[]> {
  readonly text: string
  readonly params: readonly WireParam[]
  readonly name: string | undefined
  readonly uncacheable: string | undefined
  readonly passThrough: () => Promise<PgResult | PgResult[]>
  looked: Looked | undefined
  readonly #pg: PgModule
  readonly #config: QueryConfig
  readonly #types: unknown

  constructor(
    pg: PgModule,
    { text, params, config, uncacheable }: PgCall,
    types: unknown,
    reason: string | undefined,
    run: () => Promise<PgResult | PgResult[]>,
  ) {
    this.text = text
    this.params = params
    this.name = config.name
    this.uncacheable = reason ?? uncacheable
    this.passThrough = run
    this.#pg = pg
    this.#config = config
    this.#types = types
  }

  decode(entry: Entry): PgResult {
    const { rowMode, types } = this.#config
    return decode(this.#pg, entry, rowMode, types || this.#types)
  }

  outcomes(result: PgResult | PgResult[]): readonly Outcome[] {
    return (Array.isArray(result) ? result : [result]).map(({ command, rowCount }) => ({
      command: command ?? '',
      rowCount,
    }))
  }
}

/** As `AsyncResource.bind`, in a tenth of its time: the callback runs in its caller's async context (S9). */
export function bound<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  const resource = new AsyncResource('cacheops.callback')
  return (...args) => resource.runInAsyncScope(callback, undefined, ...args)
}

/**
 * Hands a result to the caller in the caller's own way. A callback that throws fails the process, as with pg.
 *
 * @param none - what a callback is given for no error: `null` by a client, `undefined` by a pool
 */
export function answer(
  result: Promise<unknown>,
  callback: Callback | undefined,
  none: null | undefined,
): Promise<unknown> | undefined {
  if (!callback) return result
  result.then(
    (value) => process.nextTick(callback, none, value),
    (error) => process.nextTick(callback, error),
  )
  return undefined
}

/** The caller's own kind of promise. */
export function promiseOf<T>(Own: PromiseConstructor | undefined, result: Promise<T>): Promise<T> {
  if (Own === undefined || Own === Promise) return result
  return new Own((resolve, reject) => void result.then(resolve, reject))
}
