import type { JoinSource, RelationName, Source, TableSource } from '../statement.js'
import { type Context, optional } from './context.js'
import { bodyOf, flagOf, NotUnderstood, namesOf, nodeOf, only, type Raw, requiredText, textOf } from './raw.js'

/** An item of FROM. Functions, TABLESAMPLE, JSON_TABLE and XMLTABLE are not understood. */
export function source(value: unknown, context: Context): Source {
  const { type, body } = nodeOf(value)
  switch (type) {
    case 'RangeVar':
      return table(body)
    case 'RangeSubselect':
      return derived(body, context)
    case 'JoinExpr':
      return join(body, context)
    default:
      throw new NotUnderstood(type)
  }
}

/** A RangeVar of FROM. */
function table(body: Raw): TableSource {
  const relation = relationName(body)
  return { kind: 'table', relation, ...aliasOf(body), only: !flagOf(body, 'inh') }
}

/** The name of a RangeVar. */
export function relationName(body: Raw): RelationName {
  only('RangeVar', body, ['schemaname', 'relname', 'inh', 'relpersistence', 'alias', 'location'])
  if (body.relpersistence !== 'p') throw new NotUnderstood('a relation that is not permanent')
  const schema = textOf(body, 'schemaname')
  return { ...(schema !== undefined && { schema }), name: requiredText(body, 'relname') }
}

interface AliasNames {
  readonly alias?: string
  readonly columnAliases: readonly string[]
}

export function aliasOf(body: Raw): AliasNames {
  const alias = bodyOf(body, 'alias')
  if (!alias) return { columnAliases: [] }
  only('Alias', alias, ['aliasname', 'colnames'])
  return { alias: requiredText(alias, 'aliasname'), columnAliases: namesOf(alias, 'colnames') }
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
  // Not named, so refused: isNatural, usingClause, join_using_alias, and an alias, which hides the names inside.
  only('JoinExpr', body, ['jointype', 'larg', 'rarg', 'quals'])
  const kind = JOINS.get(requiredText(body, 'jointype'))
  if (kind === undefined) throw new NotUnderstood('an unknown join')
  return {
    kind: 'join',
    join: kind,
    left: source(body.larg, context),
    right: source(body.rarg, context),
    ...optional('on', body.quals, context),
  }
}
