import type { Call } from './connection.js'
import type { Core } from './core.js'
import type { ConnectionState } from './source.js'

/** Runs a call past the cache, as the user asked. */
export async function past<R>(
  engine: Core,
  state: ConnectionState,
  call: Call<R>,
  reason: string | undefined,
  tables: readonly string[] = [],
): Promise<R> {
  if (reason !== undefined) {
    call.why = reason
    engine.bypassed(call.text, reason, tables)
  }
  try {
    return await call.passThrough()
  } finally {
    await follow(engine, state)
  }
}

/** After each statement: a transaction that ended by other words than its own had its changes committed, for all we know. */
export async function follow(engine: Core, state: ConnectionState): Promise<void> {
  if (!state.session.follow(state.connection.status())) return
  const { changes, cause, catalogs } = state.session.end()
  const { database } = state.source
  if (database) {
    await engine.delivery.deliver(database.id, changes, { text: cause, reasons: [], catalogs }, undefined)
  }
}
