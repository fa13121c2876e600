import type { ForeignKeyAction, Reference, Table } from '../catalog/catalog.js'
import { changedWith, isFollowed, stampsOf } from './trees.js'

export type RowOperation = 'insert' | 'update' | 'delete'

/** What a foreign key does to the referencing rows of a row that is deleted, or whose key is changed. */
export interface Cascade {
  readonly on: 'delete' | 'update'
  /** By what stamps and changes know the referencing table. */
  readonly child: string
  /** Pairs of columns whose values are the same and keyed alike; others of the key are left out. */
  readonly columns: readonly { readonly parent: string; readonly child: string }[]
  readonly action: 'cascade' | 'set null' | 'set default'
  /** Columns of the child that the action sets. */
  readonly sets: readonly string[]
  /** Columns of the child that may differ afterwards, `undefined` for any: triggers and generated columns add to `sets`. */
  readonly changed: readonly string[] | undefined
  /** What the child's change does in its turn. */
  readonly next: readonly Cascade[]
  /** The child, and all that `next` reaches. */
  readonly reaches: readonly string[]
}

/** What is told of what the actions do beyond the rows that they reach. */
export interface FollowUp {
  members(table: Table): readonly Table[]
  /** Triggers, defaults and constraints run. */
  follows(table: Table, event: RowOperation): void
  wholeTable(table: Table, reason: string): void
}

/** Longer chains of keys are rare; whole tables are enough for them. */
const LONGEST_CHAIN = 4

/** Whether a foreign key's action changes the referencing rows. */
export function acts(action: ForeignKeyAction): action is Cascade['action'] {
  return action === 'cascade' || action === 'set null' || action === 'set default'
}

/** What foreign keys do in consequence of a write of the table's rows; what is not known by row is told to `effects`. */
export function cascadesOf(
  table: Table,
  operation: RowOperation,
  upsert: boolean,
  changed: readonly string[] | undefined,
  effects: FollowUp,
): readonly Cascade[] {
  return cascades(table, operation, upsert, changed, effects, [table])
}

/** @param chain - the tables from the first to this one: a key that leads back changes whoever knows which rows */
function cascades(
  table: Table,
  operation: RowOperation,
  upsert: boolean,
  changed: readonly string[] | undefined,
  effects: FollowUp,
  chain: readonly Table[],
): readonly Cascade[] {
  const all: Cascade[] = []
  const seen = new Set<string>()
  const follow = (reference: Reference, on: Cascade['on'], action: ForeignKeyAction): void => {
    if (!acts(action)) return
    const { child } = reference
    const again = chain.length > 1 && chain.includes(child)
    if (again || chain.length >= LONGEST_CHAIN || !isFollowed(child)) {
      effects.wholeTable(child, `the action of a key reaches ${child.id} through ${table.id}`)
      return
    }
    // Partitions repeat the keys of their root.
    const name = JSON.stringify([on, action, child.stampId, reference.childColumns, reference.parentColumns])
    if (seen.has(name)) return
    seen.add(name)
    all.push(cascade(table, reference, on, action, effects, chain))
  }
  for (const member of effects.members(table)) {
    for (const reference of member.references) {
      if (operation === 'delete') follow(reference, 'delete', reference.onDelete)
      const rekeyed = changed === undefined || reference.parentColumns.some((column) => changed.includes(column))
      if ((operation === 'update' || upsert) && rekeyed) follow(reference, 'update', reference.onUpdate)
    }
  }
  return all
}

function cascade(
  table: Table,
  reference: Reference,
  on: Cascade['on'],
  action: Cascade['action'],
  effects: FollowUp,
  chain: readonly Table[],
): Cascade {
  const { child } = reference
  const deletes = on === 'delete' && action === 'cascade'
  // The list of SET NULL (a, b) is for deletes alone.
  const sets = deletes ? [] : on === 'update' || action === 'cascade' ? reference.childColumns : reference.setColumns
  const event = deletes ? 'delete' : 'update'
  const changed = deletes ? undefined : changedWith(sets, effects.members(child))
  effects.follows(child, event)
  const next = cascades(child, event, false, changed, effects, [...chain, child])
  return {
    on,
    child: stampsOf(child),
    columns: alike(table, reference),
    action,
    sets,
    changed,
    next,
    reaches: [stampsOf(child), ...next.flatMap((further) => further.reaches)],
  }
}

/** The columns of the key whose values in parent and child are spelled, and keyed, alike (A23). */
function alike(table: Table, { child, childColumns, parentColumns }: Reference): Cascade['columns'] {
  return childColumns.flatMap((name, index) => {
    const parent = table.column.get(parentColumns[index] as string)
    const own = child.column.get(name)
    const same =
      parent !== undefined &&
      own !== undefined &&
      own.keyType !== 'other' &&
      parent.typeOid === own.typeOid &&
      parent.collationOid === own.collationOid
    return same ? [{ parent: parent.name, child: own.name }] : []
  })
}
