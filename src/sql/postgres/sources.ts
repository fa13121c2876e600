import type { JoinSource, Source, TableSource } from '../statement.js'
import { type Context, optional } from './context.js'
import { aliasOf, relationName } from './names.js'
import { bodyOf, flagOf, NotUnderstood, namesOf, nodeOf, only, type Raw, requiredText, textOf } from './raw.js'
import { jsonTable, rangeFunction, xmlTable } from './table-functions.js'

/** An item of FROM. */
export function source(value: unknown, context: Context): Source {
  const { type, body } = nodeOf(value)
  switch (type) {
    case 'RangeVar':
      return table(body)
    case 'RangeSubselect':
      return derived(body, context)
    case 'RangeFunction':
      return rangeFunction(body, context)
    case 'RangeTableFunc':
      return xmlTable(body, context)
    case 'JsonTable':
      return jsonTable(body, context)
    case 'JoinExpr':
      return join(body, context)
    case 'RangeTableSample':
      throw new NotUnderstood('TABLESAMPLE gives other rows each time')
    default:
      throw new NotUnderstood(type)
  }
}

/** A RangeVar of FROM. */
function table(body: Raw): TableSource {
  const relation = relationName(body)
  return { kind: 'table', relation, ...aliasOf(body), only: !flagOf(body, 'inh') }
}

function derived(body: Raw, context: Context): Source {
  only('RangeSubselect', body, ['lateral', 'subquery', 'alias'])
  const { type, body: select } = nodeOf(body.subquery)
  if (type !== 'SelectStmt') throw new NotUnderstood(`${type} in FROM`)
  return { kind: 'derived', query: context.query(select), ...aliasOf(body), lateral: flagOf(body, 'lateral') }
}

const JOINS: ReadonlyMap<string, JoinSource['join']> = new Map<string, JoinSource['join']>([
  ['JOIN_INNER', 'inner'],
  ['JOIN_LEFT', 'left'],
  ['JOIN_RIGHT', 'right'],
  ['JOIN_FULL', 'full'],
])

function join(body: Raw, context: Context): JoinSource {
  if (body.alias !== undefined) throw new NotUnderstood('an alias of a join, which hides the names inside')
  only('JoinExpr', body, ['jointype', 'isNatural', 'larg', 'rarg', 'usingClause', 'join_using_alias', 'quals'])
  const kind = JOINS.get(requiredText(body, 'jointype'))
  if (kind === undefined) throw new NotUnderstood('an unknown join')
  return {
    kind: 'join',
    join: kind,
    left: source(body.larg, context),
    right: source(body.rarg, context),
    ...optional('on', body.quals, context),
    ...using(body),
  }
}

function using(body: Raw): Pick<JoinSource, 'using' | 'usingAlias'> {
  if (flagOf(body, 'isNatural')) return { using: 'natural' }
  if (body.usingClause === undefined) return {}
  const alias = bodyOf(body, 'join_using_alias')
  if (alias) only('Alias', alias, ['aliasname'])
  const usingAlias = alias && textOf(alias, 'aliasname')
  return { using: namesOf(body, 'usingClause'), ...(usingAlias !== undefined && { usingAlias }) }
}
