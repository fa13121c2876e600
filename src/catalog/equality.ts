import type { KeyType } from './catalog.js'
import type { CastLine, ColumnLine, OperatorLine, TypeLine } from './rows.js'
import { FIRST_USER_OID } from './statements.js'

const BOOLEAN = 16
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23])
const TEXT = 25
const VARCHAR = 1043
const NUMERIC = 1700
const UUID = 2950

/** What a constant in a text can be, besides a string or a parameter that has no type of its own. */
const LITERALS: ReadonlySet<number> = new Set([BOOLEAN, 20, 23, NUMERIC])
/** Types with an `=` of their own: `column = 'constant'` finds it before any conversion is thought of. */
const EXACT: ReadonlySet<number> = new Set([BOOLEAN, ...INTEGERS, TEXT, UUID])

/**
 * S3, A23: the types of columns for which `column = constant` need not be the equality that was built in. PostgreSQL takes
 * an operator on exactly these types first, where a constant without a type counts as of the other side's; else it
 * chooses among all operators that implicit casts lead to. So it can be a user's
 * - where a user made an `=` with the type on a side (and for varchar, which has none of its own, on text's);
 * - for varchar and enums, also where a user made an `=` over pseudo-types, or an implicit cast from the type;
 * - for a literal of another type, as in `text_column = 5`: where both sides can be converted, one by a user's cast.
 * Casts that are not implicit never take part. (With citext, text is still text: only citext is converted unasked.)
 */
export function overloadedTypes(
  operators: readonly OperatorLine[],
  casts: readonly CastLine[],
  types: readonly TypeLine[],
): ReadonlySet<number> {
  const equalities = operators.filter(([name]) => name === '=')
  const sides = new Set(equalities.flatMap(([, , left, right]) => [left, right]))
  const polymorphic = equalities.some((operator) => operator[4])
  const implicit = casts.filter((cast) => cast[2] === 'i')
  const fromLiteral = implicit.some(([source]) => LITERALS.has(source))
  const sideIsLiteral = [...LITERALS].some((type) => sides.has(type))

  const compared = [...EXACT, VARCHAR, ...types.filter(([, , , kind]) => kind === 'e').map(([oid]) => oid)]
  const result = new Set(sides)
  result.delete(0)
  for (const type of compared) {
    const chosen = !EXACT.has(type)
    const converted = implicit.filter(([source]) => source === type)
    if (
      (type === VARCHAR && sides.has(TEXT)) ||
      (chosen && (polymorphic || converted.length > 0)) ||
      fromLiteral ||
      converted.some(([, target]) => target < FIRST_USER_OID || sideIsLiteral)
    ) {
      result.add(type)
    }
  }
  return result
}

/** S3: how a column's values are compared by key, if they are. */
export function keyType(column: ColumnLine, overloaded: ReadonlySet<number>): KeyType {
  const [, , , type, , , , typeKind, , , deterministic] = column
  if (overloaded.has(type)) return 'other'
  if (typeKind === 'e') return 'enum'
  if (INTEGERS.has(type)) return 'integer'
  if (type === BOOLEAN) return 'boolean'
  if (type === UUID) return 'uuid'
  if (type === TEXT || type === VARCHAR) return deterministic ? 'text' : 'other'
  return 'other'
}
