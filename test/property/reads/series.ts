import { anyValue, literal } from '../kinds.js'
import type { Place, Reach } from './conditions.js'
import { aliased, loose, type Sql } from './place.js'
import { conditions, filter } from './queries.js'

/** Functions that give rows, in FROM and in the list. */
export function series(place: Place): Sql {
  const { c, v, schema, params } = place
  const own = aliased(place, c.pick(schema.tables))
  const inside: Place = { ...place, sources: [own] }
  const of = (kind: string) => own.columns.find((column) => column.kind === kind)
  const [number, list, json] = [of('int'), of('ints'), of('jsonb')]
  const first = own.columns[0] as Reach
  const where = () => filter(inside, undefined, c.chance(70))
  const join = c.pick(['JOIN', 'LEFT JOIN'])
  const more = () => (c.chance(40) ? ` AND ${conditions.condition(inside, 0)}` : '')
  const values = () => `ARRAY[${[0, 1].map(() => literal('int', anyValue('int', v))).join(', ')}]`
  return c.weighted<() => Sql>([
    [
      number ? 4 : 0,
      () =>
        loose(
          `SELECT g.n, ${c.pick(own.columns).text} FROM generate_series(0, 3) AS g (n) ${join} ${own.sql} ON ${number?.text} = g.n${more()}`,
        ),
    ],
    [
      number ? 3 : 0,
      () => loose(`SELECT ${first.text}, g FROM ${own.sql}, generate_series(1, ${number?.text}) AS g${where()}`),
    ],
    [
      number ? 3 : 0,
      () =>
        loose(
          `SELECT ${c.pick(own.columns).text} FROM unnest(${c.chance(50) ? `${params.add([1, 2])}::int[]` : values()}) AS u (x) ${join} ${own.sql} ON ${number?.text} = u.x${more()}`,
        ),
    ],
    [
      list ? 6 : 0,
      () =>
        loose(
          `SELECT ${first.text}, u.* FROM ${own.sql} ${join} LATERAL unnest(${list?.text}) WITH ORDINALITY AS u (x, n) ON true${where()}`,
        ),
    ],
    [list ? 3 : 0, () => loose(`SELECT ${first.text} FROM ${own.sql} WHERE 1 = ANY (${list?.text})${more()}`)],
    [list ? 2 : 0, () => loose(`SELECT ${first.text}, unnest(${list?.text}) FROM ${own.sql}${where()}`)],
    [
      json ? 6 : 0,
      () =>
        loose(
          `SELECT ${first.text}, e.* FROM ${own.sql}, jsonb_array_elements(CASE jsonb_typeof(${json?.text}) WHEN 'array' THEN ${json?.text} ELSE '[]' END) AS e (x)${where()}`,
        ),
    ],
    [
      1,
      () =>
        loose(
          `SELECT r.x, ${c.pick(own.columns).text} FROM jsonb_to_recordset('[{"x": 1}, {"x": 2}]') AS r (x integer) LEFT JOIN ${own.sql} ON ${first.text}::text = r.x::text`,
        ),
    ],
    [
      1,
      () =>
        loose(
          `SELECT e.key, e.value, ${first.text} FROM ${own.sql}, jsonb_each_text(to_jsonb(${own.alias})) AS e${where()}`,
        ),
    ],
  ])()
}
