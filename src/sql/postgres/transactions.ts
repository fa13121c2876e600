import type { TransactionStatement, TransactionVerb } from '../statement.js'
import { bodyOf, expectNode, flagOf, listOf, NotUnderstood, nodeOf, only, type Raw, textOf } from './raw.js'

const VERBS: ReadonlyMap<unknown, TransactionVerb> = new Map<unknown, TransactionVerb>([
  ['TRANS_STMT_BEGIN', 'begin'],
  ['TRANS_STMT_START', 'begin'],
  ['TRANS_STMT_COMMIT', 'commit'],
  ['TRANS_STMT_ROLLBACK', 'rollback'],
  ['TRANS_STMT_SAVEPOINT', 'savepoint'],
  ['TRANS_STMT_RELEASE', 'release'],
  ['TRANS_STMT_ROLLBACK_TO', 'rollback-to'],
  ['TRANS_STMT_PREPARE', 'prepare'],
  ['TRANS_STMT_COMMIT_PREPARED', 'commit-prepared'],
  ['TRANS_STMT_ROLLBACK_PREPARED', 'rollback-prepared'],
])

export function transaction(body: Raw): TransactionStatement {
  only('TransactionStmt', body, ['kind', 'options', 'savepoint_name', 'gid', 'chain', 'location'])
  const verb = VERBS.get(body.kind)
  if (!verb) throw new NotUnderstood('an unknown TransactionStmt')
  const savepoint = textOf(body, 'savepoint_name')
  return {
    kind: 'transaction',
    verb,
    ...(savepoint !== undefined && { savepoint }),
    ...isolationOf(listOf(body, 'options')),
    chain: flagOf(body, 'chain'),
  }
}

/** Of the options of BEGIN, SET TRANSACTION and SET SESSION CHARACTERISTICS. The last one counts. */
export function isolationOf(options: readonly unknown[]): Pick<TransactionStatement, 'isolation'> {
  let isolation: TransactionStatement['isolation']
  for (const item of options) {
    const option = expectNode(item, 'DefElem', ['defname', 'arg', 'defaction', 'location'])
    if (textOf(option, 'defname') === 'transaction_isolation') isolation = isolationNamed(constantText(option.arg))
  }
  return isolation === undefined ? {} : { isolation }
}

/** The text of a constant, as it stands in options and settings. */
export function constantText(value: unknown): string | undefined {
  const { type, body } = nodeOf(value)
  const inner = type === 'A_Const' ? bodyOf(body, 'sval') : undefined
  return inner && (textOf(inner, 'sval') ?? '')
}

export function isolationNamed(name: string | undefined): NonNullable<TransactionStatement['isolation']> {
  switch (name?.toLowerCase()) {
    case 'read uncommitted':
      return 'read uncommitted'
    case 'read committed':
      return 'read committed'
    case 'repeatable read':
      return 'repeatable read'
    case 'serializable':
      return 'serializable'
    default:
      throw new NotUnderstood('an unknown isolation level')
  }
}
