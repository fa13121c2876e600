import type { Choices } from '../choices.js'
import { anyValue, isNumber, type Kind, literal } from '../kinds.js'

export interface ColumnModel {
  readonly name: string
  readonly kind: Kind
  readonly notNull: boolean
  readonly generated: boolean
  readonly hasDefault: boolean
}

/** Anything that rows can be read from. */
export interface RelationModel {
  readonly name: string
  readonly columns: readonly ColumnModel[]
}

export interface TableModel extends RelationModel {
  /** The primary key. */
  readonly key: readonly string[]
  /** Columns with a unique index of their own, the key of one column among them. */
  readonly unique: readonly string[]
  /** Its rows are another table's too, as those of a partition are: it is not filled by itself. */
  readonly part?: true
  /** Its rows live in its parts. */
  readonly partitioned?: true
  /** Tables that refer to it, and columns that they refer to, make no sense. */
  readonly unreferable?: true
}

/** A view `SELECT … FROM base WHERE …` through which rows can be written. */
export interface ViewModel extends RelationModel {
  readonly base: TableModel
}

/** A foreign key of one column. */
export interface ReferenceModel {
  readonly child: string
  readonly column: string
  readonly parent: string
  readonly to: string
}

/** A statement that changes definitions, or a setting of the session. */
export type Utterance = (c: Choices) => string

export interface SchemaModel {
  readonly tables: readonly TableModel[]
  readonly views: readonly ViewModel[]
  /** What can be read, and perhaps not written: other views, materialized ones, other schemas' tables. */
  readonly relations: readonly RelationModel[]
  readonly references: readonly ReferenceModel[]
  /** Columns that change by more than what the text of a write says: references, generated ones, those of triggers. */
  readonly followed: readonly { readonly table: string; readonly column: string }[]
  readonly materialized: readonly string[]
  /** Calls of functions that write: `touch(1)`, an integer. */
  readonly writers: readonly string[]
  /** Calls of functions that read tables. */
  readonly readers: readonly string[]
  /** Statements that write by what they call. */
  readonly calls: readonly Utterance[]
  /** What may be defined anew while the case goes on. */
  readonly definitions: readonly Utterance[]
  /** What a session may set. */
  readonly settings: readonly Utterance[]
  /** Statements that make it, and that fill it. The latter may fail, each for itself. */
  readonly ddl: readonly string[]
  readonly rows: readonly string[]
}

/** What is collected while a schema is made. */
export type Draft = {
  -readonly [Name in keyof SchemaModel]: SchemaModel[Name] extends readonly (infer T)[] ? T[] : never
}

export function emptyDraft(): Draft {
  return {
    tables: [],
    views: [],
    relations: [],
    references: [],
    followed: [],
    materialized: [],
    writers: [],
    readers: [],
    calls: [],
    definitions: [],
    settings: [],
    ddl: [],
    rows: [],
  }
}

export function kindOf(table: RelationModel, name: string): Kind {
  return (table.columns.find((column) => column.name === name) as ColumnModel).kind
}

export function plainColumn(name: string, kind: Kind): ColumnModel {
  return { name, kind, notNull: false, generated: false, hasDefault: false }
}

export const settable = (relation: RelationModel): readonly ColumnModel[] =>
  relation.columns.filter((column) => !column.generated)

/** An INSERT of one row, all columns given. */
export function insertOf(c: Choices, table: TableModel, key?: number): string {
  const columns = settable(table)
  const values = columns.map((column) => {
    if (key !== undefined && column.name === 'id' && isNumber(column.kind)) return String(key)
    return literal(column.kind, anyValue(column.kind, c, column.notNull ? 0 : 25))
  })
  return `INSERT INTO ${table.name} (${columns.map((column) => column.name).join(', ')}) VALUES (${values.join(', ')})`
}

/** A statement that always does the same. */
export function changeOf(c: Choices, table: TableModel): string {
  const free = settable(table).filter((column) => !table.key.includes(column.name) && column.kind !== 'jsonb')
  const column = free[c.int(free.length)]
  const id = kindOf(table, 'id')
  if (!column || c.chance(30)) return `DELETE FROM ${table.name} WHERE id = ${literal(id, anyValue(id, c))}`
  const value =
    isNumber(column.kind) && c.chance(30) ? `${column.name} + 1` : literal(column.kind, anyValue(column.kind, c))
  return `UPDATE ${table.name} SET ${column.name} = ${value} WHERE ${column.name} IS NULL OR ${column.name} <> ${literal(column.kind, anyValue(column.kind, c))}`
}
