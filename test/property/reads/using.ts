import { comparable } from '../kinds.js'
import type { Place, Reach, SourceModel } from './conditions.js'
import { aliased, type Sql } from './place.js'
import { filter } from './queries.js'

/** Joins by names: USING (…), with and without a name for what is merged, and NATURAL. */
export function usingJoin(place: Place): Sql {
  const { c, schema, names } = place
  const join = () => c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'JOIN'])
  const [a, b] = [aliased(place, c.pick(schema.tables)), aliased(place, c.pick(schema.tables))]
  const common = shared(a, b)
  const fit = common.filter(([left, right]) => comparable(left.kind, right.kind))
  if (fit.length === 0) return { sql: `SELECT count(*) FROM ${a.sql}`, ordered: false }
  const by = c.some(fit, 1, c.chance(30) ? 2 : 1)
  const natural = fit.length === common.length && c.chance(30)
  const merged = (natural ? common : by).map(([{ name }]) => name)
  const named = !natural && c.chance(20) ? ` AS u${names.next}` : ''
  let sql = natural
    ? `${a.sql} NATURAL ${join()} ${b.sql}`
    : `${a.sql} ${join()} ${b.sql} USING (${merged.join(', ')})${named}`
  const sources: SourceModel[] = [a, b]
  if (!natural && c.chance(30)) {
    // A third table that joins what the two have merged.
    const third = aliased(place, c.pick(schema.tables))
    const again = shared(a, third).filter(
      ([left, right]) => merged.includes(left.name) && comparable(left.kind, right.kind),
    )
    if (again.length > 0 && merged.length === 1) {
      sql = `${sql} ${join()} ${third.sql} USING (${merged[0]})`
      sources.push(third)
    }
  }
  const bare = merged.map(
    (name): Reach => ({ text: name, name, kind: (a.columns.find((one) => one.name === name) as Reach).kind }),
  )
  const inside: Place = { ...place, sources: [...sources, { alias: '', columns: bare }] }
  const list = c.pick([
    '*',
    [...bare, c.pick(a.columns), c.pick(b.columns)].map(({ text }) => text).join(', '),
    bare.map(({ text }) => text).join(', '),
  ])
  const narrow: Place = c.chance(50) ? { ...inside, sources: [{ alias: '', columns: bare }] } : inside
  return { sql: `SELECT ${list} FROM ${sql}${filter(narrow, undefined, c.chance(85))}`, ordered: false }
}

function shared(a: SourceModel, b: SourceModel): readonly (readonly [Reach, Reach])[] {
  return a.columns.flatMap((left) =>
    b.columns.filter(({ name }) => name === left.name).map((right) => [left, right] as const),
  )
}
