import type { CastExpr } from '../statement.js'
import { bodyOf, flagOf, listOf, NotUnderstood, namesOf, only, type Raw } from './raw.js'

/** The type of a TypeCast. */
export function typeOf(cast: Raw): Pick<CastExpr, 'schema' | 'type' | 'array' | 'modified'> {
  const name = bodyOf(cast, 'typeName')
  if (!name) throw new NotUnderstood('a cast without a type')
  only('TypeName', name, ['names', 'typmods', 'typemod', 'arrayBounds', 'setof', 'pct_type', 'location'])
  if (flagOf(name, 'setof') || flagOf(name, 'pct_type')) throw new NotUnderstood('a type of SETOF or %TYPE')
  const parts = namesOf(name, 'names')
  const [first, second] = parts
  if (first === undefined || parts.length > 2) throw new NotUnderstood('a type with a database name')
  const qualified = second !== undefined && first !== 'pg_catalog'
  return {
    ...(qualified && { schema: first }),
    type: second ?? first,
    array: listOf(name, 'arrayBounds').length > 0,
    modified: listOf(name, 'typmods').length > 0,
  }
}
