import { PURE_FUNCTIONS } from '../plan/functions.js'
import type { TextAnalysis } from '../sql/analysis.js'
import { walkQuery } from '../sql/walk.js'
import { pass } from './attempt.js'
import { EVERYTHING } from './changes.js'
import { type Call, outcomeUnknown } from './connection.js'
import type { Core } from './core.js'
import { endsTransaction } from './ends-transaction.js'
import { unknownOutcome } from './outcomes.js'
import type { Scope } from './scope.js'
import type { ConnectionState } from './source.js'

/** Nothing is known of the database: a write drops everything; a query only where it calls what may write. */
export async function writeBlind<R>(
  engine: Core,
  state: ConnectionState,
  call: Call<R>,
  reason: string,
  scope: Scope,
  query: boolean,
): Promise<R> {
  const { session, connection, source } = state
  const text = engine.analyze(call.text)
  const mayWrite = !query || callsUnknown(text)
  const locks =
    mayWrite || text.statements.some(({ template: { statement } }) => statement.kind === 'select' && statement.locks)
  state.named.forget()
  call.why = reason
  engine.bypassed(call.text, reason, [])
  if (mayWrite) {
    session.wrote()
    state.willSet('session')
  }
  let unknown = false
  try {
    return await pass(engine, call)
  } catch (error) {
    unknown = mayWrite && outcomeUnknown(error)
    throw error
  } finally {
    const ended = session.follow(connection.status())
    session.forgetSavepoints()
    if (ended) session.end()
    if (locks) state.mayHoldLocks()
    state.hasSet(mayWrite ? 'session' : 'none')
    if (unknown) await unknownOutcome(engine, state, EVERYTHING, call.text)
    if (mayWrite && !scope.noInvalidation) {
      if (session.inTransaction) session.queue(EVERYTHING, call.text)
      if (!session.inTransaction || endsTransaction(text)) await engine.everythingOf(source, call.text, reason, scope)
    }
  }
}

function callsUnknown(text: TextAnalysis): boolean {
  let unknown = false
  for (const { template } of text.statements) {
    if (template.statement.kind !== 'select') return true
    walkQuery(template.statement.query, {
      expr: (expr) => {
        if (expr.kind === 'call' && !PURE_FUNCTIONS.has(expr.name)) unknown = true
      },
      write: () => {
        unknown = true
      },
    })
  }
  return unknown
}
