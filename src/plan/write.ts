import type { Catalog } from '../catalog/catalog.js'
import type { ConjTemplate } from '../invalidation/template.js'
import type {
  OpaqueStatement,
  OwnFunction,
  ProgramCode,
  Statement,
  TableWriteStatement,
  Write,
} from '../sql/statement.js'
import { type Visitor, walkQuery, walkWrite } from '../sql/walk.js'
import type { Declarations } from './called-functions.js'
import { Effects } from './effects.js'
import { planRows } from './plan-rows.js'
import type { Planning } from './planning.js'
import { sourcesOf } from './projection.js'
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

const NONE: ReadonlyMap<string, OwnFunction> = new Map()

/**
 * Plans the effects of any statement that is not a transaction's verb; a plain read's may be none.
 *
 * @param own - functions of the session's temporary schema that are known
 */
export function planWrite(
  statement: Statement,
  catalog: Catalog,
  searchPath: readonly string[],
  declared: Declarations,
  limits: PlanLimits,
  own: ReadonlyMap<string, OwnFunction> = NONE,
): WritePlan {
  const effects = new Effects(catalog, searchPath, declared, own)
  return concluded(effects, plan(statement, { catalog, searchPath, limits }, effects, true))
}

function concluded(effects: Effects, rows: RowWrite | undefined): WritePlan {
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

/** The same of a statement that another runs: its rows do not come back, and its parameters are not the caller's. */
export function planInner(
  statement: Statement,
  catalog: Catalog,
  searchPath: readonly string[],
  declared: Declarations,
  limits: PlanLimits,
): WritePlan {
  const effects = new Effects(catalog, searchPath, declared, NONE)
  plan(statement, { catalog, searchPath, limits }, effects, false)
  const write = concluded(effects, undefined)
  const unseen = write.unseen.map((rows) => ({ ...rows, pins: withoutParams(rows.pins), added: undefined }))
  return { ...write, unseen }
}

function withoutParams(pins: readonly ConjTemplate[]): readonly ConjTemplate[] {
  return pins.map((conj) =>
    conj.filter((restriction) => sourcesOf(restriction).every(({ kind }) => kind === 'constant')),
  )
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
      // An event trigger may do anything.
      if (statement.inert && planning.catalog.opaque === undefined) {
        effects.locks = true
        return undefined
      }
      if (statement.own && planning.catalog.opaque === undefined) return undefined
      if (statement.runs) plan(statement.runs, planning, effects, false)
      effects.everything(`${statement.command} changes definitions`, true)
      return undefined
    case 'opaque':
      effects.locks ||= statement.locks
      if (statement.runs) plan(statement.runs, planning, effects, false)
      else if (statement.code) planCode(statement, statement.code, effects)
      else if (statement.writes || statement.calls === undefined) effects.everything(statement.reason, true)
      else {
        for (const call of statement.calls) effects.call(call.schema, call.name)
        for (const relation of statement.relations) effects.reads(relation)
        effects.hidden()
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
        if (!statement.actions) effects.wholeTable(table, reason)
        for (const { operation, columns } of statement.actions ?? []) {
          effects.unknownRows(table, operation, columns, reason)
        }
        break
      case 'refresh':
        effects.wholeTable(table, reason)
    }
  }
  for (const call of statement.calls ?? []) effects.call(call.schema, call.name)
  for (const relation of statement.reads ?? []) effects.reads(relation)
  if (statement.command !== 'truncate') effects.hidden()
}

/** DO and CALL may set anything (A5). What commits cannot be read, and so is everything. */
function planCode({ calls = [] }: OpaqueStatement, code: ProgramCode | 'calls', effects: Effects): void {
  effects.opaque = true
  for (const call of calls) effects.call(call.schema, call.name)
  if (code === 'calls') effects.hidden()
  else effects.code(code, 'the DO block')
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
