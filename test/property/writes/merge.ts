import { anyValue, KINDS, literal } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { conditions } from '../reads/queries.js'
import { kindOf, settable } from '../schema/model.js'

/** MERGE: from one row of constants or from a table, with every sort of branch. */
export function merge(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const id = kindOf(table, 'id')
  const free = settable(table).filter(({ name }) => name !== 'id')
  const column = c.pick(free.length > 0 ? free : settable(table))
  const value = (of = column) => literal(of.kind, anyValue(of.kind, c))
  const source = c.chance(55)
    ? `(SELECT ${literal(id, anyValue(id, c))}::${KINDS[id].type} AS id)`
    : `(SELECT DISTINCT id FROM ${c.pick(schema.tables.filter((other) => kindOf(other, 'id') === id)).name})`
  const inside: Place = {
    ...place,
    sources: [
      { alias: 'm', columns: table.columns.map(({ name, kind }) => ({ text: `m.${name}`, name, kind })), table },
    ],
  }
  const only = () => (c.chance(35) ? ` AND ${conditions.condition({ ...inside, depth: 0 }, 0)}` : '')
  const branches: string[] = []
  if (c.chance(30))
    branches.push(`WHEN MATCHED AND ${conditions.condition({ ...inside, depth: 0 }, 0)} THEN DO NOTHING`)
  if (c.chance(85))
    branches.push(`WHEN MATCHED${only()} THEN ${c.chance(35) ? 'DELETE' : `UPDATE SET ${column.name} = ${value()}`}`)
  if (c.chance(50) || branches.length === 0) {
    const others = settable(table).filter(({ name }) => name !== 'id')
    const names = ['id', ...others.map(({ name }) => name)]
    branches.push(
      `WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (s.id, ${others.map(value).join(', ')})`.replace(
        ', )',
        ')',
      ),
    )
  }
  return `MERGE INTO ${table.name} AS m USING ${source} AS s ON m.id = s.id ${branches.join(' ')}`
}
