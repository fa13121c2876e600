import type { Table } from '../catalog/catalog.js'
import type { Query, RelationName, Source } from '../sql/statement.js'
import { walkQuery } from '../sql/walk.js'
import { DEFINITION_PATH, viewStatement } from './definitions.js'

/**
 * The table whose policy a query has: the first of the outermost FROM, looked up through derived tables, CTEs and the
 * first branch of a set operation; without a FROM the first that it reads at all. Where that is a view, the main table of
 * its query comes next, down to one that is none.
 */
export function mainTables(
  query: Query,
  searchPath: readonly string[],
  lookUp: (relation: RelationName, searchPath: readonly string[]) => Table | undefined,
): readonly Table[] {
  const relation = inQuery(query, new Map()) ?? anyRelation(query)
  const table = relation && lookUp(relation, searchPath)
  if (!table) return []
  const statement = table.kind === 'view' ? viewStatement(table) : undefined
  return statement?.kind === 'select' ? [table, ...mainTables(statement.query, DEFINITION_PATH, lookUp)] : [table]
}

type Ctes = ReadonlyMap<string, { readonly query: Query; readonly ctes: Ctes } | undefined>

function inQuery(query: Query, outer: Ctes): RelationName | undefined {
  const ctes = new Map(outer)
  for (const cte of query.ctes) {
    ctes.set(cte.name, cte.body.kind === 'query' ? { query: cte.body.query, ctes: new Map(ctes) } : undefined)
  }
  const body = query.body
  if (body.kind === 'set-operation') return inQuery(body.left, ctes) ?? inQuery(body.right, ctes)
  if (body.kind === 'values') return undefined
  for (const source of body.from) {
    const found = inSource(source, ctes)
    if (found) return found
  }
  return undefined
}

function inSource(source: Source, ctes: Ctes): RelationName | undefined {
  switch (source.kind) {
    case 'join':
      return inSource(source.left, ctes) ?? inSource(source.right, ctes)
    case 'derived':
      return inQuery(source.query, ctes)
    case 'table': {
      const { relation } = source
      if (relation.schema !== undefined || !ctes.has(relation.name)) return relation
      const cte = ctes.get(relation.name)
      return cte && inQuery(cte.query, cte.ctes)
    }
  }
}

function anyRelation(query: Query): RelationName | undefined {
  let found: RelationName | undefined
  walkQuery(query, {
    source: (source, cte) => {
      if (source.kind === 'table' && !cte) found ??= source.relation
    },
  })
  return found
}
