import type { Engine } from '../engine/engine.js'
import type { Shelf } from './shelf.js'
import { encodeKey } from './values.js'

/** Longest part of a call that events show. */
const SHOWN = 120

/** The keys of a call. */
export interface CallKeys {
  readonly base: string
  readonly key: string
}

/** A call as events and messages show it, e.g. `page("news", 2)`. */
export function shown(name: string, args: readonly unknown[]): string {
  let list: string
  try {
    list = encodeKey(args, name).slice(1, -1)
  } catch {
    // Then the call itself is refused, with the reason.
    list = '…'
  }
  return `${name}(${list.length > SHOWN ? `${list.slice(0, SHOWN)}…` : list})`
}

/** @throws TypeError that names the argument where it cannot be a key */
export function baseKey(shelf: Shelf, kind: string, name: string, args: readonly unknown[]): string {
  return shelf.key(kind, name, encodeKey(args, `${name}: arguments`))
}

/**
 * The keys of a call: of the call, and of its variant by what else it depends on. A text where `vary` says nothing.
 *
 * @param kind - so that a result is never taken for that of another kind of function
 * @throws TypeError that names the argument where it cannot be a key
 */
export function keysOf(
  engine: Engine,
  shelf: Shelf,
  of: {
    readonly kind: string
    readonly name: string
    readonly args: readonly unknown[]
    readonly extra: unknown
    readonly tables: readonly string[]
    readonly databases: readonly string[]
    /** More of what makes a variant. */
    readonly more: readonly string[]
  },
): CallKeys | string {
  const { kind, name, args, extra, tables, databases } = of
  const base = baseKey(shelf, kind, name, args)
  const variant = [...of.more]
  if (extra !== undefined) variant.push(`extra ${encodeKey(extra, `${name}: extra`)}`)
  const { vary } = engine.config
  if (vary) {
    const varied: unknown = vary({ databases, tables, fn: name })
    if (typeof varied !== 'string') return '`vary` did not return a string'
    variant.push(`vary ${varied}`)
  }
  return { base, key: variant.length === 0 ? base : shelf.key('variant', base, ...variant) }
}
