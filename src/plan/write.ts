import type { Catalog } from '../catalog/catalog.js'
import type { Statement, Write } from '../sql/statement.js'
import { type Visitor, walkQuery, walkWrite } from '../sql/walk.js'
import { type Declarations, Effects } from './effects.js'
import type { PlanLimits } from './read.js'
import { planRows, type RowWrite } from './row-write.js'

export interface WritePlan {
  readonly kind: 'write'
  readonly rows: RowWrite | undefined
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
  return plan.rows !== undefined || plan.tables.length > 0 || plan.database
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
  let rows: RowWrite | undefined
  switch (statement.kind) {
    case 'select':
      effects.locks ||= statement.locks
      walkEffects(effects, (visitor) => walkQuery(statement.query, visitor))
      break
    case 'write': {
      walkEffects(effects, (visitor) => walkWrite(statement.write, visitor), statement.write)
      const table = effects.resolve(statement.write.relation)
      if (table) rows = planRows(statement.write, table, catalog, searchPath, effects, limits)
      break
    }
    case 'table-write':
      for (const relation of statement.relations) {
        const table = effects.resolve(relation)
        if (!table) continue
        if (statement.command === 'truncate') effects.truncate(table, statement.cascade)
        else
          effects.wholeTable(
            table,
            `${statement.command.toUpperCase()} does not say which rows of ${table.id} it changes`,
          )
      }
      for (const call of statement.calls ?? []) effects.call(call.schema, call.name)
      break
    case 'definition':
      effects.everything(`${statement.command} changes definitions`, true)
      break
    case 'opaque':
      if (statement.writes) effects.everything(statement.reason, true)
      else if (statement.calls === undefined) effects.everything(statement.reason, true)
      else {
        for (const call of statement.calls) effects.call(call.schema, call.name)
        for (const relation of statement.relations) effects.reads(relation)
      }
      effects.locks ||= statement.locks
      break
    case 'lock':
      effects.locks = true
      break
    case 'setting':
      effects.opaque = true
      break
    case 'execute':
      effects.everything(`EXECUTE ${statement.name} may do anything`, true)
      break
    case 'transaction':
    case 'prepare':
    case 'deallocate':
    case 'harmless':
    case 'empty':
      break
  }
  return {
    kind: 'write',
    rows,
    tables: [...effects.tables.keys()],
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

/** Functions that are called anywhere, and writes in CTEs. */
function walkEffects(effects: Effects, walk: (visitor: Visitor) => void, own?: Write): void {
  walk({
    expr: (expr) => {
      if (expr.kind === 'call') effects.call(expr.schema, expr.name)
    },
    source: (source) => {
      if (source.kind === 'table') effects.reads(source.relation)
    },
    write: (write) => {
      if (write === own) return
      const table = effects.resolve(write.relation)
      if (table) effects.wholeTable(table, `a CTE writes to ${table.id}`)
    },
  })
}
