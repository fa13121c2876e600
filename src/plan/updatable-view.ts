import type { Catalog, Table } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { ConjTemplate } from '../invalidation/template.js'
import { DEFINITION_PATH, viewStatement } from './definitions.js'

/** The table whose rows a view shows, and by the view's columns the table's. */
export interface ViewBase {
  readonly table: Table
  readonly columns: ReadonlyMap<string, string>
}

/**
 * B8: what a view passes writes on to: one table, row by row, as PostgreSQL does it by itself. Undefined where its form is
 * another, or where triggers or rules take its writes over.
 */
export function baseOf(catalog: Catalog, view: Table): ViewBase | undefined {
  if (view.rules || view.triggers.some(({ timing }) => timing === 'instead of')) return undefined
  const statement = viewStatement(view)
  if (statement.kind !== 'select' || statement.locks) return undefined
  const { body, ctes, limit, offset } = statement.query
  if (body.kind !== 'select' || ctes.length > 0 || limit || offset) return undefined
  if (body.distinct !== 'none' || body.groupBy.length > 0 || body.having || body.windows.length > 0) return undefined
  const [source, ...others] = body.from
  if (source?.kind !== 'table' || others.length > 0 || source.columnAliases.length > 0) return undefined
  if (body.targets.length !== view.columns.length) return undefined
  const under = resolveRelation(catalog, source.relation, DEFINITION_PATH)
  if (!under || under === 'system') return undefined
  const base = under.kind === 'view' ? baseOf(catalog, under) : { table: under, columns: undefined }
  if (!base) return undefined
  const columns = new Map<string, string>()
  body.targets.forEach(({ expr }, index) => {
    if (expr.kind !== 'column' || expr.star) return
    const inner = expr.path[expr.path.length - 1] as string
    const name = base.columns ? base.columns.get(inner) : base.table.column.has(inner) ? inner : undefined
    if (name !== undefined) columns.set(view.columns[index]?.name as string, name)
  })
  return { table: base.table, columns }
}

/** What is said of a view's rows, said of the table's. */
export function throughView(conjs: readonly ConjTemplate[], { columns }: ViewBase): readonly ConjTemplate[] {
  return conjs.map((conj) =>
    conj.flatMap((restriction) => {
      const column = columns.get(restriction.column)
      return column === undefined ? [] : [{ ...restriction, column }]
    }),
  )
}
