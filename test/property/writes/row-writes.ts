import { anyValue, comparable, isNumber, type Kind, literal, spell } from '../kinds.js'
import type { Place } from '../reads/conditions.js'
import { conditions, select } from '../reads/queries.js'
import { type ColumnModel, settable, type TableModel } from '../schema/model.js'

/** What is written: a table, or a view of one. */
export interface Target {
  readonly name: string
  readonly columns: readonly ColumnModel[]
  readonly table: TableModel
}

/** A table, or now and then a view. */
export function target(place: Place): Target {
  const { schema, c } = place
  if (schema.views.length > 0 && c.chance(12)) return viewTarget(place)
  const table = c.pick(schema.tables)
  return { name: table.name, columns: table.columns, table }
}

function viewTarget({ schema, c }: Place): Target {
  const view = c.pick(schema.views)
  return { name: view.name, columns: view.columns, table: view.base }
}

/** Any write whose target is a view. */
export function throughView(place: Place): string {
  const { schema, c } = place
  if (schema.views.length === 0) return update(place, target(place))
  return c.pick([update, update, insert, remove, upsert])(place, viewTarget(place))
}

export function at(place: Place, alias: string, { columns }: Target): Place {
  const reach = columns.map(({ name, kind }) => ({ text: `${alias}.${name}`, name, kind }))
  return { ...place, sources: [{ alias, columns: reach }] }
}

function where(place: Place, alias: string, own: Target): string {
  const { c } = place
  const inside = at(place, alias, own)
  const keyed = own.columns.find((column) => column.name === 'id')
  return c.weighted<() => string>([
    [8, () => (keyed ? ` WHERE ${alias}.id = ${value(inside, keyed.kind)}` : '')],
    [8, () => ` WHERE ${conditions.condition(inside, 1)}`],
    [2, () => ` WHERE ${conditions.condition(inside, 0)} AND ${conditions.condition(inside, 0)}`],
    [1, () => ''],
  ])()
}

export function value({ c, v, params }: Place, kind: Kind, nulls = 0): string {
  return spell(kind, anyValue(kind, v, nulls), params, c)
}

/** What a column is set to. */
function assigned(place: Place, alias: string, own: Target, column: ColumnModel): string {
  const { c } = place
  const like = own.columns.filter((other) => other !== column && other.kind === column.kind)
  const inside = at(place, alias, own)
  return c.weighted<() => string>([
    [12, () => value(inside, column.kind, column.notNull ? 2 : 20)],
    [3, () => (like.length > 0 ? `${alias}.${c.pick(like).name}` : 'DEFAULT')],
    [1, () => 'DEFAULT'],
    [3, () => (isNumber(column.kind) ? `${alias}.${column.name} + 1` : `${alias}.${column.name}`)],
    [2, () => (column.kind === 'int' || column.kind === 'text' ? scalar(inside, column.kind) : 'NULL')],
    [
      1,
      () =>
        `CASE WHEN ${conditions.condition(inside, 0)} THEN ${alias}.${column.name} ELSE ${literal(column.kind, anyValue(column.kind, place.v))} END`,
    ],
  ])()
}

function scalar(place: Place, kind: Kind): string {
  const table = place.c.pick(place.schema.tables)
  const fit = table.columns.find((column) => column.kind === kind)
  const inner = at({ ...place, outer: place }, 'q', { name: table.name, columns: table.columns, table })
  return fit ? `(SELECT max(q.${fit.name}) FROM ${table.name} q WHERE ${conditions.condition(inner, 0)})` : 'NULL'
}

export function assignments(place: Place, alias: string, own: Target): string {
  const { c } = place
  const free = settable(own)
  const columns = c.some(
    free.filter((column) => column.name !== 'id' || c.chance(35)),
    1,
    3,
  )
  const list = columns.length > 0 ? columns : free
  if (list.length > 1 && c.chance(15)) {
    const names = list.map((column) => column.name).join(', ')
    return `(${names}) = ROW(${list.map((column) => assigned(place, alias, own, column)).join(', ')})`
  }
  return list.map((column) => `${column.name} = ${assigned(place, alias, own, column)}`).join(', ')
}

export function returning(place: Place, alias: string, own: Target): string {
  const { c } = place
  if (!c.chance(45)) return ''
  const inside = at(place, alias, own)
  const list = c.weighted<() => string>([
    [4, () => '*'],
    [2, () => `${alias}.*`],
    [
      4,
      () =>
        c
          .some(own.columns, 1, 3)
          .map(({ name }) => name)
          .join(', '),
    ],
    [1, () => `${alias}.${c.pick(own.columns).name} AS x, 1 AS one, ${conditions.condition(inside, 0)}`],
    [1, () => `(SELECT count(*) FROM ${c.pick(place.schema.tables).name}) AS n`],
  ])()
  return ` RETURNING ${list}`
}

function end({ c }: Place): string {
  return c.weighted([
    [20, ''],
    [1, ';'],
    [1, ' -- done'],
    [1, ' /* done */'],
  ])
}

export function update(place: Place, own: Target): string {
  const { c } = place
  const aliased = c.chance(35)
  const alias = aliased ? 'x' : own.name
  const head = `UPDATE ${c.chance(10) ? 'ONLY ' : ''}${own.name}${aliased ? ' AS x' : ''} SET ${assignments(place, alias, own)}`
  if (c.chance(15)) {
    // One row of the other side for each row: which one is taken is not said otherwise.
    const other = c.pick(place.schema.tables)
    const joined = other.columns.find((column) => other.key.length === 1 && column.name === 'id')
    const through = settable(own).find((column) => joined && comparable(column.kind, joined.kind))
    if (joined && through) {
      const inside = at(place, alias, own)
      return `${head} FROM ${other.name} AS f WHERE f.id = ${alias}.${through.name} AND ${conditions.condition(inside, 1)}${returning(place, alias, own)}${end(place)}`
    }
  }
  return `${head}${where(place, alias, own)}${returning(place, alias, own)}${end(place)}`
}

export function remove(place: Place, own: Target): string {
  const { c } = place
  const aliased = c.chance(35)
  const alias = aliased ? 'x' : own.name
  const name = `${own.name}${aliased ? ' AS x' : ''}`
  if (c.chance(15)) {
    const other = c.pick(place.schema.tables)
    const both = own.columns.flatMap((a) =>
      other.columns.filter((b) => comparable(a.kind, b.kind)).map((b) => [a, b] as const),
    )
    const pair = c.pick(both)
    if (pair) {
      const inside = at(place, alias, own)
      return `DELETE FROM ${name} USING ${other.name} u WHERE u.${pair[1].name} = ${alias}.${pair[0].name} AND ${conditions.condition(inside, 0)}`
    }
  }
  return `DELETE FROM ${name}${where(place, alias, own)}${returning(place, alias, own)}${end(place)}`
}

function rows(place: Place, columns: readonly ColumnModel[], count: number): string {
  const { c } = place
  const cell = (column: ColumnModel): string => {
    if (column.hasDefault && c.chance(20)) return 'DEFAULT'
    // Mostly a key that nobody has.
    if (column.name === 'id' && isNumber(column.kind) && c.chance(70)) return String(c.int(12))
    return value(place, column.kind, column.notNull ? 2 : 20)
  }
  return Array.from({ length: count }, () => `(${columns.map(cell).join(', ')})`).join(', ')
}

/** Columns that an INSERT gives: those that must be, and some others. */
function given(place: Place, own: Target): readonly ColumnModel[] {
  return settable(own).filter((column) => own.table.key.includes(column.name) || !place.c.chance(20))
}

export function insert(place: Place, own: Target): string {
  const { c, params } = place
  const columns = given(place, own)
  const names = columns.map(({ name }) => name).join(', ')
  const conflict = c.chance(25) ? ' ON CONFLICT DO NOTHING' : ''
  const tail = `${conflict}${returning(place, own.name, own)}${end(place)}`
  if (c.chance(18)) {
    const kinds = columns.map(({ kind }) => kind)
    const from = select({ ...place, depth: 0 }, { kinds, sources: 2 })
    return `INSERT INTO ${own.name} (${names}) ${from.sql}${tail}`
  }
  if (c.chance(10)) {
    // Rows beside those that are there.
    const source = own.table
    const list = columns.map(({ name, kind }) =>
      name === 'id' && isNumber(kind) ? `id + ${c.chance(50) ? '10' : params.add(5)}` : name,
    )
    return `INSERT INTO ${own.name} (${names}) SELECT ${list.join(', ')} FROM ${source.name}${tail}`
  }
  if (c.chance(4)) return `INSERT INTO ${own.name} DEFAULT VALUES${tail}`
  return `INSERT INTO ${own.name} (${names}) VALUES ${rows(place, columns, 1 + c.int(3))}${tail}`
}

export function upsert(place: Place, own: Target): string {
  const { c } = place
  const columns = given(place, own)
  const names = columns.map(({ name }) => name).join(', ')
  const conflict = own.table.key.length > 0 && !c.chance(15) ? own.table.key.join(', ') : own.table.unique[0]
  if (conflict === undefined) return insert(place, own)
  const sets = c.some(
    settable(own).filter((column) => column.name !== 'id' || c.chance(15)),
    1,
    2,
  )
  const alias = c.chance(30) ? 'x' : own.name
  const set = sets.map(
    (column) =>
      `${column.name} = ${c.chance(55) && columns.includes(column) ? `excluded.${column.name}` : assigned(place, alias, own, column)}`,
  )
  if (set.length === 0) return insert(place, own)
  const only = c.chance(25) ? ` WHERE ${conditions.condition(at(place, alias, own), 0)}` : ''
  return (
    `INSERT INTO ${own.name}${alias === 'x' ? ' AS x' : ''} (${names}) VALUES ${rows(place, columns, 1 + c.int(2))} ` +
    `ON CONFLICT (${conflict}) DO UPDATE SET ${set.join(', ')}${only}${returning(place, alias, own)}${end(place)}`
  )
}
