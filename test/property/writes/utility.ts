import { anyValue, KINDS, literal, Params } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { insertOf, kindOf, settable } from '../schema/model.js'
import { update } from './row-writes.js'

/** TRUNCATE of one table or several, with what refers to them or without. */
export function truncate({ c, schema }: Place): string {
  const names = c.chance(25) ? c.some(schema.tables, 2, 2) : [c.pick(schema.tables)]
  const only = c.chance(8) ? 'ONLY ' : ''
  return `TRUNCATE ${only}${names.map(({ name }) => name).join(', ')}${c.chance(15) ? ' RESTART IDENTITY' : ''}${c.chance(70) ? ' CASCADE' : ''}`
}

/** The text of an update without any parameter, for places that take none. */
function literalUpdate(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const literals: Place = { ...place, params: new Params() }
  const text = update(literals, { name: table.name, columns: table.columns, table })
    .replace(/(?:;| -- done| \/\* done \*\/)$/, '')
    .replace(/ RETURNING .*$/s, '')
  if (literals.params.values.length === 0) return text
  const column = c.pick(settable(table))
  const id = kindOf(table, 'id')
  return `UPDATE ${table.name} SET ${column.name} = ${literal(column.kind, anyValue(column.kind, c))} WHERE id = ${literal(id, anyValue(id, c))}`
}

/** Writes that their text does not show, or shows in a place where nobody looks. */
export function called(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const call = c.pick(schema.writers)
  return c.weighted<() => string>([
    [call ? 3 : 0, () => `SELECT ${call}`],
    [call ? 2 : 0, () => `SELECT ${call} FROM ${table.name} WHERE id::text = '1'`],
    [call ? 2 : 0, () => `UPDATE ${table.name} SET id = id WHERE ${call} = 2`],
    [call ? 1 : 0, () => `INSERT INTO ${table.name} (id) SELECT ${call} + 20`],
    [schema.calls.length > 0 ? 5 : 0, () => c.pick(schema.calls)(c)],
    [schema.materialized.length > 0 ? 8 : 0, () => `REFRESH MATERIALIZED VIEW ${c.pick(schema.materialized)}`],
    [3, () => `DO $body$ BEGIN ${literalUpdate(place)}; END $body$`],
    [1, () => `DO $body$ BEGIN EXECUTE '${literalUpdate(place).replaceAll("'", "''")}'; END $body$`],
    [1, () => `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ${literalUpdate(place)}`],
    [
      1,
      () =>
        `CREATE TABLE made AS WITH w AS (${literalUpdate(place)} RETURNING 1 AS one) SELECT * FROM w; DROP TABLE made`,
    ],
  ])()
}

/** PREPARE, EXECUTE and DEALLOCATE in words. Where a session holds on to its connection they come one by one. */
export function prepared(place: Place, sticky: boolean): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const id = kindOf(table, 'id')
  const column = c.pick(settable(table))
  // Another of the pool's connections may know the name already.
  const name = sticky ? 'px' : `px${c.int(999_999)}`
  const prepare = `PREPARE ${name} (${KINDS[id].type}) AS UPDATE ${table.name} SET ${column.name} = ${literal(column.kind, anyValue(column.kind, c))} WHERE id = $1`
  const execute = `EXECUTE ${name} (${literal(id, anyValue(id, c))})`
  if (!sticky) return `${prepare}; ${execute}; DEALLOCATE ${name}`
  return c.weighted([
    [3, prepare],
    [6, execute],
    [2, 'DEALLOCATE px'],
  ])
}

/** COPY from a program of the server's: rows as a client would stream them. */
export function copied({ c, schema }: Place): string {
  const table = c.pick(schema.tables)
  const columns = settable(table).filter(({ kind }) => kind !== 'jsonb' && kind !== 'ints')
  const cells = columns.map(({ name, kind }) =>
    name === 'id' && kind === 'int' ? String(6 + c.int(6)) : anyValue(kind, c, 15),
  )
  const plain = cells.every((cell) => cell === null || /^[\w:. -]+$/.test(cell))
  if (!plain) return insertOf(c, table)
  const line = cells.map((cell) => cell ?? '').join(',')
  return `COPY ${table.name} (${columns.map(({ name }) => name).join(', ')}) FROM PROGRAM 'echo "${line}"' (FORMAT csv)`
}
