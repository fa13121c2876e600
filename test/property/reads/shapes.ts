import { anyValue, isNumber, isOrdered, literal } from '../kinds.js'
import type { Place, Reach, SourceModel } from './conditions.js'
import { conditions, filter, makers } from './queries.js'
import { from } from './sources.js'

/** Aggregates, with or without groups. */
export function grouped(place: Place): string {
  const { c } = place
  const joined = from(
    place,
    c.weighted([
      [6, 1],
      [3, 2],
    ]),
    makers,
  )
  const inside: Place = { ...place, sources: joined.sources }
  const columns = joined.sources.flatMap((source) => source.columns)
  const keys = c.chance(55)
    ? c.some(
        columns.filter(({ kind }) => isOrdered(kind)),
        1,
        2,
      )
    : []
  const list = [
    ...keys.map(({ text }) => text),
    ...Array.from({ length: 1 + c.int(3) }, () => aggregate(inside, columns)),
  ]
  const having = c.chance(45) ? ` HAVING ${c.chance(25) ? 'count(*) > 1' : `${compared(inside, columns)}`}` : ''
  const by = keys.length === 0 ? '' : ` GROUP BY ${keys.map(({ text }) => text).join(', ')}`
  return `SELECT ${list.join(', ')} FROM ${joined.sql}${filter(inside, joined.where, c.chance(75))}${by}${having}`
}

function aggregate(place: Place, columns: readonly Reach[]): string {
  const { c } = place
  const { text, kind } = c.pick(columns)
  const only = c.chance(15) ? ` FILTER (WHERE ${conditions.condition(place, 0)})` : ''
  const options = ['count(*)', 'count(*)', `count(${text})`]
  if (isOrdered(kind)) options.push(`count(DISTINCT ${text})`, `array_agg(${text} ORDER BY ${text})`)
  if (isNumber(kind) && kind !== 'real') options.push(`sum(${text})`, `avg(${text})`)
  if (kind === 'int' || kind === 'text' || kind === 'date') options.push(`min(${text})`, `max(${text})`)
  if (kind === 'bool') options.push(`bool_and(${text})`, `bool_or(${text})`)
  if (kind === 'text') options.push(`string_agg(${text}, ',' ORDER BY ${text})`)
  return `${c.pick(options)}${only}`
}

/** Functions over windows, such that rows of the same rank are no matter. */
export function windowed(place: Place): string {
  const { c } = place
  const joined = from(
    place,
    c.weighted([
      [3, 1],
      [1, 2],
    ]),
    makers,
  )
  const inside: Place = { ...place, sources: joined.sources }
  const columns = joined.sources.flatMap((source) => source.columns).filter(({ kind }) => isOrdered(kind))
  if (columns.length === 0) return `SELECT 1 FROM ${joined.sql}${filter(inside, joined.where, true)}`
  const over = `(${c.chance(60) ? `PARTITION BY ${c.pick(columns).text} ` : ''}ORDER BY ${c.pick(columns).text})`
  const call = c.pick([
    `rank() OVER ${over}`,
    `count(*) OVER ${over}`,
    `dense_rank() OVER ${over}`,
    `max(${c.pick(columns).text}::text) OVER ${over}`,
    `count(*) FILTER (WHERE ${conditions.condition(inside, 0)}) OVER ${over}`,
  ])
  const list = `${c.pick(columns).text}, ${call} AS r`
  const inner = `SELECT ${list} FROM ${joined.sql}${filter(inside, joined.where, c.chance(60))}`
  return c.chance(35) ? `SELECT * FROM (${inner}) AS q WHERE q.r = 1` : inner
}

export function distinctOn(place: Place): { readonly sql: string; readonly ordered: boolean } {
  const { c } = place
  const { sql, sources } = from(place, 1, makers)
  const inside: Place = { ...place, sources }
  const columns = (sources[0] as SourceModel).columns.filter(({ kind }) => isOrdered(kind))
  if (columns.length === 0) return { sql: `SELECT 1 FROM ${sql}`, ordered: false }
  const first = c.pick(columns)
  const rest = columns.filter((column) => column !== first).map(({ text }) => text)
  const order = [first.text, ...rest].join(', ')
  return {
    sql: `SELECT DISTINCT ON (${first.text}) ${order} FROM ${sql}${filter(inside, undefined, c.chance(60))} ORDER BY ${order}`,
    ordered: true,
  }
}

/** What ORMs ask to know whether something is there, and how much. */
export function probe(place: Place): string {
  const { c } = place
  const { sql, sources } = from(place, 1, makers)
  const inside: Place = { ...place, sources }
  const where = filter(inside, undefined, c.chance(80))
  return c.pick([
    `SELECT EXISTS (SELECT 1 FROM ${sql}${where})`,
    `SELECT 1 AS one FROM ${sql}${where} LIMIT 1`,
    `SELECT count(*) FROM (SELECT 1 FROM ${sql}${where} LIMIT 3) AS q`,
    `SELECT count(*)::int AS n FROM ${sql}${where}`,
  ])
}

/** An aggregate and a value. */
function compared(place: Place, columns: readonly Reach[]): string {
  const { c, v } = place
  const fit = columns.filter(({ kind }) => kind === 'int' || kind === 'text')
  if (fit.length === 0) return `${aggregate(place, columns)} IS NOT NULL`
  const { text, kind } = c.pick(fit)
  return `${c.pick(['min', 'max'])}(${text}) = ${literal(kind, anyValue(kind, v))}`
}

/** In an order that the outputs do not show. */
export function sorted(place: Place): { readonly sql: string; readonly ordered: boolean } {
  const { c } = place
  const { sql, sources } = from(place, 1, makers)
  const inside: Place = { ...place, sources }
  const { columns } = sources[0] as SourceModel
  if (!columns.every(({ kind }) => isOrdered(kind))) return { sql: `SELECT 1 FROM ${sql}`, ordered: false }
  const first = c.pick(columns)
  const order = [first, ...columns.filter((column) => column !== first)].map(({ text }) => text).join(', ')
  const end = c.chance(75) ? ` LIMIT ${c.pick(['1', '2'])}` : ''
  return {
    sql: `SELECT ${c.pick(columns).text} FROM ${sql}${filter(inside, undefined, c.chance(50))} ORDER BY ${order}${end}`,
    ordered: true,
  }
}
