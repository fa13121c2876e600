import { anyValue, KINDS, literal } from '../kinds.js'
import type { Place } from './conditions.js'
import { aliased, loose, type Sql, value } from './place.js'
import { conditions, filter } from './queries.js'

/** VALUES, by itself, in FROM, and behind IN; TABLE; rows compared as one. */
export function lists(place: Place): Sql {
  const { c, v, schema } = place
  const own = aliased(place, c.pick(schema.tables))
  const inside: Place = { ...place, sources: [own] }
  const by = c.pick(own.columns)
  const cell = () => `${literal(by.kind, anyValue(by.kind, v))}::${KINDS[by.kind].type}`
  const rows = (count: number) => Array.from({ length: count }, (_, index) => `(${cell()}, ${index})`).join(', ')
  const only = c.chance(40) ? ` AND ${conditions.condition(inside, 0)}` : ''
  return c.weighted<() => Sql>([
    [
      3,
      () =>
        loose(
          `SELECT l.n, ${c.pick(own.columns).text} FROM (VALUES ${rows(1 + c.int(3))}) AS l (x, n) ${c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} ${own.sql} ON ${by.text} = l.x${c.chance(30) ? ' AND true' : only}`,
        ),
    ],
    [
      2,
      () =>
        loose(
          `SELECT ${c.pick(own.columns).text} FROM ${own.sql} WHERE ${by.text} IN (VALUES (${cell()}), (${cell()}))${only}`,
        ),
    ],
    [
      1,
      () => loose(`VALUES (1, (SELECT count(*) FROM ${own.sql} WHERE ${by.text} = ${value(place, by.kind)})), (2, 0)`),
    ],
    [1, () => loose(`TABLE ${c.pick(schema.tables).name}`)],
    [1, () => loose(`SELECT * FROM ${own.sql} TABLESAMPLE BERNOULLI (100)${filter(inside, undefined, true)}`)],
    [3, () => asRows(place)],
  ])()
}

/** `(a, b) IN (…)` and its like. */
function asRows(place: Place): Sql {
  const { c, schema } = place
  const own = aliased(place, c.pick(schema.tables))
  const other = aliased(place, c.pick(schema.tables))
  const inside: Place = { ...place, sources: [own] }
  const [a, b] = [c.pick(own.columns), c.pick(own.columns)]
  const both = () => `(${value(place, a.kind)}, ${value(place, b.kind)})`
  const [x, y] = [other.columns.find(({ kind }) => kind === a.kind), other.columns.find(({ kind }) => kind === b.kind)]
  const left = `(${a.text}, ${b.text})`
  const test = c.weighted<() => string>([
    [4, () => `${left} IN (${Array.from({ length: 1 + c.int(3) }, both).join(', ')})`],
    [2, () => `${left} = ${both()}`],
    [1, () => `ROW${left} IS NOT DISTINCT FROM ROW${both()}`],
    [1, () => `${left} NOT IN (${both()}, ${both()})`],
    [1, () => `${left} >= ${both()}`],
    [
      x && y ? 3 : 0,
      () =>
        `${left} IN (SELECT ${x?.text}, ${y?.text} FROM ${other.sql}${filter({ ...place, depth: 0, sources: [other] }, undefined, true)})`,
    ],
    [x && y ? 1 : 0, () => `${left} = (SELECT ${x?.text}, ${y?.text} FROM ${other.sql} ORDER BY 1, 2 LIMIT 1)`],
  ])()
  const more = c.chance(30) ? ` ${c.pick(['AND', 'OR'])} ${conditions.condition(inside, 0)}` : ''
  return loose(`SELECT ${c.pick(['*', 'count(*)', c.pick(own.columns).text])} FROM ${own.sql} WHERE ${test}${more}`)
}
