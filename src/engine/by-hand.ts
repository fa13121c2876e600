import { show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Catalog, Table } from '../catalog/catalog.js'
import { canonical } from '../invalidation/canonical.js'
import type { Change } from '../invalidation/dependency.js'
import { nearest } from '../plan/policy.js'
import type { Database } from './database.js'
import type { Engine } from './engine.js'
import { tablesOf } from './named-tables.js'

/** Drops what depends on one row. */
export async function invalidateObj(
  engine: Engine,
  model: string,
  row: Readonly<Record<string, unknown>>,
  identity: string | undefined,
): Promise<void> {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new ConfigError(`invalidateObj: expected a row as an object of columns, got ${show(row)}.`)
  }
  for (const { database, catalog } of await databases(engine, identity)) {
    const tables = tablesOf(catalog, model, 'invalidateObj')
    if (tables.length !== 1)
      throw new ConfigError(`invalidateObj: expected one table, '${model}' names ${tables.length}.`)
    const table = tables[0] as Table
    if (table.stampId === undefined)
      throw new ConfigError(
        `invalidateObj: ${table.id} keeps no rows of its own (it is a ${table.kind}). Name a table.`,
      )
    const values = new Map<string, string | null>()
    for (const [name, value] of Object.entries(row)) {
      const column = table.column.get(name)
      if (!column) {
        const hint = nearest(name, [...table.column.keys()])
        throw new ConfigError(
          `invalidateObj: ${table.id} has no column '${name}'.${hint ? ` Did you mean '${hint}'?` : ''}`,
        )
      }
      const text = wire(value)
      if (text === null) values.set(name, null)
      const key = text === null || text === undefined ? undefined : canonical(column.keyType, text)
      if (key !== undefined) values.set(name, key)
    }
    const image = { values }
    const change: Change = { kind: 'rows', table: table.stampId, before: image, after: undefined, columns: undefined }
    await engine.delivery.deliver(
      database.id,
      [change],
      cause(`invalidateObj('${model}')`),
      engine.scopes.current.deferred,
    )
  }
}

/** Drops what reads a table, or every table that a pattern names; of a view, what reads the tables that it reads. */
export async function invalidateModel(engine: Engine, model: string, identity: string | undefined): Promise<void> {
  for (const { database, catalog } of await databases(engine, identity)) {
    const stamps = new Set(tablesOf(catalog, model, 'invalidateModel').flatMap((table) => stampIds(catalog, table)))
    const changes = [...stamps].map((table): Change => ({ kind: 'table', table }))
    await engine.delivery.deliver(
      database.id,
      changes,
      cause(`invalidateModel('${model}')`),
      engine.scopes.current.deferred,
    )
  }
}

/** A view is what it reads; a partition is known by its root (B8). */
function stampIds(catalog: Catalog, table: Table): readonly string[] {
  if (table.stampId !== undefined) return [table.stampId]
  return table.viewReads.flatMap((oid) => catalog.tables.get(oid)?.stampId ?? [])
}

function cause(text: string): { readonly text: string; readonly reasons: readonly string[] } {
  return { text, reasons: [] }
}

/** What the wire would carry; undefined for what has no one spelling. */
function wire(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  return undefined
}

/** Databases that are attached, with their catalogs. */
async function databases(
  engine: Engine,
  identity: string | undefined,
): Promise<{ readonly database: Database; readonly catalog: Catalog }[]> {
  if (engine.sources.size === 0) {
    throw new ConfigError(
      'nothing is wrapped yet: expected a pool, client or database made with cachedPg or cachedPGlite before.',
    )
  }
  const found = new Map<Database, Catalog>()
  for (const source of engine.sources) {
    if (source.database?.catalog && !(await source.database.stale(false))) {
      found.set(source.database, source.database.catalog)
      continue
    }
    source.database?.forget()
    const context = await engine.lookAt(source)
    found.set(context.database, context.catalog)
  }
  const chosen = [...found]
    .map(([database, catalog]) => ({ database, catalog }))
    .filter(
      ({ catalog }) =>
        identity === undefined || catalog.database === identity || catalog.database.endsWith(`:${identity}`),
    )
  if (chosen.length === 0) throw new ConfigError(`no attached database has the identity '${identity}'.`)
  return chosen
}
