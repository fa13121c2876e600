/**
 * Reads as people and ORMs write them, in the forms where a small mistake in the rules would show: chance alone seldom
 * puts together a LEFT JOIN, an IS NULL on its far side and a row that ends it.
 */

import { anyValue, comparable, isNumber, isOrdered, isText, KINDS, type Kind, spell } from '../kinds.js'
import type { Place, Reach, SourceModel } from './conditions.js'
import type { ExpressionMakers } from './expressions.js'
import { pair, value } from './place.js'

function source({ schema, c, names }: Place, wanted?: (kind: Kind) => boolean): SourceModel {
  const fit = schema.tables.filter((table) => !wanted || table.columns.some(({ kind }) => wanted(kind)))
  const table = c.pick(fit.length > 0 ? fit : schema.tables)
  const alias = `i${names.next++}`
  const columns = table.columns.map(({ name, kind }) => ({ text: `${alias}.${name}`, name, kind }))
  return { alias, columns, table }
}

const fromOf = ({ alias, table }: SourceModel): string => `${table?.name} ${alias}`

const first = ({ columns }: SourceModel): string => (columns[0] as Reach).text

/** Rows by a column that changes by more than what a write's text says. */
export function followed(place: Place, makers: ExpressionMakers): string {
  const { c, schema } = place
  if (schema.followed.length === 0) return counted(place, makers)
  const one = c.pick(schema.followed)
  const table = schema.tables.find(({ name }) => name === one.table)
  const column = table?.columns.find(({ name }) => name === one.column)
  if (!table || !column) return counted(place, makers)
  const list = c.pick(['*', 'count(*)', one.column, c.pick(table.columns).name])
  const where = c.chance(30) ? `${one.column} IS NULL` : `${one.column} = ${value(place, column.kind)}`
  return `SELECT ${list} FROM ${one.table} WHERE ${where}`
}

/** What has no counterpart, or none of a kind. */
export function antiJoin(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b] = [source(place), source(place)]
  const on = pair(place, a, b)
  if (!on) return counted(place, makers)
  const far = c.pick(b.columns)
  const more = c.chance(40) ? ` AND ${makers.conditions.condition({ ...place, sources: [b] }, 0)}` : ''
  const also = c.chance(40) ? ` AND ${makers.conditions.condition({ ...place, sources: [a] }, 0)}` : ''
  const where = c.weighted<() => string>([
    [5, () => `${far.text} IS NULL`],
    [2, () => `(${far.text} IS NULL OR ${far.text} = ${value(place, far.kind)})`],
    [1, () => `coalesce(${far.text}::text, 'none') = 'none'`],
    [1, () => `NOT (${far.text} IS NOT NULL)`],
  ])()
  const join = c.weighted([
    [5, 'LEFT'],
    [2, 'FULL'],
    [1, 'RIGHT'],
  ])
  return `SELECT ${first(a)}, ${c.pick(a.columns).text} FROM ${fromOf(a)} ${join} JOIN ${fromOf(b)} ON ${on[0].text} = ${on[1].text}${more} WHERE ${where}${also}`
}

/** A constant that travels over two joins, inner or outer. */
export function chain(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b, d] = [source(place), source(place), source(place)]
  const one = pair(place, a, b)
  const two = pair(place, b, d)
  if (!one || !two) return counted(place, makers)
  const join = () => c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'JOIN'])
  const start = c.pick([...one, ...two])
  return (
    `SELECT ${c.pick(a.columns).text}, ${c.pick(b.columns).text}, ${c.pick(d.columns).text} FROM ${fromOf(a)} ` +
    `${join()} ${fromOf(b)} ON ${one[0].text} = ${one[1].text} ${join()} ${fromOf(d)} ON ${two[0].text} = ${two[1].text} ` +
    `WHERE ${start.text} = ${value(place, start.kind)}`
  )
}

/** Rows by a list of keys. */
export function batch(place: Place): string {
  const { c, v, params } = place
  const a = source(place)
  const by = c.pick(a.columns)
  const values = Array.from({ length: 1 + c.int(5) }, () => anyValue(by.kind, v))
  const list = c.chance(50)
    ? ` = ANY(${params.add(values)})`
    : ` IN (${values.map((one) => spell(by.kind, one, params, c)).join(', ')})`
  return `SELECT ${c.chance(50) ? '*' : c.pick(a.columns).text} FROM ${fromOf(a)} WHERE ${by.text}${list}`
}

/** A full join of which one side is told of. */
export function oneSided(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b] = [source(place), source(place)]
  const on = pair(place, a, b)
  if (!on) return counted(place, makers)
  const side = c.pick([a, b])
  const more = c.chance(50) ? ` AND ${makers.conditions.condition({ ...place, sources: [c.pick([a, b])] }, 0)}` : ''
  const join = c.pick(['FULL', 'LEFT', 'RIGHT'])
  return (
    `SELECT ${first(a)}, ${first(b)}, ${c.pick(b.columns).text} FROM ${fromOf(a)} ${join} JOIN ${fromOf(b)} ` +
    `ON ${on[0].text} = ${on[1].text}${more} WHERE ${makers.conditions.condition({ ...place, sources: [side] }, 1)}`
  )
}

/** The first few of each, by a lateral query. */
export function topOfEach(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b] = [source(place), source(place)]
  const on = pair(place, a, b)
  if (!on) return counted(place, makers)
  const by = b.columns.filter(({ kind }) => isOrdered(kind)).map(({ text }) => text)
  const inner = `SELECT ${by.join(', ')} FROM ${fromOf(b)} WHERE ${on[1].text} = ${on[0].text} ORDER BY ${by.join(', ')} LIMIT ${c.pick(['1', '2'])}`
  const key = c.pick(a.columns)
  return `SELECT ${first(a)}, l.* FROM ${fromOf(a)} LEFT JOIN LATERAL (${inner}) AS l ON true WHERE ${key.text} = ${value(place, key.kind)}`
}

/** Rows with a count of what belongs to each. */
export function counted(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b] = [source(place), source(place)]
  const on = pair(place, a, b) ?? [c.pick(a.columns), c.pick(a.columns)]
  const key = c.pick(a.columns)
  const only = c.chance(50) ? ` AND ${makers.conditions.condition({ ...place, sources: [b] }, 0)}` : ''
  return (
    `SELECT ${first(a)}, (SELECT count(*) FROM ${fromOf(b)} WHERE ${on[1].text} = ${on[0].text}${only}) AS n ` +
    `FROM ${fromOf(a)} WHERE ${key.text} = ${value(place, key.kind)}`
  )
}

/** EXISTS, IN and their opposites, beside or instead of another condition. */
export function membership(place: Place, makers: ExpressionMakers): string {
  const { c } = place
  const [a, b] = [source(place), source(place)]
  const on = pair(place, a, b)
  if (!on) return counted(place, makers)
  const only = c.chance(60) ? makers.conditions.condition({ ...place, sources: [b] }, 0) : 'true'
  const test = c.chance(50)
    ? `${c.pick(['', 'NOT '])}EXISTS (SELECT 1 FROM ${fromOf(b)} WHERE ${on[1].text} = ${on[0].text} AND ${only})`
    : `${on[0].text} ${c.pick(['IN', 'NOT IN'])} (SELECT ${on[1].text} FROM ${fromOf(b)} WHERE ${only})`
  const beside = c.weighted([
    [2, ''],
    [1, 'AND'],
    [3, 'OR'],
  ])
  const other = beside === '' ? undefined : makers.conditions.condition({ ...place, sources: [a] }, 0)
  const where = other === undefined ? test : `(${(c.chance(50) ? [test, other] : [other, test]).join(` ${beside} `)})`
  return `SELECT ${first(a)}, ${c.pick(a.columns).text} FROM ${fromOf(a)} WHERE ${where}`
}

/** One parameter in two places, of which the first decides its type. */
export function reused(place: Place): string {
  const { c, v, params } = place
  const a = source(place, c.chance(50) ? isNumber : isText)
  const [one, two] = [c.pick(a.columns), c.pick(a.columns)]
  const both = comparable(one.kind, two.kind)
  const name = params.add(anyValue(c.pick([one.kind, two.kind]), v))
  const second = both ? name : value(place, two.kind)
  return `SELECT ${first(a)} FROM ${fromOf(a)} WHERE ${one.text} ${c.pick(['=', '<=', '>='])} ${name}${c.chance(20) ? `::${KINDS[one.kind].type}` : ''} ${c.pick(['AND', 'OR'])} ${two.text} = ${second}`
}
