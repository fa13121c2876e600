import { isTotal } from '../kinds.js'
import type { Place } from './conditions.js'
import { loose, type Sql, value } from './place.js'
import { conditions } from './queries.js'

/** WITH RECURSIVE: along references that form trees or circles, or counting. UNION ends where nothing new comes. */
export function recursive(place: Place): Sql {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const pairs = table.columns.flatMap((a) =>
    table.columns.filter((b) => b !== a && b.kind === a.kind && isTotal(a.kind)).map((b) => [a, b] as const),
  )
  const [up, down] = c.pick(pairs) ?? []
  const columns = table.columns.map(({ name, kind }) => ({ text: `q.${name}`, name, kind }))
  const inside: Place = { ...place, sources: [{ alias: 'q', columns, table }] }
  if (!up || !down || c.chance(20)) {
    const far = conditions.condition({ ...inside, depth: 0 }, 0)
    return loose(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) ` +
        `SELECT n.i, (SELECT count(*) FROM ${table.name} q WHERE q.id::text = n.i::text AND ${far}) AS k FROM n`,
    )
  }
  const other = c.pick(columns)
  const start = c.chance(70) ? `q.${up.name} = ${value(place, up.kind)}` : conditions.condition(inside, 0)
  const more = c.chance(35) ? ` AND ${conditions.condition(inside, 0)}` : ''
  const shown = isTotal(other.kind) && other.kind !== 'jsonb' ? `, q.${other.name} AS o` : ''
  const step = c.chance(25)
    ? `SELECT q.${up.name}, q.${down.name}${shown} FROM ${table.name} q WHERE q.${up.name} IN (SELECT w.d FROM w)${more}`
    : `SELECT q.${up.name}, q.${down.name}${shown} FROM w JOIN ${table.name} q ON q.${up.name} = w.d${more}`
  // A self-reference in a subquery is refused: the join stands instead.
  const list = shown === '' ? 'u, d' : 'u, d, o'
  return loose(
    `WITH RECURSIVE w (${list}) AS (SELECT q.${up.name}, q.${down.name}${shown} FROM ${table.name} q WHERE ${start} UNION ${step}) ` +
      `SELECT ${c.pick(['*', 'count(*)', 'w.d', 'w.u'])} FROM w${c.chance(25) ? ` WHERE w.d = ${value(place, down.kind)}` : ''}`,
  )
}
