import type { Place } from './conditions.js'
import { aliased, loose, type Sql, value } from './place.js'
import { conditions, filter } from './queries.js'

/** Rows of one table by one column, as most finds of an application are. */
export function plain(place: Place): Sql {
  const { c, schema } = place
  const own = aliased(place, c.pick(schema.tables))
  const by = c.pick(own.columns)
  const list = c.pick([
    '*',
    'count(*)',
    c.pick(own.columns).text,
    `${c.pick(own.columns).text}, ${c.pick(own.columns).text}`,
  ])
  const test = c.weighted<() => string>([
    [6, () => `${by.text} = ${value(place, by.kind)}`],
    [3, () => `${by.text} IS NULL`],
    [1, () => `${by.text} IS NOT NULL`],
    [by.kind === 'bool' ? 4 : 0, () => c.pick([by.text, `NOT ${by.text}`, `${by.text} IS NOT TRUE`])],
  ])()
  const more = c.chance(25) ? ` AND ${conditions.condition({ ...place, sources: [own] }, 0)}` : ''
  return loose(`SELECT ${list} FROM ${own.sql} WHERE ${test}${more}`)
}

/** Through views, and what is read from them beside tables. */
export function throughView(place: Place): Sql {
  const { c, schema } = place
  const all = [...schema.views, ...schema.relations]
  if (all.length === 0) return plain(place)
  const own = aliased(place, c.pick(all))
  const inside: Place = { ...place, sources: [own] }
  const list = c.pick(['*', 'count(*)', c.pick(own.columns).text])
  return loose(`SELECT ${list} FROM ${own.sql}${filter(inside, undefined, c.chance(70))}`)
}

/** Functions of the schema's own that read tables. */
export function called(place: Place): Sql {
  const { c, schema } = place
  if (schema.readers.length === 0) return plain(place)
  const own = aliased(place, c.pick(schema.tables))
  const call = c.pick(schema.readers)
  return c.pick([loose(`SELECT ${call}`), loose(`SELECT ${own.columns[0]?.text} FROM ${own.sql} WHERE ${call} = 2`)])
}
