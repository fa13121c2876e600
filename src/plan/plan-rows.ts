import type { Table } from '../catalog/catalog.js'
import type { Write } from '../sql/statement.js'
import { walkWrite } from '../sql/walk.js'
import { cascadesOf } from './cascades.js'
import type { Effects } from './effects.js'
import type { Planning } from './planning.js'
import { type Around, readFilter, readValues } from './row-filter.js'
import { quote, type RowWrite, unseenWrite } from './row-write.js'
import { changedWith, isFollowed, stampsOf } from './trees.js'
import { baseOf, throughView } from './updatable-view.js'

/**
 * Plans the rows of one INSERT, UPDATE or DELETE; undefined where they cannot be followed, which is told to `effects`.
 *
 * @param seen - it is the statement itself, so that its RETURNING can be widened
 */
export function planRows(
  write: Write,
  planning: Planning,
  effects: Effects,
  around: Around,
  seen: boolean,
): RowWrite | undefined {
  const table = effects.resolve(write.relation)
  if (!table) return undefined
  if (table.kind === 'view') return planView(write, table, planning, effects, around)
  if (!isFollowed(table)) {
    effects.wholeTable(table, `${table.id} is not an ordinary table`)
    return undefined
  }
  const upsert = write.kind === 'insert' && write.onConflict === 'update'
  const members = effects.members(table)
  effects.follows(table, write.kind)
  if (upsert) effects.follows(table, 'update')
  const changed = changedColumns(write, upsert, members)
  const filter = write.kind === 'insert' ? undefined : readFilter(write, table, planning, around)
  const shown = seen && !table.rowSecurity
  return {
    operation: write.kind,
    table,
    stamps: stampsOf(table),
    qualifier: quote(write.alias ?? table.name),
    pins: filter?.pins ?? [[]],
    added: write.kind === 'insert' ? readValues(write, members, planning, around) : undefined,
    changed,
    upsert,
    returning: shown,
    returns: write.returning.length > 0,
    // A CTE cannot stand in a statement of its own.
    preRead: shown && write.kind === 'update' && write.ctes.length === 0 && filter?.pure ? keyOf(table) : undefined,
    oldImages: planning.catalog.serverVersion >= 180_000 && !namesOldOrNew(write),
    cascades: cascadesOf(table, write.kind, upsert, changed, effects),
  }
}

/** A write through a view changes rows of the table that it shows: what is said of them is, too. */
function planView(
  write: Write,
  view: Table,
  planning: Planning,
  effects: Effects,
  around: Around,
): RowWrite | undefined {
  const base = baseOf(planning.catalog, view)
  const sets = write.kind === 'delete' ? [] : write.assignments.map(({ column }) => base?.columns.get(column))
  if (!base || !isFollowed(base.table) || sets.includes(undefined)) {
    effects.wholeTable(view, `${view.id} is a view that does not show the rows of one table`)
    return undefined
  }
  const { table } = base
  const upsert = write.kind === 'insert' && write.onConflict === 'update'
  const members = effects.members(table)
  effects.reads(write.relation)
  for (const relation of [view, table]) {
    effects.follows(relation, write.kind)
    if (upsert) effects.follows(relation, 'update')
  }
  effects.reasons.add(`${view.id} is a view: the rows of ${table.id} do not come back`)
  const changed = write.kind === 'update' || upsert ? changedWith(sets as string[], members) : undefined
  const filter = write.kind === 'insert' ? undefined : readFilter(write, view, planning, around)
  const added = write.kind === 'insert' ? readValues(write, [view, ...members], planning, around) : undefined
  return {
    ...unseenWrite(table, write.kind, changed, cascadesOf(table, write.kind, upsert, changed, effects)),
    pins: filter ? throughView(filter.pins, base) : [[]],
    added: added && throughView(added, base),
    upsert,
    returns: write.returning.length > 0,
  }
}

/** Columns whose value may differ after an update or an upsert (A9); `undefined` for any. */
function changedColumns(write: Write, upsert: boolean, members: readonly Table[]): readonly string[] | undefined {
  if (write.kind === 'delete' || (write.kind === 'insert' && !upsert)) return undefined
  return changedWith(
    write.assignments.map((assignment) => assignment.column),
    members,
  )
}

function keyOf(table: Table): readonly string[] | undefined {
  const key = table.keys.find((candidate) => candidate.primary) ?? table.keys.find((candidate) => !candidate.nullable)
  return key?.columns
}

function namesOldOrNew(write: Write): boolean {
  const names = new Set([write.alias ?? write.relation.name])
  walkWrite(write, {
    source: (source) => {
      if (source.kind === 'table') names.add(source.alias ?? source.relation.name)
      else if (source.kind === 'join') names.add(source.usingAlias ?? '')
      else names.add(source.alias ?? '')
    },
  })
  return names.has('old') || names.has('new')
}
