import type { Duration } from '../base/duration.js'

/** A function whose results are kept. */
export interface CachedFunction<Args extends readonly unknown[], T> {
  (...args: Args): Promise<T>
  /** Drops the result for these arguments, in all its variants (`extra`, `vary`), also one that is being computed. */
  invalidate(...args: Args): Promise<void>
  /** The place of the result for these arguments. */
  key(...args: Args): KeptResult<T>
}

/** A result's place: to look without running the function, to put another there, to drop it. */
export interface KeptResult<T> {
  /** Undefined where nothing is kept. */
  get(): Promise<T | undefined>
  /** @throws TypeError where the value cannot be kept exactly */
  set(value: T, options?: { readonly ttl?: Duration }): Promise<void>
  delete(): Promise<void>
}

/** The same of a function whose results cannot be put there by hand: what they depend on is what ran. */
export interface ComputedFunction<Args extends readonly unknown[], T> extends Omit<CachedFunction<Args, T>, 'key'> {
  (...args: Args): Promise<T>
  key(...args: Args): Omit<KeptResult<T>, 'set'>
}
