import type { Assignment, DeleteWrite, Expr, InsertWrite, Target, UpdateWrite, Write } from '../statement.js'
import { type Context, optional } from './context.js'
import { subscripts } from './expressions.js'
import { aliasOf, relationName } from './names.js'
import { commonTables, targets } from './queries.js'
import {
  bodyOf,
  expectNode,
  flagOf,
  listOf,
  NotUnderstood,
  nodeOf,
  numberOf,
  only,
  type Raw,
  requiredText,
} from './raw.js'
import { source } from './sources.js'

export function write(type: string, body: Raw, context: Context): Write {
  switch (type) {
    case 'InsertStmt':
      return insert(body, context)
    case 'UpdateStmt':
      return update(body, context)
    case 'DeleteStmt':
      return deletion(body, context)
    default:
      throw new NotUnderstood(type)
  }
}

/** The table that is written; it has no column aliases in PostgreSQL's grammar. */
function target(body: Raw): Pick<UpdateWrite, 'relation' | 'alias' | 'only'> {
  const relation = bodyOf(body, 'relation')
  if (!relation) throw new NotUnderstood('a write without a table')
  const { alias, columnAliases } = aliasOf(relation)
  if (columnAliases.length > 0) throw new NotUnderstood('column aliases of a written table')
  return { relation: relationName(relation), ...(alias !== undefined && { alias }), only: !flagOf(relation, 'inh') }
}

function insert(body: Raw, context: Context): InsertWrite {
  const fields = ['relation', 'cols', 'selectStmt', 'onConflictClause', 'returningClause', 'withClause', 'override']
  only('InsertStmt', body, fields)
  // OVERRIDING USER VALUE puts other values in than the text says.
  if (body.override !== 'OVERRIDING_NOT_SET' && body.override !== 'OVERRIDING_SYSTEM_VALUE')
    throw new NotUnderstood('INSERT OVERRIDING USER VALUE')
  const { relation, alias } = target(body)
  const ctes = commonTables(body, context)
  const select = bodyOf(body, 'selectStmt')
  return {
    kind: 'insert',
    ctes,
    relation,
    ...(alias !== undefined && { alias }),
    columns: listOf(body, 'cols').map((item) =>
      requiredText(expectNode(item, 'ResTarget', ['name', 'location']), 'name'),
    ),
    ...(select && { source: selectOf(select, context) }),
    ...onConflict(body, alias ?? relation.name, context),
    returning: returning(body, context),
  }
}

function selectOf(value: Raw, context: Context) {
  const { type, body } = nodeOf(value)
  if (type !== 'SelectStmt') throw new NotUnderstood(type)
  return context.query(body)
}

function onConflict(
  body: Raw,
  table: string,
  context: Context,
): Pick<InsertWrite, 'onConflict' | 'assignments' | 'conflictWhere'> {
  const clause = bodyOf(body, 'onConflictClause')
  if (!clause) return { onConflict: 'none', assignments: [] }
  only('OnConflictClause', clause, ['action', 'infer', 'targetList', 'whereClause', 'location'])
  // Which index decides is no matter: a conflict of any may or may not happen.
  const infer = bodyOf(clause, 'infer')
  if (infer) only('InferClause', infer, ['indexElems', 'whereClause', 'conname', 'location'])
  if (clause.action === 'ONCONFLICT_NOTHING') {
    only('ON CONFLICT DO NOTHING', clause, ['action', 'infer', 'location'])
    return { onConflict: 'nothing', assignments: [] }
  }
  if (clause.action !== 'ONCONFLICT_UPDATE') throw new NotUnderstood('an unknown ON CONFLICT')
  return {
    onConflict: 'update',
    assignments: assignments(clause, table, context),
    ...optional('conflictWhere', clause.whereClause, context),
  }
}

function update(body: Raw, context: Context): UpdateWrite {
  only('UpdateStmt', body, ['relation', 'targetList', 'whereClause', 'fromClause', 'returningClause', 'withClause'])
  const table = target(body)
  return {
    kind: 'update',
    ctes: commonTables(body, context),
    ...table,
    assignments: assignments(body, table.alias ?? table.relation.name, context),
    from: listOf(body, 'fromClause').map((item) => source(item, context)),
    ...optional('where', body.whereClause, context),
    returning: returning(body, context),
  }
}

function deletion(body: Raw, context: Context): DeleteWrite {
  only('DeleteStmt', body, ['relation', 'usingClause', 'whereClause', 'returningClause', 'withClause'])
  return {
    kind: 'delete',
    ctes: commonTables(body, context),
    ...target(body),
    using: listOf(body, 'usingClause').map((item) => source(item, context)),
    ...optional('where', body.whereClause, context),
    returning: returning(body, context),
  }
}

function returning(body: Raw, context: Context): readonly Target[] {
  const clause = bodyOf(body, 'returningClause')
  if (!clause) return []
  // Not named, so refused: WITH (OLD AS …).
  only('ReturningClause', clause, ['exprs'])
  return targets(clause, 'exprs', context)
}

function assignments(body: Raw, table: string, context: Context): readonly Assignment[] {
  return listOf(body, 'targetList').map((item) => {
    const assignment = expectNode(item, 'ResTarget', ['name', 'indirection', 'val', 'location'])
    const column = requiredText(assignment, 'name')
    const value = assigned(assignment.val, context)
    const indices = subscripts(assignment, context)
    if (indices.length === 0) return value ? { column, value } : { column }
    if (!value) throw new NotUnderstood('DEFAULT for an element of an array')
    // One element changes: the new value is made of the old one, the indices and the element.
    const old: Expr = { kind: 'column', path: [table, column], star: false }
    return { column, value: { kind: 'operation', operators: [], args: [old, ...indices, value] } }
  })
}

/** `undefined` is DEFAULT. */
function assigned(value: unknown, context: Context): Expr | undefined {
  const { type, body } = nodeOf(value)
  if (type === 'SetToDefault') {
    only(type, body, ['location'])
    return undefined
  }
  if (type !== 'MultiAssignRef') return context.expression(value)
  only(type, body, ['source', 'colno', 'ncolumns'])
  const from = nodeOf(body.source)
  if (from.type === 'SubLink') return context.expression(body.source)
  if (from.type !== 'RowExpr') throw new NotUnderstood(`(a, b) = ${from.type}`)
  const items = listOf(from.body, 'args')
  const number = numberOf(body, 'colno') ?? 0
  if (items.length !== numberOf(body, 'ncolumns') || number < 1)
    throw new NotUnderstood('(a, b) = a row of another length')
  return assigned(items[number - 1], context)
}
