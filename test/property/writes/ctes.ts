import type { Place } from '../reads/conditions.js'
import { conditions } from '../reads/queries.js'
import { assignments, at, insert, remove, returning, type Target, update } from './row-writes.js'

/** CTEs that write, one or several, beside a read or another write, and writes that follow a CTE. */
export function inCte(place: Place): string {
  const { c, schema } = place
  const any = (): Target => {
    const table = c.pick(schema.tables)
    return { name: table.name, columns: table.columns, table }
  }
  const [own, outer] = [any(), any()]
  const inner = (of: Target) =>
    c
      .pick([update, remove, insert])(place, of)
      .replace(/(?:;| -- done| \/\* done \*\/)$/, '')
      .replace(/ RETURNING .*$/s, '')
  return c.weighted<() => string>([
    [3, () => `WITH w AS (${inner(own)} RETURNING *) SELECT * FROM w`],
    [2, () => `WITH w AS (${inner(own)} RETURNING id) SELECT count(*) FROM w`],
    [2, () => `WITH w AS (${inner(own)}) SELECT count(*) FROM ${outer.name}`],
    [2, () => `WITH w AS (${inner(own)} RETURNING *) ${update(place, outer)}`],
    [2, () => `WITH w AS (${inner(own)}), x AS (${inner(any())} RETURNING id) SELECT count(*) FROM x`],
    [1, () => `WITH w AS (${inner(own)}) ${insert(place, outer)}`],
    [
      2,
      () =>
        `WITH w AS (SELECT id FROM ${own.name} WHERE ${conditions.condition(at(place, own.name, own), 1)}) ${idIn(place, outer)}`,
    ],
  ])()
}

function idIn(place: Place, own: Target): string {
  const { c } = place
  const from = ` WHERE id::text IN (SELECT id::text FROM w)`
  if (c.chance(50)) return `DELETE FROM ${own.name}${from}${returning(place, own.name, own)}`
  return `UPDATE ${own.name} SET ${assignments(place, own.name, own)}${from}${returning(place, own.name, own)}`
}
