import type { Choices } from './choices.js'
import { ALL_KINDS, anyValue, isNumber, isText, KINDS, type Kind, literal } from './kinds.js'

export interface ColumnModel {
  readonly name: string
  readonly kind: Kind
  readonly notNull: boolean
  readonly generated: boolean
  readonly hasDefault: boolean
}

export interface TableModel {
  readonly name: string
  readonly columns: readonly ColumnModel[]
  /** The primary key. */
  readonly key: readonly string[]
  /** Columns with a unique index of their own, the key of one column among them. */
  readonly unique: readonly string[]
}

/** A view `SELECT … FROM base WHERE …` through which rows can be written. */
export interface ViewModel {
  readonly name: string
  readonly columns: readonly ColumnModel[]
  readonly base: TableModel
}

export interface SchemaModel {
  readonly tables: readonly TableModel[]
  readonly views: readonly ViewModel[]
  /** Foreign keys of one column. */
  readonly references: readonly ReferenceModel[]
  /** Columns that change by more than what the text of a write says: references, generated ones, those of triggers. */
  readonly followed: readonly { readonly table: string; readonly column: string }[]
  /** Functions of one integer that write when they are called. */
  readonly writers: readonly string[]
  /** Statements that make it, and that fill it. The latter may fail, each for itself. */
  readonly ddl: readonly string[]
  readonly rows: readonly string[]
}

export interface ReferenceModel {
  readonly child: string
  readonly column: string
  readonly parent: string
  readonly to: string
}

/** What is collected while the tables are made. */
interface Draft {
  readonly ddl: string[]
  readonly references: ReferenceModel[]
  readonly followed: { readonly table: string; readonly column: string }[]
}

const ACTIONS = ['CASCADE', 'SET NULL', 'CASCADE', 'SET NULL', 'SET DEFAULT', 'NO ACTION', 'RESTRICT'] as const

/** A random schema of two to four tables. */
export function makeSchema(c: Choices): SchemaModel {
  const draft: Draft = { ddl: [`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`], references: [], followed: [] }
  const { ddl, references, followed } = draft
  const tables: TableModel[] = []
  const count = 2 + c.int(3)
  for (let index = 0; index < count; index++) tables.push(makeTable(c, index, tables, draft))
  const views = tables.flatMap((table) => (c.chance(30) ? [makeView(c, table, ddl)] : []))
  const writers: string[] = []
  triggers(c, tables, draft)
  if (c.chance(25)) writers.push(writer(c, tables, ddl))
  const rows = tables.flatMap((table) => Array.from({ length: 2 + c.int(5) }, (_, index) => insertOf(c, table, index)))
  return { tables, views, references, followed, writers, ddl, rows }
}

function makeTable(
  c: Choices,
  index: number,
  before: readonly TableModel[],
  { ddl, references, followed }: Draft,
): TableModel {
  const name = `t${index}`
  const columns: ColumnModel[] = []
  const lines: string[] = []
  const unique: string[] = []
  const column = (own: string, kind: Kind, extra: Partial<ColumnModel> = {}, words = ''): ColumnModel => {
    const made = { name: own, kind, notNull: false, generated: false, hasDefault: false, ...extra }
    columns.push(made)
    lines.push(`${own} ${KINDS[kind].type}${made.notNull ? ' NOT NULL' : ''}${words}`)
    return made
  }

  const keyed = c.weighted([
    [6, 'int'],
    [2, 'composite'],
    [1, 'bigint'],
    [1, 'text'],
    [1, 'uuid'],
    [1, 'none'],
    [2, 'child'],
  ] as const)
  const parent = before[c.int(before.length)]
  let key: readonly string[] = ['id']
  if (keyed === 'composite') {
    column('id', 'int', { notNull: true })
    column('part', c.pick(['int', 'text', 'bool'] as const), { notNull: true })
    key = ['id', 'part']
  } else if (keyed === 'none') {
    column('id', 'int')
    key = []
  } else if (keyed === 'child' && parent?.key.length === 1) {
    // A key that follows its parent's: changes run down the chain.
    column('id', kindOf(parent, 'id'), { notNull: true })
    lines.push(`FOREIGN KEY (id) REFERENCES ${parent.name} (id) ${actions(c, true)}`)
    references.push({ child: name, column: 'id', parent: parent.name, to: 'id' })
  } else column('id', keyed === 'bigint' || keyed === 'text' || keyed === 'uuid' ? keyed : 'int', { notNull: true })
  if (key.length > 0) lines.push(`PRIMARY KEY (${key.join(', ')})`)
  if (key.length === 1) unique.push('id')

  const plain = 2 + c.int(3)
  for (let at = 0; at < plain; at++) {
    const kind = c.chance(70) ? c.pick(['int', 'text', 'bool', 'int', 'text'] as const) : c.pick(ALL_KINDS)
    const notNull = c.chance(12)
    const hasDefault = notNull || c.chance(25)
    const value = literal(kind, anyValue(kind, c))
    column(`c${at}`, kind, { notNull, hasDefault }, hasDefault ? ` DEFAULT ${value}` : '')
  }
  const [first] = columns.filter((own) => own.name !== 'id' && (own.kind === 'int' || isText(own.kind)))
  if (first && c.chance(25)) {
    const [kind, expression] =
      first.kind === 'int' ? (['int', `${first.name} % 3`] as const) : (['text', `lower(${first.name})`] as const)
    followed.push({ table: name, column: 'g' })
    column('g', kind, { generated: true }, ` GENERATED ALWAYS AS (${expression}) STORED`)
  }
  if (c.chance(25)) {
    const own = c.pick(columns.filter(({ kind }) => kind !== 'jsonb'))
    lines.push(`UNIQUE${c.chance(20) ? ' NULLS NOT DISTINCT' : ''} (${own.name})`)
    unique.push(own.name)
  }
  for (const nth of c.chance(60) ? (c.chance(25) ? ['r', 's'] : ['r']) : []) {
    // A reference: to a table before, or to itself.
    const self = c.chance(30) || before.length === 0
    const target: Pick<TableModel, 'name' | 'columns' | 'key' | 'unique'> = self
      ? { name, columns, key, unique }
      : c.pick(before)
    const to = target.unique.length > 0 ? c.pick(target.unique) : undefined
    if (to === undefined) continue
    const kind = kindOf(target, to)
    const wider = kind === 'int' && c.chance(20) ? 'bigint' : kind
    const hasDefault = c.chance(30)
    column(nth, wider, { hasDefault }, hasDefault ? ` DEFAULT ${literal(wider, anyValue(kind, c))}` : '')
    lines.push(`FOREIGN KEY (${nth}) REFERENCES ${target.name} (${to}) ${actions(c)}`)
    references.push({ child: name, column: nth, parent: target.name, to })
    followed.push({ table: name, column: nth })
  }
  const composite = before.find((table) => table.key.length === 2)
  if (composite && c.chance(40)) {
    for (const part of composite.key) column(`k_${part}`, kindOf(composite, part))
    const columnsOf = composite.key.map((part) => `k_${part}`).join(', ')
    lines.push(`FOREIGN KEY (${columnsOf}) REFERENCES ${composite.name} (${composite.key.join(', ')}) ${actions(c)}`)
  }
  ddl.push(`CREATE TABLE ${name} (${lines.join(', ')})`)
  if (c.chance(20)) {
    const indexed = c.pick(columns)
    if (indexed.kind !== 'jsonb') ddl.push(`CREATE INDEX ON ${name} (${indexed.name})`)
  }
  return { name, columns, key, unique }
}

function actions(c: Choices, follows = false): string {
  const update = follows ? 'CASCADE' : c.pick(ACTIONS)
  return `ON DELETE ${c.pick(ACTIONS)} ON UPDATE ${update}${c.chance(15) ? ' DEFERRABLE INITIALLY DEFERRED' : ''}`
}

function kindOf(table: Pick<TableModel, 'columns'>, name: string): Kind {
  return (table.columns.find((column) => column.name === name) as ColumnModel).kind
}

function makeView(c: Choices, base: TableModel, ddl: string[]): ViewModel {
  const columns = c.chance(50) ? base.columns : c.some(base.columns, 2, base.columns.length)
  const filter = c.pick(base.columns)
  const where = c.chance(60) ? ` WHERE ${filter.name} IS NOT NULL` : ''
  const name = `v_${base.name}`
  ddl.push(`CREATE VIEW ${name} AS SELECT ${columns.map((column) => column.name).join(', ')} FROM ${base.name}${where}`)
  return { name, columns, base }
}

/** Triggers that rewrite columns before, and that write to another table after. Those written to have none of the latter. */
function triggers(c: Choices, tables: readonly TableModel[], { ddl, followed }: Draft): void {
  for (const [index, table] of tables.entries()) {
    const free = table.columns.filter((column) => !column.generated && column.name.startsWith('c'))
    const target = free[c.int(free.length)]
    if (target && c.chance(15)) {
      const value = literal(target.kind, anyValue(target.kind, c))
      followed.push({ table: table.name, column: target.name })
      const when = c.pick(table.columns.filter((column) => !column.generated))
      ddl.push(
        `CREATE FUNCTION before_${table.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` +
          `IF NEW.${when.name} IS NOT NULL THEN NEW.${target.name} := ${value}; END IF; RETURN NEW; END $$`,
        `CREATE TRIGGER before_it BEFORE ${c.pick(['UPDATE', 'INSERT OR UPDATE'])} ON ${table.name} ` +
          `FOR EACH ROW EXECUTE FUNCTION before_${table.name}()`,
      )
    }
    const other = tables[index + 1 + c.int(tables.length - index - 1)]
    if (!other || !c.chance(15)) continue
    ddl.push(
      `CREATE FUNCTION after_${table.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${changeOf(c, other)}; RETURN NULL; END $$`,
      `CREATE TRIGGER after_it AFTER ${c.pick(['INSERT OR UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE'])} ON ${table.name} ` +
        `FOR EACH ${c.pick(['ROW', 'STATEMENT'])} EXECUTE FUNCTION after_${table.name}()`,
    )
  }
}

/** A statement that always does the same. */
function changeOf(c: Choices, table: TableModel): string {
  const free = table.columns.filter(
    (column) => !column.generated && !table.key.includes(column.name) && column.kind !== 'jsonb',
  )
  const column = free[c.int(free.length)]
  if (!column || c.chance(30))
    return `DELETE FROM ${table.name} WHERE id = ${literal(kindOf(table, 'id'), anyValue(kindOf(table, 'id'), c))}`
  const value =
    isNumber(column.kind) && c.chance(30) ? `${column.name} + 1` : literal(column.kind, anyValue(column.kind, c))
  return `UPDATE ${table.name} SET ${column.name} = ${value} WHERE ${column.name} IS NULL OR ${column.name} <> ${literal(column.kind, anyValue(column.kind, c))}`
}

function writer(c: Choices, tables: readonly TableModel[], ddl: string[]): string {
  const change = changeOf(c, c.pick(tables))
  const body = c.chance(50)
    ? `LANGUAGE sql AS $$ ${change}; SELECT $1 $$`
    : `LANGUAGE plpgsql AS $$ BEGIN ${change}; RETURN $1; END $$`
  ddl.push(`CREATE FUNCTION touch(integer) RETURNS integer ${body}`)
  return 'touch'
}

/** An INSERT of one row, all columns given. */
export function insertOf(c: Choices, table: TableModel, key?: number): string {
  const columns = table.columns.filter((column) => !column.generated)
  const values = columns.map((column) => {
    if (key !== undefined && column.name === 'id' && isNumber(column.kind)) return String(key)
    return literal(column.kind, anyValue(column.kind, c, column.notNull ? 0 : 25))
  })
  return `INSERT INTO ${table.name} (${columns.map((column) => column.name).join(', ')}) VALUES (${values.join(', ')})`
}
