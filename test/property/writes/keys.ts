import { isNumber, KINDS, type Kind } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { kindOf, type TableModel } from '../schema/model.js'
import { target, update, value } from './row-writes.js'

/** What foreign keys follow: a key that moves or goes, and a row that refers to another. */
export function alongKey(place: Place): string {
  const { c, schema } = place
  if (schema.references.length === 0) return update(place, target(place))
  const { child, column, parent, to } = c.pick(schema.references)
  const kind = (name: string, of: string) => kindOf(schema.tables.find((one) => one.name === name) as TableModel, of)
  const key = () => value(place, kind(parent, to))
  return c.weighted<() => string>([
    [8, () => `UPDATE ${parent} SET ${to} = ${elsewhere(to, kind(parent, to)) ?? key()} WHERE ${to} = ${key()}`],
    [2, () => `UPDATE ${parent} SET ${to} = ${key()} WHERE ${to} = ${key()}`],
    [4, () => `DELETE FROM ${parent} WHERE ${to} = ${key()}`],
    [
      5,
      () =>
        `UPDATE ${child} SET ${column} = ${value(place, kind(child, column))} WHERE id = ${value(place, kind(child, 'id'))}`,
    ],
    [
      2,
      () =>
        `INSERT INTO ${parent} (${to === 'id' ? 'id' : `id, ${to}`}) VALUES (${[...(to === 'id' ? [] : [value(place, kind(parent, 'id'))]), key()].join(', ')}) ON CONFLICT (${to}) DO UPDATE SET ${to} = ${key()}`,
    ],
    [
      1,
      () =>
        `UPDATE ${child} SET ${column} = (SELECT min(${to}::text)::${KINDS[kind(child, column)].type} FROM ${parent})`,
    ],
  ])()
}

/** A key to a place that nobody has, and back from there. */
function elsewhere(name: string, kind: Kind): string | undefined {
  if (isNumber(kind)) return `CASE WHEN ${name} > 9 THEN ${name} - 10 ELSE ${name} + 10 END`
  if (kind === 'text') return `CASE WHEN ${name} LIKE '%zz' THEN left(${name}, -2) ELSE ${name} || 'zz' END`
  return undefined
}
