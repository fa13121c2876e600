import type { Change } from '../invalidation/dependency.js'
import { changesAnything } from '../plan/write.js'
import type { TextAnalysis } from '../sql/analysis.js'
import type { OwnFunction } from '../sql/statement.js'
import { pass } from './attempt.js'
import { writeBlind } from './blind.js'
import { coarse, EVERYTHING } from './changes.js'
import { type Call, outcomeUnknown } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { endsTransaction } from './ends-transaction.js'
import { sawOthers, unknownOutcome } from './outcomes.js'
import type { Scope } from './scope.js'
import { longer, type SettingsChange, settingsChange } from './settings-change.js'
import type { ConnectionState } from './source.js'

/** A string of several statements is the sum of them; it may have stopped anywhere (A14). `context`: why there is none. */
export async function writeSeveral<R>(
  engine: Core,
  state: ConnectionState,
  context: Context | string,
  call: Call<R>,
  text: TextAnalysis,
  scope: Scope,
): Promise<R> {
  if (typeof context === 'string') return writeBlind(engine, state, call, context, scope, false)
  const { session, connection } = state
  const changes: Change[] = []
  const commits = endsTransaction(text)
  let setting: SettingsChange = 'none'
  let locks = false
  let definitions = false
  const reasons = new Set<string>()
  const own = new Map<string, OwnFunction>()
  for (const { template, literals } of text.statements) {
    const { statement } = template
    if (statement.kind === 'transaction') {
      if (statement.verb === 'commit-prepared') changes.push({ kind: 'database', catalog: true })
      continue
    }
    const { write } = context.planner.plan(template, own)
    if (statement.kind === 'definition' && typeof statement.own === 'object') own.set(statement.own.name, statement.own)
    // Names may mean other tables behind a setting or a definition.
    if ((setting !== 'none' || definitions) && changesAnything(write)) changes.push(...EVERYTHING)
    else changes.push(...coarse(write, { params: call.params, literals }, engine.reader.limits))
    setting = longer(setting, settingsChange(statement, write, context))
    locks ||= write.locks || (write.opaque && write.database)
    definitions ||= write.catalog
    for (const reason of write.reasons) reasons.add(reason)
  }
  if (definitions) session.touchCatalog()
  state.named.forget()
  state.willSet(setting)
  call.why = 'several statements in one string'
  engine.bypassed(call.text, 'several statements in one string', [])
  session.wrote()
  let error: unknown
  let result: R | undefined
  try {
    result = await pass(engine, call)
  } catch (caught) {
    error = caught ?? new Error('cacheops: the statement failed without an error')
  }
  state.hasSet(setting)
  const status = connection.status()
  const held = [...session.queued]
  const kept = scope.noInvalidation ? [] : changes
  if (error !== undefined && outcomeUnknown(error))
    await unknownOutcome(engine, state, [...held, ...changes], call.text)
  else if (status === 'idle' || commits) {
    const { catalogs } = session.end()
    await engine.delivery.deliver(
      context.database.id,
      [...held, ...kept],
      { text: call.text, reasons: [...reasons], catalogs: [...catalogs, context.catalogStamp] },
      scope.deferred,
    )
  }
  session.follow(status)
  session.forgetSavepoints()
  if (status !== 'idle' && session.inTransaction) session.queue(kept, call.text, context.catalogStamp)
  if (definitions) session.touchCatalog()
  if (locks) {
    // Whether any is left is asked before the next read.
    state.mayHoldLocks()
  }
  if (error !== undefined) {
    await sawOthers(engine, state, changes, call.text, error)
    throw error
  }
  return result as R
}
