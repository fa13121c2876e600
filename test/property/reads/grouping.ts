import { isOrdered } from '../kinds.js'
import type { Place } from './conditions.js'
import { aliased, loose, type Sql } from './place.js'
import { filter } from './queries.js'

/** ROLLUP, CUBE, GROUPING SETS: groups of groups, of which some are there without any row. */
export function groupingSets(place: Place): Sql {
  const { c, schema } = place
  const own = aliased(place, c.pick(schema.tables))
  const columns = own.columns.filter(({ kind }) => isOrdered(kind))
  const [a, b] = [c.pick(columns), c.pick(columns)]
  if (!a || !b || a === b) return loose(`SELECT count(*) FROM ${own.sql}`)
  const inside: Place = { ...place, sources: [own] }
  const by = c.pick([
    `ROLLUP (${a.text}, ${b.text})`,
    `CUBE (${a.text}, ${b.text})`,
    `GROUPING SETS ((${a.text}), (${b.text}), ())`,
    `GROUPING SETS ((${a.text}, ${b.text}), ())`,
    `${a.text}, ROLLUP (${b.text})`,
  ])
  const having = c.chance(25)
    ? ` HAVING ${c.pick([`grouping(${a.text}) = 1`, 'count(*) > 1', `${a.text} IS NULL`])}`
    : ''
  const list = `${a.text}, ${b.text}, count(*)${c.chance(40) ? `, grouping(${a.text}, ${b.text})` : ''}`
  return loose(`SELECT ${list} FROM ${own.sql}${filter(inside, undefined, c.chance(60))} GROUP BY ${by}${having}`)
}
