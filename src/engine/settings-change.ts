import { PURE_FUNCTIONS } from '../plan/functions.js'
import type { WritePlan } from '../plan/write.js'
import type { Expr, Query, Statement } from '../sql/statement.js'
import { walkQuery } from '../sql/walk.js'
import type { Context } from './database.js'

/** How long what a statement does to settings may last (A5). */
export type SettingsChange = 'none' | 'transaction' | 'session'

/** Settings that change no answer, and not whether one may be kept. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  (
    'application_name statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout ' +
    'transaction_timeout client_min_messages synchronous_commit work_mem jit log_statement log_min_duration_statement'
  ).split(' '),
)

/** What a statement does to settings. `plan` and `context` are of no account for SET itself. */
export function settingsChange(
  statement: Statement,
  plan: Pick<WritePlan, 'opaque'> | undefined,
  context: Context | undefined,
): SettingsChange {
  if (statement.kind === 'setting') {
    if (statement.local) return 'transaction'
    return statement.name !== undefined && WITHOUT_EFFECT.has(statement.name.toLowerCase()) ? 'none' : 'session'
  }
  if (!plan?.opaque) return 'none'
  const local =
    statement.kind === 'select' && !context?.catalog.functions.has('set_config') && setsLocally(statement.query)
  return local ? 'transaction' : 'session'
}

export function longer(one: SettingsChange, other: SettingsChange): SettingsChange {
  if (one === 'session' || other === 'session') return 'session'
  return one === 'none' ? other : one
}

/** `set_config(…, …, true)`, and nothing else that could set. */
function setsLocally(query: Query): boolean {
  let local = true
  walkQuery(query, {
    expr: (expr) => {
      if (expr.kind !== 'call' || PURE_FUNCTIONS.has(expr.name)) return
      local &&= expr.name === 'set_config' && isTrue(expr.args[2])
    },
    // A view may call anything.
    source: () => {
      local = false
    },
    write: () => {
      local = false
    },
  })
  return local
}

function isTrue(expr: Expr | undefined): boolean {
  return expr?.kind === 'constant' && expr.value === true
}
