import { comparable } from '../kinds.js'
import type { ColumnModel } from '../schema/model.js'
import type { Conditions, Place, Reach, SourceModel } from './conditions.js'
import type { Select, Wanted } from './queries.js'

export interface SourceMakers {
  readonly conditions: Conditions
  readonly derived: (place: Place, wanted?: Wanted) => Select
}

interface Made {
  readonly sql: string
  readonly source: SourceModel
  readonly lateral: boolean
}

/** A FROM clause of so many sources. `where` is what must be said in WHERE to join what commas separate. */
export function from(
  place: Place,
  count: number,
  makers: SourceMakers,
): { readonly sql: string; readonly sources: readonly SourceModel[]; readonly where: string | undefined } {
  const { c } = place
  const first = count === 1 && c.chance(40) ? bare(place) : sourceOf(place, [], makers)
  let sql = first.sql
  const sources = [first.source]
  const where: string[] = []
  for (let index = 1; index < count; index++) {
    const next = sourceOf(place, sources, makers)
    const inside: Place = { ...place, sources: [...sources, next.source] }
    if (!next.lateral && c.chance(12)) {
      sql = `${sql}, ${next.sql}`
      where.push(joining(inside, sources, next.source, makers))
    } else if (!next.lateral && c.chance(15) && index + 1 < count) {
      // `a JOIN (b JOIN c ON …) ON …`
      const third = sourceOf(place, [], makers)
      index++
      const both: Place = { ...place, sources: [next.source, third.source] }
      const inner = `(${next.sql} ${word(place)} ${third.sql} ON ${joining(both, [next.source], third.source, makers)})`
      const all: Place = { ...place, sources: [...sources, next.source, third.source] }
      sql = `${sql} ${word(place)} ${inner} ON ${joining(all, sources, next.source, makers)}`
      sources.push(next.source, third.source)
      continue
    } else {
      const join = next.lateral ? c.pick(['LEFT JOIN', 'JOIN']) : word(place)
      const on = next.lateral && c.chance(50) ? 'true' : joining(inside, sources, next.source, makers)
      sql = `${sql} ${join} ${next.sql} ON ${on}`
    }
    sources.push(next.source)
  }
  return { sql, sources, where: where.length > 0 ? where.join(' AND ') : undefined }
}

const word = ({ c }: Place): string =>
  c.weighted([
    [5, 'JOIN'],
    [6, 'LEFT JOIN'],
    [2, 'RIGHT JOIN'],
    [2, 'FULL JOIN'],
  ])

/** A join's condition: mostly an equality between the sides, with more said of either or of both. */
function joining(place: Place, left: readonly SourceModel[], right: SourceModel, makers: SourceMakers): string {
  const { c } = place
  const pairs = left
    .flatMap((source) => source.columns)
    .flatMap((a) => right.columns.filter((b) => comparable(a.kind, b.kind)).map((b) => [a, b] as const))
  const alike = pairs.filter(([a, b]) => a.kind === b.kind)
  const pair = c.pick(alike.length > 0 && c.chance(80) ? alike : pairs)
  const parts = pair && !c.chance(6) ? [`${pair[0].text} = ${pair[1].text}`] : []
  if (parts.length === 0 || c.chance(25)) {
    const about: Place = c.chance(50) ? place : { ...place, sources: [c.chance(50) ? right : c.pick(left)] }
    parts.push(makers.conditions.condition(about, c.int(2)))
  }
  return c.chance(8) ? `(${parts.join(' OR ')})` : parts.join(' AND ')
}

/** A table by its own name, with its columns by theirs. */
function bare({ schema, c }: Place): Made {
  const table = c.pick(schema.tables)
  const qualified = c.chance(50)
  const columns = table.columns.map((column) => reach(column, qualified ? `${table.name}.` : ''))
  return {
    sql: c.chance(15) ? `public.${table.name}` : table.name,
    source: { alias: table.name, columns, table },
    lateral: false,
  }
}

function sourceOf(place: Place, left: readonly SourceModel[], makers: SourceMakers): Made {
  const { schema, c, names } = place
  const alias = `a${names.next++}`
  const cte = place.ctes.length > 0 && c.chance(55) ? c.pick(place.ctes) : undefined
  if (cte) {
    const columns = cte.columns.map(({ name, kind }) => ({ text: `${alias}.${name}`, name, kind }))
    return { sql: `${cte.name} AS ${alias}`, source: { alias, columns }, lateral: false }
  }
  if (place.depth > 0 && c.chance(14)) {
    const lateral = left.length > 0 && c.chance(50)
    const outer: Place | undefined = lateral ? { ...place, sources: left } : place.outer
    const made = makers.derived({ ...place, outer, sources: [], depth: place.depth - 1 })
    const seen = new Set<string>()
    // A name that comes twice cannot be used.
    const unique = made.outputs.filter(({ name }) => !seen.has(name) && seen.add(name))
    const columns = unique.map(({ name, kind }) => ({ text: `${alias}.${name}`, name, kind }))
    if (columns.length > 0)
      return { sql: `${lateral ? 'LATERAL ' : ''}(${made.sql}) AS ${alias}`, source: { alias, columns }, lateral }
  }
  const others = [...schema.views, ...schema.relations]
  if (others.length > 0 && c.chance(18)) {
    const { name, columns } = c.pick(others)
    return {
      sql: `${name} ${alias}`,
      source: { alias, columns: columns.map((column) => reach(column, `${alias}.`)) },
      lateral: false,
    }
  }
  const table = c.pick(schema.tables)
  const columns = table.columns.map((column) => reach(column, `${alias}.`))
  const only = c.chance(6) ? 'ONLY ' : ''
  return {
    sql: `${only}${table.name} ${c.chance(50) ? 'AS ' : ''}${alias}`,
    source: { alias, columns, table },
    lateral: false,
  }
}

function reach({ name, kind }: ColumnModel, prefix: string): Reach {
  return { text: `${prefix}${name}`, name, kind }
}
