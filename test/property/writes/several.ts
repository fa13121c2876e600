import { anyValue, literal } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { type ColumnModel, insertOf, settable } from '../schema/model.js'

/** A string of several statements, with literals only; with words of a transaction where that does not upset the test. */
export function several(place: Place, inTransaction: boolean): string {
  const { c, schema } = place
  const parts = Array.from({ length: 2 + c.int(2) }, () => {
    const table = c.pick(schema.tables)
    const free = settable(table).filter(({ name }) => name !== 'id')
    const column = c.pick(free.length > 0 ? free : table.columns)
    const key = table.columns.find(({ name }) => name === 'id') as ColumnModel
    const by = `id = ${literal(key.kind, anyValue(key.kind, c))}`
    return c.weighted<() => string>([
      [
        4,
        () => `UPDATE ${table.name} SET ${column.name} = ${literal(column.kind, anyValue(column.kind, c))} WHERE ${by}`,
      ],
      [2, () => `DELETE FROM ${table.name} WHERE ${by}`],
      [2, () => insertOf(c, table)],
    ])()
  })
  return c.weighted<() => string>([
    [4, () => parts.join('; ')],
    [2, () => (inTransaction ? `SAVEPOINT a; ${parts.join('; ')}` : `BEGIN; ${parts.join('; ')}; COMMIT`)],
    [
      1,
      () =>
        inTransaction ? `SAVEPOINT a; ${parts.join('; ')}; ROLLBACK TO a` : `BEGIN; ${parts.join('; ')}; ROLLBACK`,
    ],
    [1, () => (inTransaction ? `RELEASE a; SAVEPOINT a; ${parts.join('; ')}` : `${parts.join('; ')}; SELECT 1/0`)],
    [1, () => (inTransaction ? `${parts.join('; ')}; COMMIT` : `BEGIN; ${parts.join('; ')}; COMMIT; SELECT 1/0`)],
  ])()
}
