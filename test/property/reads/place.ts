import { anyValue, type Kind, spell } from '../kinds.js'
import type { RelationModel, TableModel } from '../schema/model.js'
import type { Place, Reach, SourceModel } from './conditions.js'

/** A read, or a part of one. */
export interface Sql {
  readonly sql: string
  /** The order of the rows is part of the answer. */
  readonly ordered: boolean
}

export const loose = (sql: string): Sql => ({ sql, ordered: false })

/** A relation under an alias that is new to the statement. */
export function aliased(place: Place, relation: RelationModel): SourceModel & { readonly sql: string } {
  const alias = `i${place.names.next++}`
  const columns = relation.columns.map(({ name, kind }) => ({ text: `${alias}.${name}`, name, kind }))
  const table = place.schema.tables.find(({ name }) => name === relation.name)
  return { alias, columns, ...(table ? { table } : {}), sql: `${relation.name} ${alias}` }
}

/** A pair of columns, one of each, that are compared as keys are. */
export function pair(
  { c }: Place,
  a: Pick<SourceModel, 'columns'>,
  b: Pick<SourceModel, 'columns'>,
): readonly [Reach, Reach] | undefined {
  const pairs = a.columns.flatMap((left) =>
    b.columns.filter(({ kind }) => kind === left.kind).map((right) => [left, right] as const),
  )
  const keyed = pairs.filter(([{ kind }]) => kind === 'int' || kind === 'text' || kind === 'bool' || kind === 'enum')
  return keyed.length > 0 ? c.pick(keyed) : c.pick(pairs)
}

/** Two tables, where a foreign key goes from the second to the first, or any pair of columns joins them. */
export function related(
  place: Place,
): { readonly one: TableModel; readonly many: TableModel; readonly on: readonly [string, string] } | undefined {
  const { c, schema } = place
  const table = (name: string) => schema.tables.find((one) => one.name === name)
  if (schema.references.length > 0 && c.chance(70)) {
    const { child, column, parent, to } = c.pick(schema.references)
    const [one, many] = [table(parent), table(child)]
    if (one && many) return { one, many, on: [to, column] }
  }
  const [one, many] = [c.pick(schema.tables), c.pick(schema.tables)]
  const reach = (own: TableModel) => ({ columns: own.columns.map(({ name, kind }) => ({ text: name, name, kind })) })
  const found = pair(place, reach(one), reach(many))
  return found && { one, many, on: [found[0].name, found[1].name] }
}

export function value({ c, v, params }: Place, kind: Kind): string {
  return spell(kind, anyValue(kind, v), params, c)
}
