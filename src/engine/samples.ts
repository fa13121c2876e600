import { show } from '../base/duration.js'
import { ConfigError } from '../base/errors.js'
import type { Table } from '../catalog/catalog.js'
import { bind } from '../invalidation/bind.js'
import type { Dependency } from '../invalidation/dependency.js'
import { conjKey } from '../invalidation/scheme.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { tablesOf } from './named-tables.js'
import type { Source } from './source.js'
import { wireOf } from './wire.js'

/** What stands for rows that something depends on, in the words of the database. */
export type Sample =
  /** A table's name, or a pattern of names, as in the configuration. */
  | { readonly kind: 'name'; readonly name: string; readonly where?: Where }
  /** Exactly this table; without a schema by the search path. */
  | { readonly kind: 'table'; readonly schema: string | undefined; readonly name: string; readonly where?: Where }
  | { readonly kind: 'sql'; readonly text: string; readonly params: readonly unknown[] }

/** Column → value, or a list of values; `null` is NULL. */
export type Where = Readonly<Record<string, unknown>>

/** Makes samples of an ORM's own objects: its models, its query builders. */
export interface SampleResolver {
  /** Undefined where it is nothing that it knows. */
  resolve(object: unknown): Sample | undefined
  /** The column that a property of the model is kept in, where the ORM names it otherwise. */
  column?(model: unknown, property: string): string | undefined
}

/** What a sample depends on. */
export interface SampleDependencies {
  readonly tables: readonly string[]
  readonly dependencies: readonly Dependency[]
  /** The smallest time to live that the configuration gives its tables, in milliseconds. */
  readonly ttl: number
}

/**
 * A context in which samples can be read, without asking the database: undefined where it is not known yet.
 *
 * @throws ConfigError where it is not clear which database is meant
 */
export function sampleContext(
  sources: Iterable<Source>,
  identity: string | undefined,
  where: string,
): Context | undefined {
  const all = [...sources]
  if (all.length === 0) {
    throw new ConfigError(
      `${where}: nothing is wrapped yet. Expected a pool, client or database made with cachedPg or cachedPGlite before.`,
    )
  }
  const found = all.filter((source) => identity === undefined || isOf(source, identity))
  // One that is not known yet may be another database.
  if (identity === undefined && found.some(({ database }) => !database)) return undefined
  const databases = new Set(found.map(({ database }) => database))
  if (databases.size > 1) {
    throw new ConfigError(
      `${where}: ${databases.size} databases are attached. Expected the option \`database\` to say which the samples are of.`,
    )
  }
  const contexts = found.map((source) => source.current()).filter((context) => context !== undefined)
  // A3: what is kept must not come from one that lags.
  return contexts.find(({ storable }) => storable) ?? contexts[0]
}

function isOf({ access, database }: Source, identity: string): boolean {
  return access.database === identity || database?.id === identity || (database?.id.endsWith(`:${identity}`) ?? false)
}

/**
 * What a sample depends on; a text where that cannot be followed, or must not be cached: why.
 *
 * @throws ConfigError for a table or column that does not exist, TypeError for SQL that is no query
 */
export function dependenciesOf(
  engine: Core,
  context: Context,
  sample: Sample,
  where: string,
): SampleDependencies | string {
  switch (sample.kind) {
    case 'sql':
      return ofQuery(engine, context, sample.text, sample.params, where)
    case 'table':
      return ofTable(engine, context, sample, undefined, sample.where, where)
    case 'name': {
      const tables = tablesOf(context.catalog, sample.name, where)
      const each = tables.map((table) => ofTable(engine, context, table, table, sample.where, where))
      const why = each.find((one) => typeof one === 'string')
      return why ?? together(each as SampleDependencies[])
    }
  }
}

/** A dependency's name; others have others. */
export function nameOf({ scheme, values }: Dependency): string {
  return `${scheme.id}:${conjKey(values)}`
}

export function together(all: readonly SampleDependencies[]): SampleDependencies {
  return {
    tables: [...new Set(all.flatMap(({ tables }) => tables))],
    dependencies: all.flatMap(({ dependencies }) => dependencies),
    ttl: Math.min(...all.map(({ ttl }) => ttl)),
  }
}

/** A table and its conditions as a query: so they are understood as any query's are. */
function ofTable(
  engine: Core,
  context: Context,
  { schema, name }: { readonly schema: string | undefined; readonly name: string },
  table: Table | undefined,
  conditions: Where | undefined,
  where: string,
): SampleDependencies | string {
  const params: unknown[] = []
  const parts: string[] = []
  for (const [column, value] of Object.entries(conditions ?? {})) {
    if (table && !table.column.has(column)) throw new ConfigError(`${where}: ${table.id} has no column '${column}'.`)
    if (value === undefined) {
      throw new TypeError(`${where}: expected a value for the column '${column}', or null for NULL, got undefined.`)
    }
    const values = Array.isArray(value) ? (value as readonly unknown[]) : [value]
    const some = values.map((one) => (one === null ? `${quoted(column)} IS NULL` : equals(column, params.push(one))))
    // A list without values says nothing of any row: the whole table then, which is coarser.
    if (some.length > 0) parts.push(`(${some.join(' OR ')})`)
  }
  const from = schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
  const text = `SELECT * FROM ${from}${parts.length > 0 ? ` WHERE ${parts.join(' AND ')}` : ''}`
  return ofQuery(engine, context, text, params, where)
}

function equals(column: string, index: number): string {
  return `${quoted(column)} = $${index}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function ofQuery(
  engine: Core,
  context: Context,
  text: string,
  params: readonly unknown[],
  where: string,
): SampleDependencies | string {
  const { statements } = engine.analyze(text, { lift: context.settings.liftable })
  const analysis = statements[0]
  const plan = analysis && context.planner.plan(analysis.template)
  if (statements.length !== 1 || !analysis || !plan?.read) {
    throw new TypeError(`${where}: expected one query that reads rows, got ${show(text)}.`)
  }
  const { read } = plan
  if (!read.cacheable) return read.reason
  const { never, profile } = engine.reader.rule(read, context.catalog)
  if (never !== undefined) return `${never} is configured as never cached`
  const values = { params: params.map(wireOf), literals: analysis.literals }
  return {
    tables: read.tableIds,
    dependencies: bind(read.dependencies, values, engine.reader.limits),
    ttl: (profile ? profile.ttl : undefined) ?? Number.POSITIVE_INFINITY,
  }
}
