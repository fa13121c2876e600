import type { WireParam } from '../../engine/connection.js'
import type { PgModule } from './module.js'

/** The values as pg would put them on the wire; undefined where pg itself must say what is wrong with them. */
export function wireValues(pg: PgModule, values: unknown): readonly WireParam[] | undefined {
  if (values === undefined || values === null) return []
  if (!Array.isArray(values)) return undefined
  const wire: WireParam[] = new Array(values.length)
  try {
    for (let index = 0; index < values.length; index++) {
      const value: unknown = values[index]
      wire[index] = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : pg.utils.prepareValue(value)
    }
  } catch {
    return undefined
  }
  return wire
}
