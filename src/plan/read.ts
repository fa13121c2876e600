import type { Catalog, Table, UserFunction } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { DependencyTemplate } from '../invalidation/template.js'
import type { Query, RelationName } from '../sql/statement.js'
import { walkQuery } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import { castsOfParams, ExpressionReader } from './expressions.js'
import { mainTables } from './main-table.js'
import { type OperationRule, operationRule } from './operation.js'
import { QueryReader } from './query.js'

/** How a read is cached, or why it is not. Policy and session come on top, call by call. */
export type ReadPlan = CacheableRead | UncacheableRead

interface ReadBase {
  readonly kind: 'read'
  readonly operation: OperationRule
  /** The table or view whose policy counts. */
  readonly main: Table | undefined
  /** Where `main` is a view: the main table of its query, and so on, down to one that is no view. */
  readonly behind: readonly Table[]
  /** Ids of the tables that it reads, as far as they are known. */
  readonly tables: readonly Table[]
}

export interface CacheableRead extends ReadBase {
  readonly cacheable: true
  readonly dependencies: readonly DependencyTemplate[]
  /** Ids of all tables in `dependencies`. */
  readonly tableIds: readonly string[]
  /** It has an ORDER BY. */
  readonly ordered: boolean
  /** Values that may be input words such as `'today'` (A10): looked at in each call. */
  readonly suspects: { readonly params: readonly number[]; readonly literals: readonly number[] }
}

export interface UncacheableRead extends ReadBase {
  readonly cacheable: false
  readonly reason: string
}

export interface PlanLimits {
  /** Most conjs of a condition in normal form; over it the condition counts as true. */
  readonly maxConjs: number
}

/** Plans a query that neither writes nor locks. */
export function planRead(query: Query, catalog: Catalog, searchPath: readonly string[], limits: PlanLimits): ReadPlan {
  const lookUp = (relation: RelationName, path = searchPath): Table | undefined => {
    const table = resolveRelation(catalog, relation, path)
    return table === 'system' ? undefined : table
  }
  const [main, ...behind] = mainTables(query, searchPath, lookUp)
  const base = {
    kind: 'read' as const,
    operation: operationRule(query, (source) => lookUp(source.relation)),
    main,
    behind,
  }
  const casts = castsOfParams((visitor) => walkQuery(query, visitor))
  const expressions = new ExpressionReader(catalog, casts)
  const reader = new QueryReader(catalog, searchPath, expressions, limits.maxConjs)
  try {
    for (const oid of catalog.implicitCalls) refuseCast(catalog.functionByOid.get(oid))
    reader.read(query)
    for (const table of reader.tables) refuse(table)
    if (reader.tables.length === 0) throw new Bypass('it reads no table')
  } catch (error) {
    if (!(error instanceof Bypass)) throw error
    return { ...base, tables: reader.tables, cacheable: false, reason: error.reason }
  }
  return {
    ...base,
    tables: reader.tables,
    cacheable: true,
    dependencies: reader.dependencies,
    ordered: query.orderBy.length > 0,
    tableIds: [...new Set(reader.dependencies.map((dependency) => dependency.table))],
    suspects: { params: [...expressions.suspects.params], literals: [...expressions.suspects.literals] },
  }
}

/** A10: an implicit cast is called without a word of the text. */
function refuseCast(fn: UserFunction | undefined): void {
  if (fn && fn.volatility !== 'immutable')
    throw new Bypass(`the implicit cast by ${fn.schema}.${fn.name}() is not pure`)
}

/** Relations whose changes cannot all be followed (A16, B8). A view is what it reads. */
function refuse(table: Table): void {
  if (table.temporary) throw new Bypass(`${table.id} is a temporary table`)
  if (table.kind === 'view' || table.stampId !== undefined) return
  if (table.kind === 'other') throw new Bypass(`${table.id} is a sequence`)
  if (table.kind === 'foreign table') throw new Bypass(`${table.id} is a foreign table: its rows change elsewhere`)
  throw new Bypass(`${table.id} inherits from several tables, or has a foreign table in its tree`)
}
