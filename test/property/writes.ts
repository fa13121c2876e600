import type { Choices } from './choices.js'
import type { Place } from './conditions.js'
import { anyValue, KINDS, type Kind, literal, Params } from './kinds.js'
import { conditions } from './queries.js'
import {
  assignments,
  at,
  insert,
  remove,
  returning,
  settable,
  type Target,
  target,
  update,
  upsert,
  value,
} from './row-writes.js'
import { type ColumnModel, insertOf, type SchemaModel, type TableModel } from './schema.js'

/** A statement that writes. */
export interface WriteText {
  readonly text: string
  readonly params: readonly unknown[]
  /** Strings of several statements come and go with transactions. */
  readonly several: boolean
}

export function makeWrite(schema: SchemaModel, c: Choices, inTransaction: boolean): WriteText {
  const params = new Params()
  const place: Place = {
    schema,
    c,
    v: c,
    params,
    sources: [],
    outer: undefined,
    names: { next: 0 },
    depth: 1,
    ctes: [],
  }
  const one = (text: string): WriteText => ({ text, params: params.values, several: false })
  return c.weighted<() => WriteText>([
    [16, () => one(update(place, target(place)))],
    [9, () => one(insert(place, target(place)))],
    [6, () => one(remove(place, target(place)))],
    [5, () => one(upsert(place, target(place)))],
    [5, () => one(alongKey(place))],
    [3, () => one(inCte(place))],
    [1, () => one(`TRUNCATE ${c.pick(schema.tables).name}${c.chance(70) ? ' CASCADE' : ''}`)],
    [2, () => several(place, inTransaction)],
    [1, () => one(called(place))],
    [1, () => one(merge(place))],
  ])()
}

/** What foreign keys follow: a key that moves or goes, and a row that refers to another. */
function alongKey(place: Place): string {
  const { c, schema } = place
  if (schema.references.length === 0) return update(place, target(place))
  const { child, column, parent, to } = c.pick(schema.references)
  const kindOf = (table: string, name: string): Kind =>
    (schema.tables.find((one) => one.name === table) as TableModel).columns.find((one) => one.name === name)?.kind ??
    'int'
  const key = () => value(place, kindOf(parent, to))
  return c.weighted<() => string>([
    [4, () => `UPDATE ${parent} SET ${to} = ${key()} WHERE ${to} = ${key()}`],
    [3, () => `DELETE FROM ${parent} WHERE ${to} = ${key()}`],
    [
      3,
      () =>
        `UPDATE ${child} SET ${column} = ${value(place, kindOf(child, column))} WHERE id = ${value(place, kindOf(child, 'id'))}`,
    ],
    [
      1,
      () =>
        `UPDATE ${child} SET ${column} = (SELECT min(${to}::text)::${KINDS[kindOf(child, column)].type} FROM ${parent})`,
    ],
  ])()
}

function inCte(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const own: Target = { name: table.name, columns: table.columns, table }
  const other = c.pick(schema.tables)
  const inner = () =>
    c
      .pick([update, remove, insert])(place, own)
      .replace(/;$| -- done$| RETURNING .*$/s, '')
  const outer: Target = { name: other.name, columns: other.columns, table: other }
  return c.weighted<() => string>([
    [3, () => `WITH w AS (${inner()} RETURNING *) SELECT * FROM w`],
    [2, () => `WITH w AS (${inner()} RETURNING id) SELECT count(*) FROM w`],
    [1, () => `WITH w AS (${inner()} RETURNING *) ${update(place, outer)}`],
    [
      2,
      () =>
        `WITH w AS (SELECT id FROM ${table.name} WHERE ${conditions.condition(at(place, table.name, own), 1)}) ${idIn(place, outer)}`,
    ],
  ])()
}

function idIn(place: Place, own: Target): string {
  const { c } = place
  const from = ` WHERE id::text IN (SELECT id::text FROM w)`
  if (c.chance(50)) return `DELETE FROM ${own.name}${from}${returning(place, own.name, own)}`
  return `UPDATE ${own.name} SET ${assignments(place, own.name, own)}${from}${returning(place, own.name, own)}`
}

/** A string of several statements, with literals only; with words of a transaction where that does not upset the test. */
function several(place: Place, inTransaction: boolean): WriteText {
  const { c, schema } = place
  const parts = Array.from({ length: 2 + c.int(2) }, () => {
    const table = c.pick(schema.tables)
    const free = settable({ name: table.name, columns: table.columns, table }).filter(({ name }) => name !== 'id')
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
  const text = c.weighted<() => string>([
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
  return { text, params: [], several: true }
}

/** Writes that their text does not show. */
function called(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const own: Target = { name: table.name, columns: table.columns, table }
  if (schema.writers.length > 0 && c.chance(70)) {
    return c.pick([
      `SELECT touch(1)`,
      `SELECT touch(id::text::int) FROM ${table.name} WHERE id::text = '1'`,
      `UPDATE ${table.name} SET id = id WHERE touch(2) = 2`,
    ])
  }
  const literals: Place = { ...place, params: new Params() }
  const body = update(literals, own).replace(/ RETURNING .*$/s, '')
  return literals.params.values.length > 0
    ? `DELETE FROM ${table.name}`
    : `DO $body$ BEGIN ${body.replace(/(;| -- done)$/, '')}; END $body$`
}

function merge(place: Place): string {
  const { c, schema } = place
  const table = c.pick(schema.tables)
  const free = table.columns.filter((column) => !column.generated && column.name !== 'id')
  const column = c.pick(free.length > 0 ? free : table.columns)
  const set = literal(column.kind, anyValue(column.kind, c))
  const key = table.columns.find(({ name }) => name === 'id') as ColumnModel
  return (
    `MERGE INTO ${table.name} AS m USING (SELECT ${literal(key.kind, anyValue(key.kind, c))}${key.kind === 'uuid' ? '::uuid' : ''} AS id) AS s ON m.id = s.id ` +
    `WHEN MATCHED THEN ${c.chance(40) ? 'DELETE' : `UPDATE SET ${column.name} = ${set}`}`
  )
}
