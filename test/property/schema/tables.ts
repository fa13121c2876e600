import type { Choices } from '../choices.js'
import { ALL_KINDS, anyValue, declared, isOrdered, isText, type Kind, literal } from '../kinds.js'
import { type ColumnModel, type Draft, kindOf, type TableModel } from './model.js'

const ACTIONS = ['CASCADE', 'SET NULL', 'CASCADE', 'SET NULL', 'SET DEFAULT', 'NO ACTION', 'RESTRICT'] as const

/** The kinds that a key can mirror come most. */
export const usualKind = (c: Choices): Kind =>
  c.chance(75) ? c.pick(['int', 'text', 'bool', 'int', 'text'] as const) : c.pick(ALL_KINDS)

/** The columns and lines of a table, as they grow. */
export class TableDraft {
  readonly columns: ColumnModel[] = []
  readonly lines: string[] = []
  readonly unique: string[] = []
  key: readonly string[] = ['id']
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  column(name: string, kind: Kind, extra: Partial<ColumnModel> = {}, words = ''): ColumnModel {
    const made = { name, kind, notNull: false, generated: false, hasDefault: false, ...extra }
    this.columns.push(made)
    this.lines.push(`${name} ${declared(kind)}${made.notNull ? ' NOT NULL' : ''}${words}`)
    return made
  }

  /** `c0`, `c1`, …: what the table is about. */
  plain(c: Choices, count: number): void {
    for (let at = 0; at < count; at++) {
      const kind = usualKind(c)
      const notNull = c.chance(12)
      const hasDefault = notNull || c.chance(25)
      const words = hasDefault ? ` DEFAULT ${literal(kind, anyValue(kind, c))}` : ''
      this.column(`c${at}`, kind, { notNull, hasDefault }, words)
    }
  }

  /** A column that others make: of one of them, or of several. */
  generated(c: Choices, draft: Draft): void {
    const numbers = this.columns.filter(({ kind }) => kind === 'int')
    const texts = this.columns.filter(({ kind, name }) => isText(kind) && kind !== 'nocase' && name !== 'id')
    const options: (readonly [Kind, string])[] = []
    const [n, m] = [c.pick(numbers), c.pick(numbers)]
    if (n && n.name !== 'id') options.push(['int', `${n.name} % 3`])
    if (n && m && n !== m)
      options.push(['int', `coalesce(${n.name}, 0) + coalesce(${m.name}, 0)`], ['bool', `${n.name} = ${m.name}`])
    const [s] = texts
    if (s) options.push(['text', `lower(${s.name})`], ['bool', `${s.name} IS NULL`])
    if (s && n) options.push(['bool', `coalesce(${n.name}, 1) = 1 AND ${s.name} IS NOT NULL`])
    if (options.length === 0) return
    const [kind, expression] = c.pick(options)
    draft.followed.push({ table: this.name, column: 'g' })
    this.column('g', kind, { generated: true }, ` GENERATED ALWAYS AS (${expression}) STORED`)
  }

  /** A column that refers to a table, perhaps this one. */
  reference(c: Choices, column: string, target: Pick<TableModel, 'name' | 'columns' | 'unique'>, draft: Draft): void {
    const to = target.unique.length > 0 ? c.pick(target.unique) : undefined
    if (to === undefined) return
    const kind = kindOf(target, to)
    const wider = kind === 'int' && c.chance(20) ? 'bigint' : kind
    const hasDefault = c.chance(30)
    this.column(column, wider, { hasDefault }, hasDefault ? ` DEFAULT ${literal(wider, anyValue(kind, c))}` : '')
    this.lines.push(`FOREIGN KEY (${column}) REFERENCES ${target.name} (${to}) ${actions(c)}`)
    draft.references.push({ child: this.name, column, parent: target.name, to })
    draft.followed.push({ table: this.name, column })
  }

  finish(draft: Draft, words = '', extra: Partial<TableModel> = {}): TableModel {
    const { name, columns, key, unique } = this
    draft.ddl.push(`CREATE TABLE ${name} (${this.lines.join(', ')})${words}`)
    const table: TableModel = { name, columns, key, unique, ...extra }
    draft.tables.push(table)
    return table
  }
}

export function actions(c: Choices, follows = false): string {
  const update = follows ? 'CASCADE' : c.pick(ACTIONS)
  return `ON DELETE ${c.pick(ACTIONS)} ON UPDATE ${update}${c.chance(15) ? ' DEFERRABLE INITIALLY DEFERRED' : ''}`
}

/** A table with a key of some sort, a few columns, and references to those before it. */
export function addTable(c: Choices, index: number, draft: Draft): void {
  const name = `t${index}`
  const before = draft.tables.filter((table) => !table.unreferable)
  const table = new TableDraft(name)
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
  if (keyed === 'composite') {
    table.column('id', 'int', { notNull: true })
    table.column('part', c.pick(['int', 'text', 'bool'] as const), { notNull: true })
    table.key = ['id', 'part']
  } else if (keyed === 'none') {
    table.column('id', 'int')
    table.key = []
  } else if (keyed === 'child' && parent?.key.length === 1) {
    // A key that follows its parent's: changes run down the chain.
    table.column('id', kindOf(parent, 'id'), { notNull: true })
    table.lines.push(`FOREIGN KEY (id) REFERENCES ${parent.name} (id) ${actions(c, true)}`)
    draft.references.push({ child: name, column: 'id', parent: parent.name, to: 'id' })
  } else
    table.column('id', keyed === 'bigint' || keyed === 'text' || keyed === 'uuid' ? keyed : 'int', { notNull: true })
  if (table.key.length > 0) table.lines.push(`PRIMARY KEY (${table.key.join(', ')})`)
  if (table.key.length === 1) table.unique.push('id')

  table.plain(c, 2 + c.int(3))
  if (c.chance(25)) table.generated(c, draft)
  if (c.chance(25)) {
    const own = c.pick(table.columns.filter(({ kind }) => isOrdered(kind)))
    table.lines.push(`UNIQUE${c.chance(20) ? ' NULLS NOT DISTINCT' : ''} (${own.name})`)
    table.unique.push(own.name)
  }
  for (const nth of c.chance(60) ? (c.chance(25) ? ['r', 's'] : ['r']) : []) {
    const self = c.chance(30) || before.length === 0
    table.reference(c, nth, self ? table : c.pick(before), draft)
  }
  const composite = before.find((other) => other.key.length === 2)
  if (composite && c.chance(40)) {
    for (const part of composite.key) table.column(`k_${part}`, kindOf(composite, part))
    const columns = composite.key.map((part) => `k_${part}`).join(', ')
    table.lines.push(
      `FOREIGN KEY (${columns}) REFERENCES ${composite.name} (${composite.key.join(', ')}) ${actions(c)}`,
    )
  }
  const { columns } = table.finish(draft)
  const indexed = c.pick(columns)
  if (c.chance(20) && isOrdered(indexed.kind)) draft.ddl.push(`CREATE INDEX ON ${name} (${indexed.name})`)
}
