import { anyValue, KINDS, type Kind, literal } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { insertOf, kindOf, settable, type TableModel } from '../schema/model.js'
import { value } from './row-writes.js'

/** Writes of one row, mostly of one column: what makes a row meet a condition, or no longer. */
export function flip(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const id = kindOf(table, 'id')
  const by = () => `id = ${value(place, id)}`
  return c.weighted<() => string>([
    [10, () => `${set(place, table)} WHERE ${by()}`],
    [2, () => `DELETE FROM ${table.name} WHERE ${by()}`],
    [3, () => insertOf(c, table)],
    [1, () => insertOf(c, table, c.int(6))],
  ])()
}

/** From one of the two usual values to the other: always a change. */
function toggled(name: string, kind: Kind): string {
  const [one, other] = KINDS[kind].values.slice(0, 2).map((text) => literal(kind, text))
  return `CASE WHEN ${name} = ${one} THEN ${other} ELSE ${one} END`
}

function set(place: Place, table: TableModel): string {
  const { c } = place
  const free = settable(table).filter(({ name }) => name !== 'id' || c.chance(25))
  const column = c.pick(free.length > 0 ? free : settable(table))
  const { name, kind } = column
  const to = c.weighted<() => string>([
    [6, () => value(place, kind)],
    [column.notNull ? 0 : 3, () => 'NULL'],
    [column.notNull ? 0 : 2, () => `CASE WHEN ${name} IS NULL THEN ${literal(kind, anyValue(kind, c))} END`],
    [kind === 'bool' ? 5 : 0, () => `NOT ${name}`],
    [kind === 'jsonb' ? 0 : 7, () => toggled(name, kind)],
  ])()
  return `UPDATE ${table.name} SET ${name} = ${to}`
}
