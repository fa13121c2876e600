import type { Change } from '../invalidation/dependency.js'
import type { CallValues } from '../invalidation/template.js'
import { stampsOf } from '../plan/trees.js'
import type { WritePlan } from '../plan/write.js'
import { coarse } from './changes.js'
import { outcomeUnknown, sqlState } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import type { ConnectionState } from './source.js'

/** What the error of a write says of what was changed, by it and by others. */
export async function writeFailed(
  engine: Core,
  state: ConnectionState,
  context: Context,
  plan: WritePlan,
  values: CallValues,
  error: unknown,
  autocommit: boolean,
  text: string,
): Promise<void> {
  const changes = coarse(plan, values, engine.reader.limits)
  if (outcomeUnknown(error)) {
    if (autocommit) await unknownOutcome(engine, state, changes, text)
    // A later COMMIT of this transaction may still carry it.
    else if (state.session.inTransaction) state.session.queue(changes, text, context.catalogStamp)
    return
  }
  state.session.follow(state.connection.status())
  // CALL and DO may have committed before they failed (A14).
  if (plan.opaque && plan.database && !neverRan(error)) {
    await engine.delivery.deliverQuietly(context.database.id, changes, { text, reasons: plan.reasons })
  }
  if (!tellsOfOthers(error)) return
  const written = new Set([...(plan.rows ? [plan.rows] : []), ...plan.unseen].map((write) => write.stamps))
  const tables = new Set([...written, ...plan.tables])
  // A foreign key that was not met tells of the other table.
  for (const table of context.catalog.tables.values()) {
    for (const { child } of table.references) {
      if (written.has(stampsOf(child))) tables.add(stampsOf(table))
      if (written.has(stampsOf(table))) tables.add(stampsOf(child))
    }
  }
  await sawOthers(
    engine,
    state,
    [...tables].map((table): Change => ({ kind: 'table', table })),
    text,
    error,
  )
}

/** A13: what failed for another's commit tells that it is there: its tables are dropped, and read past for a moment. */
export async function sawOthers(
  engine: Core,
  state: ConnectionState,
  changes: readonly Change[],
  cause: string,
  error: unknown,
): Promise<void> {
  const { database } = state.source
  if (!database || changes.length === 0 || !tellsOfOthers(error)) return
  const tables = [...new Set(changes.flatMap((change) => ('table' in change ? [change.table] : [])))]
  engine.delivery.grace(database.id, tables)
  const reasons = [`it failed with ${sqlState(error)}: another's commit may be visible`]
  const whole = tables.map((table): Change => ({ kind: 'table', table }))
  await engine.delivery.deliverQuietly(database.id, whole, { text: cause, reasons })
}

/** A2: it may be committed any moment. The tables are blocked until the outcome is known. */
export async function unknownOutcome(
  engine: Core,
  state: ConnectionState,
  changes: readonly Change[],
  cause: string,
): Promise<void> {
  const { database } = state.source
  if (!database || changes.length === 0) return
  const whole = changes.some((change) => change.kind === 'database' || change.kind === 'everything')
  const tables = whole
    ? 'database'
    : [...new Set(changes.map((change) => (change as { readonly table: string }).table))]
  await engine.settle(state, database, tables, cause)
}

/** The server could not parse the text: an error of syntax that no function inside reports. */
function neverRan(error: unknown): boolean {
  const { where, internalQuery } = error as { where?: unknown; internalQuery?: unknown }
  return sqlState(error) === '42601' && where === undefined && internalQuery === undefined
}

/** A constraint or a conflict: the server has seen another's commit (A13). */
function tellsOfOthers(error: unknown): boolean {
  return /^(?:23|40)/.test(sqlState(error) ?? '')
}
