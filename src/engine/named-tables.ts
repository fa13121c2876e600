import { show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Catalog, Table } from '../catalog/catalog.js'
import { nearest, Policy } from '../plan/policy.js'

/** The tables that a name, or a pattern, names. @throws ConfigError where there is none */
export function tablesOf(catalog: Catalog, model: string, where: string): Table[] {
  if (typeof model !== 'string' || model === '')
    throw new ConfigError(`${where}: expected a table's name, got ${show(model)}.`)
  const pattern = new Policy([{ pattern: model, profile: false }])
  const tables = [...catalog.tables.values()].filter((table) => pattern.of(table.schema, table.name) === false)
  if (tables.length === 0) {
    const names = [...catalog.tables.values()].flatMap((table) => [table.id, table.name])
    const hint = nearest(model, names)
    throw new ConfigError(`${where}: the database has no table '${model}'.${hint ? ` Did you mean '${hint}'?` : ''}`)
  }
  return tables
}
