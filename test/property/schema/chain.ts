import type { Choices } from '../choices.js'
import { anyValue, declared, literal } from '../kinds.js'
import type { Draft } from './model.js'
import { actions, TableDraft } from './tables.js'

/** Foreign keys over three or four levels, each by the key or by a code of its own: what goes or moves goes down all of them. */
export function addChain(c: Choices, draft: Draft): void {
  const kind = c.pick(['int', 'text', 'int'] as const)
  const levels = 3 + c.int(2)
  // One way all down, or each level its own.
  const down = c.pick([
    () => 'ON DELETE CASCADE ON UPDATE CASCADE',
    () => 'ON DELETE SET NULL ON UPDATE CASCADE',
    () => 'ON DELETE CASCADE ON UPDATE SET NULL',
    () => actions(c, c.chance(50)),
    () => actions(c),
  ])
  let above: { readonly name: string; readonly to: string } | undefined
  for (let index = 0; index < levels; index++) {
    const table = new TableDraft(`t${index}`)
    table.column('id', kind, { notNull: true })
    // By which the next level refers: the key itself, which may refer upwards too, or the reference.
    let to = 'id'
    if (above) {
      const column = c.chance(35) ? 'id' : 'r'
      const hasDefault = c.chance(40)
      const value = literal(kind, anyValue(kind, c))
      if (column === 'r') table.column('r', kind, { hasDefault }, hasDefault ? ` DEFAULT ${value}` : '')
      table.lines.push(`FOREIGN KEY (${column}) REFERENCES ${above.name} (${above.to}) ${down()}`)
      draft.references.push({ child: table.name, column, parent: above.name, to: above.to })
      draft.followed.push({ table: table.name, column }, { table: table.name, column })
      if (column === 'r' && c.chance(45)) {
        table.lines.push('UNIQUE (r)')
        table.unique.push('r')
        to = 'r'
      }
    }
    table.unique.push('id')
    table.lines.push('PRIMARY KEY (id)')
    if (c.chance(40)) table.plain(c, 1)
    if (index > 0 && c.chance(20)) {
      table.lines.push(`u ${declared(kind)} REFERENCES ${table.name} (id) ${actions(c)}`)
      table.columns.push({ name: 'u', kind, notNull: false, generated: false, hasDefault: false })
      draft.references.push({ child: table.name, column: 'u', parent: table.name, to: 'id' })
      draft.followed.push({ table: table.name, column: 'u' })
    }
    table.finish(draft)
    above = { name: table.name, to }
  }
}
