import type {
  DefinitionStatement,
  HarmlessStatement,
  MergeAction,
  RelationName,
  Statement,
  TableWriteStatement,
} from '../statement.js'
import { createdFunction, doCode, dropsOwnFunctions, isPlainIndex } from './code.js'
import { DEFINITIONS, HARMLESS } from './commands.js'
import { relationName } from './names.js'
import { bodyOf, expectNode, flagOf, listOf, NotUnderstood, nodeOf, type Raw, requiredText, textOf } from './raw.js'
import { setting } from './settings.js'
import { type Survey, survey } from './survey.js'
import { transaction } from './transactions.js'

/** A statement inside another one. */
type Inner = (value: unknown) => Statement

/** Every statement but SELECT, INSERT, UPDATE and DELETE. `command` is how the text begins. */
export function utility(type: string, body: Raw, command: string, inner: Inner): Statement {
  if (type === 'ConstraintsSetStmt') return harmless('set constraints')
  if (HARMLESS.has(type)) return harmless(command)
  if (DEFINITIONS.has(type)) {
    return { kind: 'definition', command, temporary: isTemporary(type, body), ...definition(type, body, inner) }
  }
  switch (type) {
    case 'TransactionStmt':
      return transaction(body)
    case 'VariableSetStmt':
    case 'DiscardStmt':
      return setting(type, body)
    case 'LockStmt':
      return { kind: 'lock' }
    case 'TruncateStmt':
      return { ...tableWrite('truncate', listOf(body, 'relations')), cascade: body.behavior === 'DROP_CASCADE' }
    case 'RefreshMatViewStmt':
      return tableWrite('refresh', [{ RangeVar: bodyOf(body, 'relation') }])
    case 'MergeStmt':
      return merge(body)
    case 'CopyStmt':
      return copy(body, command, inner)
    case 'ExplainStmt':
      return explain(body, command, inner)
    case 'DeclareCursorStmt':
      return { ...opaque('a cursor', survey(body)), runs: inner(body.query) }
    case 'PrepareStmt':
      return { kind: 'prepare', name: requiredText(body, 'name'), statement: inner(body.query) }
    case 'ExecuteStmt':
      return { kind: 'execute', name: requiredText(body, 'name'), calls: survey(body).calls }
    case 'DeallocateStmt': {
      const name = textOf(body, 'name')
      return name === undefined ? { kind: 'deallocate' } : { kind: 'deallocate', name }
    }
    case 'DoStmt':
      return { ...opaque('DO may do anything', survey(body)), writes: true, code: doCode(body) }
    case 'CallStmt':
      return { ...opaque('CALL may do anything', survey(body)), writes: true, code: 'calls' }
    default:
      // LOAD, and what PostgreSQL will have tomorrow.
      return { ...opaque(`${command.toUpperCase()} may do anything`, survey(body)), writes: true }
  }
}

const harmless = (command: string): HarmlessStatement => ({ kind: 'harmless', command })

export function opaque(reason: string, seen: Survey): Extract<Statement, { readonly kind: 'opaque' }> {
  const { writes, calls, relations, locks } = seen
  return { kind: 'opaque', reason, writes, calls, relations, locks }
}

function tableWrite(command: TableWriteStatement['command'], relations: readonly unknown[]): TableWriteStatement {
  return { kind: 'table-write', command, relations: relations.map((item) => nameOf(item)), cascade: false }
}

const nameOf = (item: unknown): RelationName => relationName(nodeOf(item).body)

function merge(body: Raw): Statement {
  // A WITH before MERGE may write too, and expressions may call.
  const { written, calls, relations: reads } = survey({ MergeStmt: body })
  const merge = { kind: 'table-write', command: 'merge', relations: written, cascade: false, calls, reads } as const
  return body.withClause === undefined ? { ...merge, actions: mergeActions(body) } : merge
}

function mergeActions(body: Raw): readonly MergeAction[] {
  return listOf(body, 'mergeWhenClauses').flatMap((item): readonly MergeAction[] => {
    const clause = nodeOf(item).body
    const columns = listOf(clause, 'targetList').map((target) => requiredText(nodeOf(target).body, 'name'))
    switch (clause.commandType) {
      case 'CMD_INSERT':
        return [{ operation: 'insert', columns: [] }]
      case 'CMD_UPDATE':
        return [{ operation: 'update', columns }]
      case 'CMD_DELETE':
        return [{ operation: 'delete', columns: [] }]
      case 'CMD_NOTHING':
        return []
      default:
        throw new NotUnderstood('a MERGE that does something else')
    }
  })
}

/** What is known of a definition besides that it is one. */
function definition(type: string, body: Raw, inner: Inner): Partial<DefinitionStatement> {
  switch (type) {
    case 'CreateTableAsStmt':
      return { runs: inner(body.query) }
    case 'CreateFunctionStmt': {
      const own = createdFunction(body)
      return own ? { own } : {}
    }
    case 'DropStmt':
      return dropsOwnFunctions(body) ? { own: 'dropped' } : {}
    case 'CommentStmt':
      return { inert: true }
    case 'IndexStmt':
      return isPlainIndex(body) ? { inert: true } : {}
    default:
      return {}
  }
}

function copy(body: Raw, command: string, inner: Inner): Statement {
  if (body.query !== undefined) return { ...opaque('COPY of a query', survey(body)), runs: inner(body.query) }
  if (!flagOf(body, 'is_from')) return harmless(command)
  const { calls } = survey(body)
  return { ...tableWrite('copy-from', [{ RangeVar: bodyOf(body, 'relation') }]), calls }
}

function explain(body: Raw, command: string, inner: Inner): Statement {
  const executed = listOf(body, 'options').some((item) => {
    const option = expectNode(item, 'DefElem', ['defname', 'arg', 'defaction', 'location'])
    return textOf(option, 'defname') === 'analyze' && !isFalse(option.arg)
  })
  if (!executed) return harmless(command)
  const seen = survey(body)
  const plain = nodeOf(body.query).type === 'SelectStmt' && !seen.writes
  return { ...opaque('EXPLAIN ANALYZE', seen), writes: !plain, runs: inner(body.query) }
}

/** `(analyze false)`: anything but a plain no is a yes. */
function isFalse(value: unknown): boolean {
  if (value === undefined) return false
  const { type, body } = nodeOf(value)
  if (type === 'String') return /^(?:false|off|no|0)$/i.test(textOf(body, 'sval') ?? '')
  return type === 'Boolean' && !flagOf(body, 'boolval')
}

/** It makes something in the session's temporary schema. DROP does not say. */
function isTemporary(type: string, body: Raw): boolean {
  const into = bodyOf(body, 'into')
  const relation = bodyOf(into ?? body, into ? 'rel' : (RELATION_FIELDS.get(type) ?? 'relation'))
  if (relation) return relation.relpersistence === 't' || relation.schemaname === 'pg_temp'
  return type === 'DropStmt' && JSON.stringify(body.objects ?? []).includes('"pg_temp"')
}

const RELATION_FIELDS: ReadonlyMap<string, string> = new Map([
  ['ViewStmt', 'view'],
  ['CreateSeqStmt', 'sequence'],
  ['AlterSeqStmt', 'sequence'],
  ['CreateForeignTableStmt', 'base'],
])
