import { type Duration, parseDuration, show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import { OPERATIONS, type Operation } from '../base/vocabulary.js'
import type { Declarations } from '../plan/called-functions.js'
import { nearest, Policy, type Profile, type Rule } from '../plan/policy.js'
import type { Store } from '../store/store.js'

/** One operation, several, or `'all'`. An empty list is the same as `'manual'`. */
export type Ops = Operation | 'all' | readonly Operation[]

/** What a pattern of `models` can say in full. */
export interface ModelOptions {
  /** What is cached without being asked. */
  readonly ops?: Ops
  /** How long an entry may live at most. */
  readonly ttl?: Duration
  /** One caller computes, the others wait for it. */
  readonly lock?: boolean
  /** Entries are kept in this process, too, where the store is another's; other processes' writes reach it a moment later. */
  readonly local?: boolean
}

/** A profile, its operations alone, `'manual'` (only where asked for) or `false` (never). */
export type Model = ModelOptions | Ops | 'manual' | false

/** What is put in a `vary` function. */
export interface VaryQuery {
  readonly databases: readonly string[]
  readonly tables: readonly string[]
  readonly fn: string | undefined
}

export interface Logger {
  warn(message: string): void
}

/** Results of functions as text, for the store. What it cannot keep it refuses by throwing. */
export interface Serializer {
  serialize(value: unknown): string
  deserialize(text: string): unknown
}

export interface CacheopsOptions {
  /** Where entries are kept: `memory()` for one process. */
  readonly store: Store
  /** For every profile that does not say otherwise. */
  readonly defaults?: ModelOptions
  /** What is cached: patterns of table names; the most specific wins. */
  readonly models?: Readonly<Record<string, Model>>
  /** `false`: nothing is read from or put into the cache; writes still invalidate. */
  readonly enabled?: boolean
  /** A world of its own in the store. */
  readonly prefix?: string
  /** What else an answer depends on, e.g. the tenant; part of entries' keys. */
  readonly vary?: (query: VaryQuery) => string
  /** `false`: a store that fails fails the call. */
  readonly degradeOnFailure?: boolean
  /** Longest `IN` whose values are followed one by one; default 32. */
  readonly longDisjunction?: number
  /**
   * The share of hits, from 0 to 1, that is run against the database again, in the background; a difference is an event.
   * Default 0.
   */
  readonly verify?: number
  /** How results of functions become text and back; by default all of JSON, Date, bigint, Map, Set, Buffer and undefined exactly. */
  readonly serializer?: Serializer
  /** What triggers write that the catalog does not show. */
  readonly triggers?: Readonly<Record<string, { readonly writes: readonly string[] }>>
  /** What functions write that the catalog does not show. */
  readonly functions?: Readonly<Record<string, { readonly writes: readonly string[] }>>
  /** Told of each first bypass reason and store failure, once a minute at most. `NODE_DEBUG=cacheops` does the same. */
  readonly logger?: Logger
}

/** The options, checked. Durations are in milliseconds. */
export interface Config {
  readonly store: Store
  readonly policy: Policy
  readonly defaultTtl: number | undefined
  readonly enabled: boolean
  readonly prefix: string
  readonly vary: ((query: VaryQuery) => string) | undefined
  readonly degradeOnFailure: boolean
  readonly longDisjunction: number
  readonly verify: number
  readonly serializer: Serializer | undefined
  readonly declarations: Declarations
  readonly logger: Logger | undefined
}

const OPTION_NAMES = [
  'store',
  'defaults',
  'models',
  'enabled',
  'prefix',
  'vary',
  'degradeOnFailure',
  'longDisjunction',
  'verify',
  'serializer',
  'triggers',
  'functions',
  'logger',
]

const STORE_METHODS = [
  'read',
  'write',
  'recall',
  'combine',
  'drop',
  'invalidate',
  'stands',
  'schemes',
  'block',
  'unblock',
  'catalogStamp',
] as const

/** @throws ConfigError that names the option and what was expected */
export function checkOptions(options: CacheopsOptions): Config {
  if (!isObject(options)) throw new ConfigError(`createCacheops: expected an object of options, got ${show(options)}.`)
  checkNames(options, OPTION_NAMES, 'createCacheops')
  const { store } = options
  if (!isObject(store) || STORE_METHODS.some((method) => typeof (store as never)[method] !== 'function')) {
    throw new ConfigError(
      `store: expected a store such as memory() from 'cacheops', got ${show(store)}. A store is never chosen for you: entries kept in ` +
        'one process cannot be invalidated by another.',
    )
  }
  checkBoolean(options.enabled, 'enabled')
  checkBoolean(options.degradeOnFailure, 'degradeOnFailure')
  if (options.prefix !== undefined && typeof options.prefix !== 'string') {
    throw new ConfigError(
      `prefix: expected a string, got ${show(options.prefix)}. For keys that depend on the call use \`vary\`: writes made under another value would be missed.`,
    )
  }
  if (options.vary !== undefined && typeof options.vary !== 'function') {
    throw new ConfigError(`vary: expected a function of the query that returns a string, got ${show(options.vary)}.`)
  }
  const { longDisjunction = 32 } = options
  if (!Number.isInteger(longDisjunction) || longDisjunction < 1 || longDisjunction > 1000) {
    throw new ConfigError(`longDisjunction: expected a whole number from 1 to 1000, got ${show(longDisjunction)}.`)
  }
  const { verify = 0 } = options
  if (typeof verify !== 'number' || !(verify >= 0 && verify <= 1)) {
    throw new ConfigError(
      `verify: expected the share of hits to run again, a number from 0 to 1 such as 0.01, got ${show(verify)}.`,
    )
  }
  if (options.logger !== undefined && typeof options.logger?.warn !== 'function') {
    throw new ConfigError(
      `logger: expected an object with a warn(message) method such as console, got ${show(options.logger)}.`,
    )
  }
  const defaults = checkModel(options.defaults ?? {}, 'defaults')
  if (options.models !== undefined && !isObject(options.models)) {
    throw new ConfigError(`models: expected an object of table patterns, got ${show(options.models)}.`)
  }
  const rules = Object.entries(options.models ?? {}).map(([pattern, model]) => rule(pattern, model, defaults))
  const seen = new Map<string, string>()
  for (const { pattern } of rules) {
    const other = seen.get(pattern.toLowerCase())
    if (other !== undefined)
      throw new ConfigError(`models: '${other}' and '${pattern}' are one pattern, as case does not count.`)
    seen.set(pattern.toLowerCase(), pattern)
  }
  return {
    store: store as Store,
    policy: new Policy(rules),
    defaultTtl: defaults.ttl,
    enabled: options.enabled ?? true,
    prefix: options.prefix ?? '',
    vary: options.vary,
    degradeOnFailure: options.degradeOnFailure ?? true,
    longDisjunction,
    verify,
    serializer: checkSerializer(options.serializer),
    declarations: {
      triggers: checkDeclared(options.triggers, 'triggers'),
      functions: checkDeclared(options.functions, 'functions'),
    },
    logger: options.logger,
  }
}

interface Checked {
  readonly ops: ReadonlySet<Operation> | undefined
  readonly ttl: number | undefined
  readonly lock: boolean | undefined
  readonly local: boolean | undefined
}

function rule(pattern: string, model: Model, defaults: Checked): Rule {
  const where = `models['${pattern}']`
  if (!/^(?:[^\s.*"]|\*)+(?:\.(?:[^\s.*"]|\*)+)?$/.test(pattern)) {
    throw new ConfigError(
      `${where}: expected a pattern such as 'posts', 'public.posts', 'blog_*', 'auth.*' or '*', without quotes or spaces.`,
    )
  }
  if (model === false) return { pattern, profile: false }
  if (model === 'manual') {
    return {
      pattern,
      profile: {
        mode: 'manual',
        ops: new Set(),
        ttl: defaults.ttl,
        lock: defaults.lock ?? false,
        local: defaults.local ?? false,
        pattern,
      },
    }
  }
  if (!(typeof model === 'string' || Array.isArray(model) || isObject(model))) {
    throw new ConfigError(
      `${where}: expected { ops, ttl, … }, an operation or a list of them, 'all', 'manual' or false, got ${show(model)}.`,
    )
  }
  const checked =
    typeof model === 'string' || isList<Operation>(model)
      ? { ops: checkOps(model as Ops, where), ttl: undefined, lock: undefined, local: undefined }
      : checkModel(model as ModelOptions, where)
  const ops = checked.ops ?? defaults.ops ?? new Set<Operation>()
  const ttl = checked.ttl ?? defaults.ttl
  if (ops.size > 0 && ttl === undefined) {
    throw new ConfigError(
      `${where}: expected a ttl, here or in defaults, such as { ttl: '15m' }: every entry ends some time.`,
    )
  }
  const profile: Profile = {
    mode: ops.size > 0 ? 'auto' : 'manual',
    ops,
    ttl,
    lock: checked.lock ?? defaults.lock ?? false,
    local: checked.local ?? defaults.local ?? false,
    pattern,
  }
  return { pattern, profile }
}

function checkModel(model: ModelOptions, where: string): Checked {
  if (!isObject(model)) throw new ConfigError(`${where}: expected { ops, ttl, lock, local }, got ${show(model)}.`)
  checkNames(model, ['ops', 'ttl', 'lock', 'local'], where)
  checkBoolean(model.lock, `${where}.lock`)
  checkBoolean(model.local, `${where}.local`)
  return {
    ops: model.ops === undefined ? undefined : checkOps(model.ops as Ops, `${where}.ops`),
    ttl: model.ttl === undefined ? undefined : parseDuration(model.ttl, `${where}.ttl`),
    lock: model.lock as boolean | undefined,
    local: model.local as boolean | undefined,
  }
}

/** @throws ConfigError where a name is not an operation */
export function checkOps(ops: Ops, where: string): ReadonlySet<Operation> {
  if (ops === 'all') return new Set(OPERATIONS)
  const list = isList(ops) ? ops : [ops]
  for (const op of list) {
    if (OPERATIONS.includes(op)) continue
    const hint = typeof op === 'string' ? nearest(op, [...OPERATIONS, 'all', 'manual']) : undefined
    throw new ConfigError(
      `${where}: expected 'get', 'fetch', 'count', 'aggregate' or 'exists', a list of them, or 'all', got ${show(op)}.${hint ? ` Did you mean '${hint}'?` : ''}`,
    )
  }
  return new Set(list)
}

function checkSerializer(serializer: Serializer | undefined): Serializer | undefined {
  if (serializer === undefined) return undefined
  if (typeof serializer?.serialize === 'function' && typeof serializer.deserialize === 'function') return serializer
  throw new ConfigError(
    `serializer: expected an object with the methods serialize(value) and deserialize(text), got ${show(serializer)}.`,
  )
}

function checkDeclared(declared: CacheopsOptions['triggers'], where: string): NonNullable<CacheopsOptions['triggers']> {
  if (declared === undefined) return {}
  if (!isObject(declared)) throw new ConfigError(`${where}: expected an object of names, got ${show(declared)}.`)
  for (const [name, value] of Object.entries(declared)) {
    const writes: unknown = isObject(value) ? value.writes : undefined
    if (!Array.isArray(writes) || writes.some((table) => typeof table !== 'string')) {
      throw new ConfigError(`${where}['${name}']: expected { writes: ['table', …] }, got ${show(value)}.`)
    }
  }
  return declared
}

/** @throws ConfigError for a name that is not known, with the nearest that is */
export function checkNames(object: object, names: readonly string[], where: string): void {
  for (const name of Object.keys(object)) {
    if (names.includes(name)) continue
    const hint = nearest(name, names)
    throw new ConfigError(
      `${where}: there is no option '${name}'.${hint ? ` Did you mean '${hint}'?` : ` Known are ${names.join(', ')}.`}`,
    )
  }
}

/** @throws ConfigError where it is there and no boolean */
export function checkBoolean(value: unknown, where: string): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new ConfigError(`${where}: expected true or false, got ${show(value)}.`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList<T>(value: T | readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}
