import { anyValue, isNumber, isText, type Kind, spell } from '../kinds.js'
import type { Conditions, Place, Subquery } from './conditions.js'

export interface Output {
  readonly name: string
  readonly kind: Kind
}

/** What an expression may be made of. */
export interface ExpressionMakers {
  readonly conditions: Conditions
  readonly subquery: Subquery
}

/** An output: a column, or something made of columns. */
export function expressionOf(place: Place, makers: ExpressionMakers): { readonly text: string; readonly kind: Kind } {
  const { c } = place
  const columns = place.sources.flatMap((source) => source.columns)
  const column = c.pick(columns)
  const { text, kind } = column
  const { conditions, subquery } = makers
  const deeper = place.depth > 0 ? 1 : 0
  return c.weighted<() => { readonly text: string; readonly kind: Kind }>([
    [20, () => column],
    [2, () => ({ text: `CASE WHEN ${conditions.condition(place, 0)} THEN ${text} END`, kind })],
    [2, () => ({ text: `coalesce(${text}, ${c.pick(columns.filter((other) => other.kind === kind)).text})`, kind })],
    [1, () => (isNumber(kind) ? { text: `${text} + 1`, kind } : { text: `${text}::text`, kind: 'text' })],
    [
      1,
      () =>
        isText(kind) ? { text: `upper(${text}) || '!'`, kind: 'text' } : { text: `${text} IS NULL`, kind: 'bool' },
    ],
    [1, () => ({ text: `(${conditions.condition(place, 1)})`, kind: 'bool' })],
    // The parameter stands before those of the conditions, and gives them its type.
    [1, () => ({ text: `(${text} = ${spell(kind, anyValue(kind, place.v), place.params, c)})`, kind: 'bool' })],
    [2 * deeper, () => ({ text: `EXISTS (${subquery(place, 'anything', undefined).sql})`, kind: 'bool' })],
    [2 * deeper, () => scalar(place, subquery)],
    [
      1 * deeper,
      () => ({
        text: `array_to_string(ARRAY(SELECT q::text COLLATE "C" FROM (${subquery(place, 'column', kind).sql}) AS q (q) ORDER BY 1), ',')`,
        kind: 'text',
      }),
    ],
  ])()
}

function scalar(place: Place, subquery: Subquery): { readonly text: string; readonly kind: Kind } {
  const inner = subquery(place, 'scalar', place.c.pick(['int', 'text'] as const))
  return { text: `(${inner.sql})`, kind: inner.kind }
}
