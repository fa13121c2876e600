import type { Scheme } from '../../invalidation/dependency.js'
import { makeScheme } from '../../invalidation/scheme.js'

/** B10: shapes come from texts, and texts are endless. */
const MOST_FULL = 1000
const MOST_TABLES = 10_000

/** What this process knows of a table's registry, under one table stamp. */
interface Known {
  readonly stamp: string
  /** Schemes that are registered under the stamp. */
  readonly registered: Set<string>
  /** Schemes for which there is no room under the stamp. */
  readonly full: Set<string>
  /** All schemes of the registry, as it was when it was last given. */
  list: readonly Scheme[] | undefined
}

/**
 * The memo of registries. What it says holds for one table stamp only (A1): under another the table's registry is another.
 */
export class Registries {
  readonly #known = new Map<string, Known>()

  /** Something may have been lost with a server: nothing that is known holds. */
  clear(): void {
    this.#known.clear()
  }

  /** Whether the schemes are registered under the table stamp. */
  has(table: string, stamp: string, schemes: readonly Scheme[]): boolean {
    const known = this.#known.get(table)
    if (known === undefined || known.stamp !== stamp) return false
    for (const { id } of schemes) if (!known.registered.has(id)) return false
    return true
  }

  isFull(table: string, scheme: string): boolean {
    const known = this.#known.get(table)
    return known !== undefined && known.full.size > 0 && known.full.has(scheme)
  }

  /** The table's stamp was seen. True where a scheme had no room under another: it may have now. */
  saw(table: string, stamp: string | null): boolean {
    const known = this.#known.get(table)
    if (known === undefined || known.stamp === stamp || known.full.size === 0) return false
    known.full.clear()
    return true
  }

  registered(table: string, stamp: string, schemes: readonly Scheme[]): void {
    const known = this.#under(table, stamp)
    for (const { id } of schemes) known.registered.add(id)
  }

  full(table: string, stamp: string, schemes: readonly Scheme[]): void {
    const { full } = this.#under(table, stamp)
    if (full.size + schemes.length > MOST_FULL) full.clear()
    for (const { id } of schemes) full.add(id)
  }

  /** The registry as the server gave it. */
  learned(table: string, stamp: string, list: readonly Scheme[]): void {
    const known = this.#under(table, stamp)
    known.list = list
    for (const { id } of list) known.registered.add(id)
  }

  /** The registry as it was last given, with its stamp. */
  last(table: string): { readonly stamp: string; readonly list: readonly Scheme[] } | undefined {
    const known = this.#known.get(table)
    return known?.list === undefined ? undefined : { stamp: known.stamp, list: known.list }
  }

  #under(table: string, stamp: string): Known {
    let known = this.#known.get(table)
    if (known === undefined || known.stamp !== stamp) {
      known = { stamp, registered: new Set(), full: new Set(), list: undefined }
      if (this.#known.size >= MOST_TABLES) this.#known.clear()
      this.#known.set(table, known)
    }
    return known
  }
}

/** A scheme as a registry holds it, under its id. */
export function definitionOf(scheme: Scheme): string {
  return JSON.stringify([scheme.compared, scheme.read ?? null])
}

/** The schemes of a registry, given as ids and definitions by turns; undefined where it is not one of ours. */
export function parseRegistry(table: string, fields: readonly string[]): readonly Scheme[] | undefined {
  const list: Scheme[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [compared, read] = JSON.parse(fields[i + 1] as string) as [string[], string[] | null]
    const scheme = makeScheme(table, compared, read ?? undefined)
    if (scheme.id !== fields[i]) return undefined
    list.push(scheme)
  }
  return list
}
