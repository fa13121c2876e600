import type { Choices } from '../choices.js'
import { comparable, isOrdered, isTotal, KINDS, type Kind } from '../kinds.js'
import { Conditions, type Place, type Reach, type Subquery } from './conditions.js'
import { expressionOf, type Output } from './expressions.js'
import type { Sql } from './place.js'
import { from } from './sources.js'

export interface Select {
  readonly sql: string
  readonly outputs: readonly Output[]
}

/** ORDER BY every output makes the order total; only then LIMIT says which rows. */
export function arranged(place: Place, { sql, outputs }: Select): Sql {
  const { c } = place
  if (outputs.length === 0 || !outputs.every(({ kind }) => isTotal(kind)) || !c.chance(35))
    return { sql, ordered: false }
  return { sql: `${sql} ORDER BY ${order(c, outputs.length)}${c.chance(60) ? limit(place) : ''}`, ordered: true }
}

function order(c: Choices, count: number): string {
  return Array.from({ length: count }, (_, index) => `${index + 1}${c.pick(['', ' DESC', ' NULLS FIRST', ''])}`).join(
    ', ',
  )
}

function limit({ c, params }: Place): string {
  const count = c.pick(['1', '2', '3'])
  const words = c.weighted<() => string>([
    [4, () => ` LIMIT ${count}`],
    [2, () => ` LIMIT ${params.add(Number(count))}`],
    [1, () => ` FETCH FIRST ${count} ROWS ONLY`],
  ])()
  return `${words}${c.chance(25) ? ' OFFSET 1' : ''}`
}

export interface Wanted {
  /** `*`, `t.*` and whole rows may come. */
  readonly stars?: boolean
  /** The kinds of the outputs, one for one. */
  readonly kinds?: readonly Kind[]
  /** At least two sources. */
  readonly mixed?: boolean
  /** How many sources at most. */
  readonly sources?: number
}

/** SELECT … FROM … WHERE …, without an order. */
export function select(place: Place, wanted: Wanted = {}): Select {
  const { c } = place
  const count = Math.min(
    wanted.sources ?? 3,
    c.weighted([
      [wanted.mixed ? 0 : 9, 1],
      [8, 2],
      [2, 3],
    ]),
  )
  const joined = from(place, count, makers)
  const inside: Place = { ...place, sources: joined.sources }
  const list = targets(inside, wanted)
  const where = filter(inside, joined.where, c.chance(82))
  return {
    sql: `SELECT ${c.chance(10) && list.outputs.length > 0 && list.outputs.every(({ kind }) => isTotal(kind)) ? 'DISTINCT ' : ''}${list.sql} FROM ${joined.sql}${where}`,
    outputs: list.outputs,
  }
}

export function filter(place: Place, joins: string | undefined, conditions: boolean): string {
  const parts = [...(joins === undefined ? [] : [joins]), ...(conditions ? [conditionsOf(place)] : [])]
  return parts.length > 0 ? ` WHERE ${parts.join(' AND ')}` : ''
}

/** One condition, or several side by side, as people write them. */
function conditionsOf(place: Place): string {
  const count = place.c.weighted([
    [20, 1],
    [4, 2],
    [1, 3],
  ])
  return Array.from({ length: count }, () => conditions.condition(place, place.c.int(3))).join(' AND ')
}

function targets(place: Place, wanted: Wanted): Select {
  const { c, sources } = place
  if (wanted.kinds) {
    const made = wanted.kinds.map((kind) => outputOf(place, kind))
    return { sql: made.map(({ text }, index) => `${text} AS o${index}`).join(', '), outputs: named(made) }
  }
  if (wanted.stars && c.chance(25)) {
    const source = c.pick(sources)
    const all = sources.length === 1 ? source.columns : []
    if (sources.length === 1 && c.chance(60))
      return { sql: '*', outputs: all.map(({ name, kind }) => ({ name, kind })) }
    if (c.chance(50))
      return { sql: `${source.alias}.*`, outputs: source.columns.map(({ name, kind }) => ({ name, kind })) }
    // A whole row sorts only where all its columns do.
    return {
      sql: source.alias,
      outputs: source.columns.every(({ kind }) => isOrdered(kind)) ? [{ name: source.alias, kind: 'text' }] : [],
    }
  }
  const made = Array.from({ length: 1 + c.int(4) }, () => expressionOf(place, makers))
  if (wanted.stars && c.chance(50)) return { sql: made.map(({ text }) => text).join(', '), outputs: named(made) }
  return { sql: made.map(({ text }, index) => `${text} AS o${index}`).join(', '), outputs: named(made) }
}

const named = (made: readonly { readonly kind: Kind }[]): readonly Output[] =>
  made.map(({ kind }, index) => ({ name: `o${index}`, kind }))

function outputOf(place: Place, kind: Kind): { readonly text: string; readonly kind: Kind } {
  const fit = place.sources.flatMap((source) => source.columns).filter((column) => column.kind === kind)
  return fit.length > 0 ? { text: place.c.pick(fit).text, kind } : { text: `NULL::${KINDS[kind].type}`, kind }
}

/** Branches with the same kinds. Each is in parentheses, so that it may have an order and a limit of its own. */
export function setOperation(place: Place, wanted: Wanted = {}): Select {
  const { c } = place
  const left = select(place, { ...wanted, sources: 2 })
  if (left.outputs.length === 0) return left
  const kinds = left.outputs.map(({ kind }) => kind)
  const ordered = kinds.every(isOrdered)
  const branch = (made: Select): string =>
    ordered && c.chance(25) ? `(${made.sql} ORDER BY ${order(c, made.outputs.length)}${limit(place)})` : `(${made.sql})`
  const operator = kinds.every(isTotal)
    ? c.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT', 'EXCEPT ALL'])
    : 'UNION ALL'
  const right = select(place, { kinds, sources: 2 })
  return { sql: `${branch(left)} ${operator} ${branch(right)}`, outputs: left.outputs }
}

export function withCtes(place: Place): Sql {
  const { c } = place
  const ctes: { name: string; columns: Reach[] }[] = []
  const texts: string[] = []
  for (let index = 0; index < 1 + c.int(2); index++) {
    const made = derived({ ...place, ctes: [...ctes] })
    const name = `w${index}`
    const renamed = c.chance(25)
    const outputs = made.outputs.map(({ name: own, kind }, at) => ({ name: renamed ? `n${at}` : own, kind }))
    const names = renamed ? ` (${outputs.map((output) => output.name).join(', ')})` : ''
    texts.push(`${name}${names} AS ${c.pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}(${made.sql})`)
    ctes.push({ name, columns: outputs.map((output) => ({ text: '', name: output.name, kind: output.kind })) })
  }
  const body = select({ ...place, ctes }, c.chance(50) ? { mixed: true } : {})
  const { sql, ordered } = arranged(place, body)
  return { sql: `WITH ${texts.join(', ')} ${sql}`, ordered }
}

/** A subquery whose outputs have names: for FROM and for CTEs. */
function derived(place: Place, wanted: Wanted = {}): Select {
  const { c } = place
  const inner = { ...place, depth: Math.max(0, place.depth - 1) }
  const made = c.chance(18) ? setOperation(inner, wanted) : select(inner, { ...wanted, sources: 2 })
  if (made.outputs.length > 0 && made.outputs.every(({ kind }) => isTotal(kind)) && c.chance(25)) {
    return { sql: `${made.sql} ORDER BY ${order(c, made.outputs.length)}${limit(place)}`, outputs: made.outputs }
  }
  return made
}

const subquery: Subquery = (place, want, kind) => {
  const { c } = place
  const inner: Place = { ...place, outer: place, sources: [], depth: place.depth - 1 }
  const joined = from(
    inner,
    c.weighted([
      [5, 1],
      [2, 2],
    ]),
    makers,
  )
  const inside: Place = { ...inner, sources: joined.sources }
  const columns = joined.sources.flatMap((source) => source.columns)
  const tail = ` FROM ${joined.sql}${filter(inside, joined.where, c.chance(85))}`
  if (want === 'anything') return { sql: `SELECT ${c.pick(['1', '*', c.pick(columns).text])}${tail}`, kind: 'int' }
  const fit = columns.filter((column) => kind !== undefined && comparable(column.kind, kind))
  const column = fit.length > 0 ? c.pick(fit) : c.pick(columns)
  if (want === 'column') {
    const end = c.weighted([
      [6, ''],
      [1, ' ORDER BY 1 LIMIT 2'],
      [1, ' GROUP BY 1'],
    ])
    return { sql: `SELECT ${column.text}${tail}${isOrdered(column.kind) ? end : ''}`, kind: column.kind }
  }
  if (c.chance(25)) return { sql: `SELECT count(*)${tail}`, kind: 'bigint' }
  if (column.kind === 'int' || column.kind === 'text')
    return { sql: `SELECT ${c.pick(['max', 'min'])}(${column.text})${tail}`, kind: column.kind }
  if (!isTotal(column.kind)) return { sql: `SELECT count(${column.text})${tail}`, kind: 'bigint' }
  return { sql: `SELECT ${column.text}${tail} ORDER BY 1 LIMIT 1`, kind: column.kind }
}

export const conditions = new Conditions(subquery)
export const makers = { conditions, subquery, derived }
