import type { SettingStatement } from '../statement.js'
import { flagOf, listOf, NotUnderstood, only, type Raw, textOf } from './raw.js'
import { constantText, isolationNamed, isolationOf } from './transactions.js'

export function setting(type: string, body: Raw): SettingStatement {
  if (type === 'DiscardStmt') {
    const target = textOf(body, 'target') ?? ''
    return { kind: 'setting', name: target.toLowerCase().replace('_', ' '), local: false, many: true }
  }
  only(type, body, ['kind', 'name', 'args', 'is_local', 'jumble_args', 'location'])
  const name = textOf(body, 'name')
  const local = flagOf(body, 'is_local')
  switch (body.kind) {
    case 'VAR_RESET_ALL':
      return { kind: 'setting', local: false, many: true }
    case 'VAR_SET_MULTI':
      return several(name, body)
    case 'VAR_SET_VALUE':
    case 'VAR_SET_DEFAULT':
    case 'VAR_SET_CURRENT':
    case 'VAR_RESET':
      if (name === undefined) throw new NotUnderstood('SET without a name')
      return { kind: 'setting', name, local, ...isolationSet(name, body), many: false }
    default:
      throw new NotUnderstood('an unknown SET')
  }
}

/** SET TRANSACTION, SET TRANSACTION SNAPSHOT, SET SESSION CHARACTERISTICS. */
function several(name: string | undefined, body: Raw): SettingStatement {
  switch (name) {
    case 'TRANSACTION':
      return { kind: 'setting', name: 'transaction', local: true, ...isolationOf(listOf(body, 'args')), many: false }
    case 'TRANSACTION SNAPSHOT':
      return { kind: 'setting', name: 'transaction snapshot', local: true, many: false }
    case 'SESSION CHARACTERISTICS':
      return {
        kind: 'setting',
        name: 'session characteristics',
        local: false,
        ...isolationOf(listOf(body, 'args')),
        many: true,
      }
    default:
      throw new NotUnderstood('an unknown SET of several settings')
  }
}

/** `SET transaction_isolation = 'serializable'` is SET TRANSACTION in other words. */
function isolationSet(name: string, body: Raw): Pick<SettingStatement, 'isolation'> {
  const [value, ...more] = listOf(body, 'args')
  if (value === undefined || more.length > 0) return {}
  if (name !== 'transaction_isolation' && name !== 'default_transaction_isolation') return {}
  return { isolation: isolationNamed(constantText(value)) }
}
