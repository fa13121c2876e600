import type { TableModel } from '../schema/model.js'
import type { Place, SourceModel } from './conditions.js'
import { aliased, loose, related, type Sql, value } from './place.js'
import { conditions } from './queries.js'

/** Rows with what belongs to them as JSON, in one statement, as Prisma, Drizzle and Kysely build them. */
export function relational(place: Place): Sql {
  const { c } = place
  const found = related(place)
  if (!found) return loose('SELECT 1')
  return c.pick([kysely, drizzle, prisma, single, nested])(place, found)
}

type Related = Exclude<ReturnType<typeof related>, undefined>

const at = ({ alias }: SourceModel, name: string) => `${alias}.${name}`

/** Columns in which equal values look alike, so that an order by all of them is total. */
const shown = (table: TableModel) => table.columns.filter(({ kind }) => kind !== 'nocase' && kind !== 'jsonb')

function filtered(place: Place, source: SourceModel): string {
  const { c } = place
  const column = c.pick(source.columns)
  return c.chance(70) ? ` WHERE ${column.text} = ${value(place, column.kind)}` : ''
}

const also = (place: Place, source: SourceModel): string =>
  place.c.chance(35) ? ` AND ${conditions.condition({ ...place, sources: [source] }, 0)}` : ''

/** `jsonArrayFrom`: an aggregate in the list. */
function kysely(place: Place, { one, many, on }: Related): Sql {
  const [a, b] = [aliased(place, one), aliased(place, many)]
  const columns = shown(many).map(({ name }) => at(b, name))
  const limit = place.c.chance(30) ? ' LIMIT 2' : ''
  const inner = `SELECT ${columns.join(', ')} FROM ${b.sql} WHERE ${at(b, on[1])} = ${at(a, on[0])}${also(place, b)} ORDER BY ${columns.join(', ')}${limit}`
  return loose(
    `SELECT ${at(a, 'id')}, (SELECT coalesce(json_agg(agg), '[]') FROM (${inner}) AS agg) AS kids FROM ${a.sql}${filtered(place, a)}`,
  )
}

/** A lateral join for each relation. */
function drizzle(place: Place, { one, many, on }: Related): Sql {
  const { c } = place
  const [a, b] = [aliased(place, one), aliased(place, many)]
  const columns = shown(many).map(({ name }) => `t.${name}`)
  const inner = `SELECT * FROM ${b.sql} WHERE ${at(b, on[1])} = ${at(a, on[0])}${also(place, b)} ORDER BY ${shown(many)
    .map(({ name }) => at(b, name))
    .join(', ')}${c.chance(40) ? ' LIMIT 1' : ''}`
  return loose(
    `SELECT ${at(a, 'id')}, k.data AS kids FROM ${a.sql} LEFT JOIN LATERAL ` +
      `(SELECT coalesce(json_agg(json_build_array(${columns.join(', ')}) ORDER BY ${columns.join(', ')}), '[]'::json) AS data FROM (${inner}) AS t) AS k ON true${filtered(place, a)}`,
  )
}

/** Objects built inside lateral queries inside lateral queries. */
function prisma(place: Place, { one, many, on }: Related): Sql {
  const [a, b] = [aliased(place, one), aliased(place, many)]
  const pairs = shown(many).map(({ name }) => `'${name}', ${at(b, name)}`)
  return loose(
    `SELECT ${at(a, 'id')}, j."__data__" AS kids FROM ${a.sql} LEFT JOIN LATERAL (SELECT COALESCE(JSONB_AGG(q."__data__" ORDER BY q."__data__"), '[]') AS "__data__" ` +
      `FROM (SELECT r."__data__" FROM (SELECT JSONB_BUILD_OBJECT(${pairs.join(', ')}) AS "__data__" FROM (SELECT ${b.alias}.* FROM ${many.name} AS ${b.alias} ` +
      `WHERE ${at(a, on[0])} = ${at(b, on[1])}${also(place, b)}) AS ${b.alias}) AS r) AS q) AS j ON true${filtered(place, a)}`,
  )
}

/** `jsonObjectFrom`: the one that a row belongs to. */
function single(place: Place, { one, many, on }: Related): Sql {
  const [a, b] = [aliased(place, one), aliased(place, many)]
  const order = shown(one).map(({ name }) => at(a, name))
  const inner = `SELECT ${order.join(', ')} FROM ${a.sql} WHERE ${at(a, on[0])} = ${at(b, on[1])}${also(place, a)} ORDER BY ${order.join(', ')} LIMIT 1`
  return loose(
    `SELECT ${at(b, 'id')}, (SELECT to_json(obj) FROM (${inner}) AS obj) AS parent FROM ${b.sql}${filtered(place, b)}`,
  )
}

/** Two levels, with a count on the way. */
function nested(place: Place, { one, many, on }: Related): Sql {
  const { schema, c } = place
  const deeper = schema.references.filter(({ parent }) => parent === many.name)
  const next = c.pick(deeper)
  const third = next && schema.tables.find(({ name }) => name === next.child)
  if (!next || !third) return kysely(place, { one, many, on })
  const [a, b, d] = [aliased(place, one), aliased(place, many), aliased(place, third)]
  const innermost = `(SELECT count(*) FROM ${d.sql} WHERE ${at(d, next.column)} = ${at(b, next.to)}${also(place, d)})`
  return loose(
    `SELECT ${at(a, 'id')}, (SELECT jsonb_agg(jsonb_build_object('id', ${at(b, 'id')}, 'n', ${innermost}) ORDER BY ${at(b, 'id')}, ${innermost}) ` +
      `FROM ${b.sql} WHERE ${at(b, on[1])} = ${at(a, on[0])}${also(place, b)}) AS kids FROM ${a.sql}${filtered(place, a)}`,
  )
}
