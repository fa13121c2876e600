import { type Duration, parseDuration, show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import { checkBoolean, checkNames } from '../engine/options.js'

/** A value that can be a part of a key. */
type Extra = string | number | bigint | boolean | null | object

/** What every function that is cached can be told. */
export interface FunctionOptions<Args extends readonly unknown[]> {
  /** How long a result may be kept. */
  readonly ttl?: Duration
  /** What else the result depends on: a value, or a function of the arguments. */
  readonly extra?: Extra | ((...args: Args) => unknown)
  /** One process computes, the others wait for it. In one process it is always so. */
  readonly lock?: boolean
}

/** The options, checked. `ttl` is in milliseconds. */
export interface Checked<Args extends readonly unknown[]> {
  readonly ttl: number | undefined
  readonly lock: boolean
  extra(args: Args): unknown
}

/** @throws ConfigError that names the function and what was expected */
export function checkFunction<Args extends readonly unknown[]>(
  where: string,
  name: unknown,
  fn: unknown,
  options: FunctionOptions<Args>,
  more: readonly string[] = [],
): Checked<Args> {
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(
      `${where}: expected a name first, by which every process knows the function, got ${show(name)}.`,
    )
  }
  if (typeof fn !== 'function') throw new ConfigError(`${where}('${name}'): expected a function, got ${show(fn)}.`)
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(`${where}('${name}'): expected options such as { ttl: '10m' }, got ${show(options)}.`)
  }
  checkNames(options, ['ttl', 'extra', 'lock', ...more], `${where}('${name}')`)
  const { ttl, extra, lock } = options
  checkBoolean(lock, `${where}('${name}'): lock`)
  return {
    ttl: ttl === undefined ? undefined : parseDuration(ttl, `${where}('${name}'): ttl`),
    lock: lock ?? false,
    extra: typeof extra === 'function' ? (args) => (extra as (...args: Args) => unknown)(...args) : () => extra,
  }
}
