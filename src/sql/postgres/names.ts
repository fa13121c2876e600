import type { RelationName } from '../statement.js'
import { bodyOf, NotUnderstood, namesOf, only, type Raw, requiredText, textOf } from './raw.js'

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
