import type { MaybePromise } from '../base/vocabulary.js'
import type { Change } from '../invalidation/dependency.js'
import { changesAnything } from '../plan/write.js'
import { coarse, EVERYTHING } from './changes.js'
import { outcomeUnknown } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { endsTransaction } from './ends-transaction.js'
import { unknownOutcome } from './outcomes.js'
import type { Scope } from './scope.js'
import { longer, type SettingsChange, settingsChange } from './settings-change.js'
import type { ConnectionState } from './source.js'

/** A statement that its driver runs by itself: a cursor, a stream, a COPY. */
export interface Stream {
  /** Called when the server has ended it, before the caller is told; resolves when what it wrote is dropped (B5). */
  end(error?: unknown): Promise<void>
}

/** Notes a statement that passes the cache on its own wheels. Asynchronous only where the session's context is not known yet. */
export function beginStream(
  engine: Core,
  state: ConnectionState,
  text: string | undefined,
  scope: Scope,
  context: () => MaybePromise<Context | string>,
): MaybePromise<Stream> {
  const known = context()
  return known instanceof Promise
    ? known.then((late) => makeStream(engine, state, text, scope, late))
    : makeStream(engine, state, text, scope, known)
}

function makeStream(
  engine: Core,
  state: ConnectionState,
  text: string | undefined,
  scope: Scope,
  context: Context | string,
): Stream {
  const { session, connection } = state
  const changes: Change[] = []
  const reasons = new Set<string>(['a cursor or stream brings no images'])
  let setting: SettingsChange = 'none'
  let locks = false
  let known = false
  let ends = true
  if (text !== undefined && typeof context !== 'string') {
    known = true
    const analysis = engine.analyze(text, { lift: context.settings.liftable })
    ends = endsTransaction(analysis)
    for (const { template, literals } of analysis.statements) {
      if (template.statement.kind === 'transaction') continue
      const { write } = context.planner.plan(template)
      // The driver keeps the parameters to itself.
      if (changesAnything(write)) changes.push(...coarse(write, { params: [], literals }, engine.reader.limits))
      setting = longer(setting, settingsChange(template.statement, write, context))
      locks ||= write.locks || (write.opaque && write.database)
      if (write.catalog) session.touchCatalog()
      for (const reason of write.reasons) reasons.add(reason)
    }
  }
  state.named.forget()
  const cause = text ?? 'a statement whose text is not known'
  if (changes.length === 0) engine.bypassed(cause, 'a cursor or stream', [])
  if (changes.length > 0 || !known) session.wrote()
  const inside = session.inTransaction
  const set = known ? setting : 'session'
  state.willSet(set)
  session.started()
  let over = false
  return {
    async end(error) {
      if (over) return
      over = true
      session.ended()
      state.hasSet(set)
      if (locks || !known) state.mayHoldLocks()
      session.forgetSavepoints()
      const own = known ? changes : EVERYTHING
      const kept = scope.noInvalidation ? [] : own
      const held = session.queued
      const lost = error !== undefined && outcomeUnknown(error)
      const ended = session.follow(connection.status())
      const catalogs = typeof context === 'string' ? [] : [context.catalogStamp]
      // What failed may have committed before it failed, and what is in a transaction waits for its end (A14).
      const committed = ended ? session.end().changes : ends && inside ? held : []
      if (session.inTransaction) session.queue(kept, cause, catalogs[0])
      if (session.inTransaction && !ends && inside) return
      if (lost) await unknownOutcome(engine, state, [...committed, ...own], cause)
      const all = [...committed, ...kept]
      const { database } = state.source
      if (!database) {
        if (all.length > 0) await engine.everythingOf(state.source, cause, 'its text is not known', scope)
        return
      }
      await engine.delivery.deliver(database.id, all, { text: cause, reasons: [...reasons], catalogs }, scope.deferred)
    },
  }
}
