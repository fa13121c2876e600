import type * as Pg from 'pg'
import { show } from '../../base/duration.js'
import { ConfigError } from '../../base/errors.js'
import { engineOf } from '../../engine/engine.js'
import { cachedClient, isCachedClient } from './client.js'
import type { PgModule } from './module.js'
import type { DriverOptions } from './options.js'
import { cachedPool } from './pool.js'
import { clientSources } from './sources.js'

export type { DriverOptions }

/**
 * The user's own `pg` with a Pool and a Client that go through the cache. Everything else of it is passed on.
 *
 * @example
 * import pgModule from 'pg'
 * const pg = cachedPg(cacheops, pgModule)
 * const pool = new pg.Pool({ connectionString })
 *
 * @throws ConfigError where it is not what createCacheops gave, or not the `pg` module
 */
export function cachedPg<Module extends object>(cacheops: object, pg: Module, options: DriverOptions = {}): Module {
  const engine = engineOf(cacheops, 'cachedPg')
  checkOptions(options)
  const own = checkModule(pg)
  const sourceOf = clientSources(engine, own, options)
  const Client = cachedClient(engine, own, own.Client as never, sourceOf)
  const Pool = cachedPool(engine, own, own.Pool as never, Client, options)
  const wrapped = Object.assign(Object.create(Object.getPrototypeOf(own)), own, { Client, Pool }) as Record<
    string,
    unknown
  >
  // The native client would go past the cache unseen; as where it is not installed, there is none.
  Object.defineProperty(wrapped, 'native', { value: null, enumerable: false })
  if ('default' in pg) wrapped.default = wrapped
  return wrapped as Module
}

function checkModule(pg: unknown): PgModule {
  const given = pg as (Partial<typeof Pg> & { default?: unknown }) | null | undefined
  // As an ES module's namespace it lacks some of what the module itself has.
  const whole = given?.default as Partial<typeof Pg> | undefined
  const found =
    typeof whole?.Pool === 'function' && (typeof given?.Pool !== 'function' || !('utils' in given)) ? whole : given
  if (typeof found?.Pool !== 'function' || typeof found.Client !== 'function') {
    throw new ConfigError(
      `cachedPg: expected the module 'pg' as the second argument (import pg from 'pg'), got ${describe(pg)}. A pool is made from what cachedPg returns: new (cachedPg(cacheops, pg).Pool)(…).`,
    )
  }
  if (isCachedClient(found.Client)) {
    throw new ConfigError(
      `cachedPg: this module goes through a cache already. Expected 'pg' itself as the second argument.`,
    )
  }
  const missing = ['Result', 'TypeOverrides', 'utils', 'types'].filter((name) => !(name in found))
  if (missing.length > 0) {
    throw new ConfigError(`cachedPg: this version of 'pg' lacks ${missing.join(', ')}. Expected pg 8.16 or later.`)
  }
  return found as PgModule
}

function describe(value: unknown): string {
  const name = (value as { constructor?: { name?: string } } | null)?.constructor?.name
  return typeof value === 'object' && name && name !== 'Object' ? `an instance of ${name}` : show(value)
}

function checkOptions(options: DriverOptions): void {
  for (const name of Object.keys(options)) {
    if (name !== 'database' && name !== 'replica') {
      throw new ConfigError(`cachedPg: there is no option '${name}'. Known are database and replica.`)
    }
  }
  const { database, replica } = options
  if (database !== undefined && (typeof database !== 'string' || database === '')) {
    throw new ConfigError(`cachedPg: database: expected a name of your own for this data, got ${show(database)}.`)
  }
  if (replica !== undefined && typeof replica !== 'boolean') {
    throw new ConfigError(`cachedPg: replica: expected true or false, got ${show(replica)}.`)
  }
}
