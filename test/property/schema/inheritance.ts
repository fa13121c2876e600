import type { Choices } from '../choices.js'
import { declared } from '../kinds.js'
import { type Draft, plainColumn, settable, type TableModel } from './model.js'
import { usualKind } from './tables.js'

/** A table whose rows are its parent's too, with a column of its own; perhaps one below that. */
export function addChild(c: Choices, draft: Draft): void {
  const able = draft.tables.filter((table) => !table.part && !table.partitioned)
  let parent = c.pick(able)
  for (let level = 0, levels = 1 + c.int(2); level < levels; level++) {
    const name = `kid${level}`
    const kind = usualKind(c)
    const columns = [...parent.columns, plainColumn(`x${level}`, kind)]
    draft.ddl.push(`CREATE TABLE ${name} (x${level} ${declared(kind)}) INHERITS (${parent.name})`)
    const keyed = parent.key.length === 1 && c.chance(50)
    if (keyed) draft.ddl.push(`ALTER TABLE ${name} ADD PRIMARY KEY (id)`)
    const child: TableModel = {
      name,
      columns,
      key: keyed ? ['id'] : [],
      unique: keyed ? ['id'] : [],
      unreferable: true,
    }
    draft.tables.push(child)
    const moved = c.pick(settable(parent))
    draft.followed.push({ table: parent.name, column: moved.name }, { table: name, column: moved.name })
    const above = parent.name
    draft.definitions.push(
      () => `ALTER TABLE ${name} NO INHERIT ${above}`,
      () => `ALTER TABLE ${name} INHERIT ${above}`,
    )
    parent = child
  }
}
