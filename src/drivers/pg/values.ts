import type { WireParam } from '../../engine/connection.js'
import type { PgModule } from './module.js'

/** Values as pg would put them on the wire, or why it will not. */
export type WireValues =
  | { readonly kind: 'values'; readonly values: readonly WireParam[] }
  /** They are no list. */
  | { readonly kind: 'refused' }
  /** One of them cannot be converted: `values` throws the same error again. */
  | { readonly kind: 'thrown'; readonly values: readonly unknown[] }

const NONE: WireValues = { kind: 'values', values: [] }
const REFUSED: WireValues = { kind: 'refused' }

/** Converts each value once: `toPostgres` and `toJSON` are the user's code. */
export function wireValues(pg: PgModule, values: unknown): WireValues {
  if (!values) return NONE
  if (!Array.isArray(values)) return REFUSED
  const wire: WireParam[] = new Array(values.length)
  try {
    for (let index = 0; index < values.length; index++) {
      const value: unknown = values[index]
      wire[index] =
        typeof value === 'string' ? value : typeof value === 'number' ? String(value) : pg.utils.prepareValue(value)
    }
  } catch (error) {
    return { kind: 'thrown', values: [throwing(error)] }
  }
  return { kind: 'values', values: wire }
}

function throwing(error: unknown): { toPostgres(): never } {
  return {
    toPostgres() {
      throw error
    },
  }
}
