import type { Reference, Table } from '../catalog/catalog.js'
import { acts, type Effects } from './effects.js'

/** What a foreign key does to the referencing rows of a row that is deleted, or whose key is changed. */
export interface Cascade {
  readonly on: 'delete' | 'update'
  readonly child: string
  /** Pairs of columns whose values are the same and keyed alike; others of the key are left out. */
  readonly columns: readonly { readonly parent: string; readonly child: string }[]
  readonly action: 'cascade' | 'set null' | 'set default'
  /** Columns of the child that the action sets. */
  readonly sets: readonly string[]
  /** A trigger or a generated column may change more of the child. */
  readonly anyColumn: boolean
}

/** What foreign keys do in consequence of a write of the table's rows; what is not known by row is told to `effects`. */
export function cascadesOf(
  table: Table,
  operation: 'insert' | 'update' | 'delete',
  upsert: boolean,
  changed: readonly string[] | undefined,
  effects: Effects,
): readonly Cascade[] {
  const cascades: Cascade[] = []
  for (const reference of table.references) {
    if (operation === 'delete' && acts(reference.onDelete)) {
      cascades.push(cascade(table, reference, 'delete', effects))
    }
    const rekeyed = changed === undefined || reference.parentColumns.some((column) => changed.includes(column))
    if ((operation === 'update' || upsert) && rekeyed && acts(reference.onUpdate)) {
      cascades.push(cascade(table, reference, 'update', effects))
    }
  }
  return cascades
}

function cascade(table: Table, reference: Reference, on: 'delete' | 'update', effects: Effects): Cascade {
  const { child } = reference
  const action = (on === 'delete' ? reference.onDelete : reference.onUpdate) as Cascade['action']
  const deletes = on === 'delete' && action === 'cascade'
  // The list of SET NULL (a, b) is for deletes alone.
  const sets = deletes ? [] : on === 'update' || action === 'cascade' ? reference.childColumns : reference.setColumns
  const event = deletes ? 'delete' : 'update'
  // A9: a trigger or a generated column may change more of the child than the key sets.
  const anyColumn =
    child.triggers.some((trigger) => trigger.timing === 'before' && trigger.level === 'row') ||
    child.columns.some((column) => column.generated)
  // Rows of a partitioned or inherited child live elsewhere, with triggers and keys of their own.
  if (child.kind !== 'table' || child.inherits)
    effects.wholeTable(child, `a key's action reaches ${child.id}, which is not an ordinary table`)
  effects.triggers(child, event)
  if (!deletes) effects.defaults(child)
  // Children of the child: which of their rows is not known from here.
  for (const next of child.references) {
    const rekeyed = anyColumn || next.parentColumns.some((column) => sets.includes(column))
    const follows = deletes ? acts(next.onDelete) : acts(next.onUpdate) && rekeyed
    if (follows) effects.wholeTable(next.child, `a cascade reaches ${next.child.id} through ${child.id}`)
  }
  if (child.rules) effects.everything(`${child.id} has rules`)
  const columns = reference.childColumns.flatMap((name, index) => {
    const parent = table.column.get(reference.parentColumns[index] as string)
    const own = child.column.get(name)
    const alike =
      parent !== undefined &&
      own !== undefined &&
      own.keyType !== 'other' &&
      parent.typeOid === own.typeOid &&
      parent.collationOid === own.collationOid
    return alike ? [{ parent: parent.name, child: own.name }] : []
  })
  return { on, child: child.id, columns, action, sets, anyColumn }
}
