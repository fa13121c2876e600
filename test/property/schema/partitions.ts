import type { Choices } from '../choices.js'
import { KINDS, type Kind, literal } from '../kinds.js'
import { type Draft, kindOf, type TableModel } from './model.js'
import { TableDraft } from './tables.js'

/** A table in parts, by a list or by ranges, perhaps with a part for the rest, and parts in parts. */
export function addPartitioned(c: Choices, draft: Draft): void {
  const table = new TableDraft('p')
  const by = c.weighted([
    [3, 'id'],
    [3, 'part'],
    [2, 'free'],
  ] as const)
  table.column('id', 'int', { notNull: by !== 'free' })
  const kind: Kind = by === 'id' ? 'int' : c.pick(['int', 'text', 'int'] as const)
  const column = by === 'id' ? 'id' : 'part'
  if (by !== 'id') table.column('part', kind, { notNull: by === 'part' })
  table.key = by === 'id' ? ['id'] : by === 'part' ? ['id', 'part'] : []
  if (table.key.length > 0) table.lines.push(`PRIMARY KEY (${table.key.join(', ')})`)
  if (by === 'id') table.unique.push('id')
  table.plain(c, 1 + c.int(2))
  const up = draft.tables.filter((other) => other.unique.length > 0 && !other.unreferable)
  if (up.length > 0 && c.chance(40)) table.reference(c, 'r', c.pick(up), draft)
  if (c.chance(20)) table.generated(c, draft)

  const values = KINDS[kind].values.slice(0, 4).map((value) => literal(kind, value))
  const list = c.chance(55)
  const model = table.finish(draft, ` PARTITION BY ${list ? 'LIST' : 'RANGE'} (${column})`, { partitioned: true })
  const sorted = kind === 'int' ? ['0', '2', '3', '9'] : [`''`, `'a'`, `'b'`, `'m'`]
  const bounds = list
    ? [`IN (${values[0]}${c.chance(50) ? ', NULL' : ''})`, `IN (${values[1]}, ${values[3]})`, `IN (${values[2]})`]
    : [0, 1, 2].map((at) => `FROM (${sorted[at]}) TO (${sorted[at + 1]})`)
  const parts: TableModel[] = []
  const part = (name: string, words: string, under = ''): TableModel => {
    const made: TableModel = {
      name,
      columns: model.columns,
      key: model.key,
      unique: model.unique,
      part: true,
      unreferable: true,
    }
    draft.ddl.push(`CREATE TABLE ${name} PARTITION OF ${words}${under}`)
    parts.push(made)
    return made
  }
  const nested = c.chance(35)
  bounds.forEach((bound, index) => {
    if (index === 1 && nested) {
      part('p1', `p FOR VALUES ${bound}`, ' PARTITION BY HASH (id)')
      part('p1a', 'p1 FOR VALUES WITH (MODULUS 2, REMAINDER 0)')
      part('p1b', 'p1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)')
    } else part(`p${index}`, `p FOR VALUES ${bound}`)
  })
  const rest = c.chance(60)
  if (rest) part('pd', 'p DEFAULT')
  draft.tables.push(...c.some(parts, 1, 3))
  draft.followed.push({ table: 'p', column }, { table: c.pick(parts).name, column })
  draft.definitions.push(
    () => 'ALTER TABLE p DETACH PARTITION p0',
    () => `ALTER TABLE p ATTACH PARTITION p0 FOR VALUES ${bounds[0]}`,
    () => 'ALTER TABLE p DETACH PARTITION p2',
    () => `ALTER TABLE p ATTACH PARTITION p2 FOR VALUES ${bounds[2]}`,
    () => (rest ? 'DROP TABLE pd' : 'CREATE TABLE pd PARTITION OF p DEFAULT'),
  )
  // A key that others follow into a table in parts.
  if (by === 'id' && c.chance(40)) {
    const child = new TableDraft('pc')
    child.column('id', 'int', { notNull: true })
    child.unique.push('id')
    child.lines.push('PRIMARY KEY (id)')
    child.reference(
      c,
      'r',
      {
        name: 'p',
        columns: [{ ...(model.columns[0] as TableModel['columns'][number]), kind: kindOf(model, 'id') }],
        unique: ['id'],
      },
      draft,
    )
    child.finish(draft)
  }
}
