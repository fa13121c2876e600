import type { Catalog } from '../catalog/catalog.js'
import type { Statement, TableWriteStatement, Write } from '../sql/statement.js'
import { type Visitor, walkQuery, walkWrite } from '../sql/walk.js'
import { type Declarations, Effects } from './effects.js'
import { planRows } from './plan-rows.js'
import type { Planning } from './planning.js'
import type { PlanLimits } from './read.js'
import { ALONE, around, writesBeside } from './row-filter.js'
import type { RowWrite } from './row-write.js'

export interface WritePlan {
  readonly kind: 'write'
  /** The statement's own write: its rows can come back. */
  readonly rows: RowWrite | undefined
  /** Writes of rows that do not come back: of CTEs, of functions, of statements inside others. */
  readonly unseen: readonly RowWrite[]
  /** Ids of tables of which any row may change. */
  readonly tables: readonly string[]
  readonly database: boolean
  readonly catalog: boolean
  readonly opaque: boolean
  readonly locks: boolean
  /** Locks of the session's own, that outlive the transaction. */
  readonly sessionLocks: boolean
  /** Locks of the session may have been released. */
  readonly unlocks: boolean
  /** It calls functions that are not known to be pure: only the catalog says what they do. */
  readonly calls: boolean
  readonly reasons: readonly string[]
}

/** Whether a plan changes anything that others could have cached. */
export function changesAnything(plan: WritePlan): boolean {
  return plan.rows !== undefined || plan.unseen.length > 0 || plan.tables.length > 0 || plan.database
}

/** Plans the effects of any statement that is not a transaction's verb; a plain read's may be none. */
export function planWrite(
  statement: Statement,
  catalog: Catalog,
  searchPath: readonly string[],
  declared: Declarations,
  limits: PlanLimits,
): WritePlan {
  const effects = new Effects(catalog, searchPath, declared)
  const rows = plan(statement, { catalog, searchPath, limits }, effects, true)
  return {
    kind: 'write',
    rows,
    unseen: effects.unseen,
    tables: [...effects.tables],
    database: effects.database,
    catalog: effects.catalog,
    opaque: effects.opaque,
    locks: effects.locks,
    sessionLocks: effects.sessionLocks,
    unlocks: effects.unlocks,
    calls: effects.calls,
    reasons: [...effects.reasons],
  }
}

/** @param seen - what the statement returns comes back: it does not stand inside another */
function plan(statement: Statement, planning: Planning, effects: Effects, seen: boolean): RowWrite | undefined {
  switch (statement.kind) {
    case 'select': {
      const { query } = statement
      effects.locks ||= statement.locks
      planParts((visitor) => walkQuery(query, visitor), planning, effects)
      return undefined
    }
    case 'write': {
      const { write } = statement
      const walk = (visitor: Visitor): void => walkWrite(write, visitor)
      planParts(walk, planning, effects, write)
      const rows = planRows(write, planning, effects, writesBeside(write) ? around(walk, write) : ALONE, seen)
      if (seen || !rows) return rows
      effects.unseen.push(rows)
      return undefined
    }
    case 'table-write':
      planTables(statement, effects)
      return undefined
    case 'definition':
      if (statement.runs) plan(statement.runs, planning, effects, false)
      effects.everything(`${statement.command} changes definitions`, true)
      return undefined
    case 'opaque':
      effects.locks ||= statement.locks
      if (statement.runs) plan(statement.runs, planning, effects, false)
      else if (statement.writes || statement.calls === undefined) effects.everything(statement.reason, true)
      else {
        for (const call of statement.calls) effects.call(call.schema, call.name)
        for (const relation of statement.relations) effects.reads(relation)
      }
      return undefined
    case 'lock':
      effects.locks = true
      return undefined
    case 'setting':
      effects.opaque = true
      return undefined
    case 'execute':
      effects.everything(`EXECUTE ${statement.name} may do anything`, true)
      return undefined
    case 'transaction':
    case 'prepare':
    case 'deallocate':
    case 'harmless':
    case 'empty':
      return undefined
  }
}

function planTables(statement: TableWriteStatement, effects: Effects): void {
  for (const relation of statement.relations) {
    const table = effects.resolve(relation)
    if (!table) continue
    const reason = `${statement.command.toUpperCase()} does not say which rows of ${table.id} it changes`
    switch (statement.command) {
      case 'truncate':
        effects.truncate(table, statement.cascade)
        break
      case 'copy-from':
        effects.unknownRows(table, 'insert', undefined, reason)
        break
      case 'merge':
      case 'refresh':
        effects.wholeTable(table, reason)
    }
  }
  for (const call of statement.calls ?? []) effects.call(call.schema, call.name)
}

/** What is called anywhere, views that are read, and writes in CTEs. */
function planParts(walk: (visitor: Visitor) => void, planning: Planning, effects: Effects, own?: Write): void {
  effects.conversions()
  walk({
    expr: (expr) => effects.expression(expr),
    source: (source) => {
      if (source.kind === 'table') effects.reads(source.relation)
    },
    write: (write) => {
      if (write === own) return
      effects.reasons.add(`a CTE writes to ${write.relation.name}: its rows do not come back`)
      const rows = planRows(write, planning, effects, around(walk, write), false)
      if (rows) effects.unseen.push(rows)
    },
  })
}
