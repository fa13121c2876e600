import { randomUUID } from 'node:crypto'
import type { PGliteInterface } from '@electric-sql/pglite'
import { show } from '../../base/duration.js'
import { ConfigError } from '../../base/errors.js'
import { type Engine, engineOf } from '../../engine/engine.js'
import { Instance } from './instance.js'
import type { DriverOptions } from './options.js'
import { proxied } from './proxied.js'
import type { Target } from './target.js'

export type { DriverOptions }

interface Wrapped {
  readonly proxy: object
  readonly database: string | undefined
}

/** Instances that were loaded from one dump share what a server is known by, so each has an identity of its own. */
const identities = new WeakMap<object, string>()
const wrapped = new WeakMap<Engine, WeakMap<object, Wrapped>>()
/** What each wrapper is of. */
const targets = new WeakMap<object, Target>()

const METHODS = ['query', 'sql', 'exec', 'transaction', 'execProtocol', 'runExclusive', 'close'] as const

/**
 * A PGlite whose `query`, `sql`, `exec` and `transaction` go through the cache. It is the same instance in all else; wrapping
 * it once more gives the same.
 *
 * What works on the instance itself is not seen: do not write through `db` once it is wrapped, nor through extensions,
 * which got the instance when it was made (`db.live` reads, and sees what it reads as ever). Messages of the wire protocol
 * (`execProtocol`, PGliteSocketServer) drop everything. Serializers of an instance's own are looked for when it is first
 * used: statements with parameters are then not cached, and their writes drop more. The session is one: where an instance is
 * wrapped for two cacheops, neither sees what settings the other changes or what transactions it begins by hand.
 *
 * @example
 * const db = cachedPGlite(cacheops, new PGlite())
 *
 * @throws ConfigError where it is not what createCacheops gave, or not a PGlite
 */
export function cachedPGlite<T extends PGliteInterface>(cacheops: object, db: T, options: DriverOptions = {}): T {
  const engine = engineOf(cacheops, 'cachedPGlite')
  checkInstance(db)
  checkOptions(options)
  let known = wrapped.get(engine)
  if (!known) {
    known = new WeakMap()
    wrapped.set(engine, known)
  }
  const { database } = options
  const earlier = known.get(targets.get(db) ?? db)
  if (earlier) {
    if (database !== undefined && database !== earlier.database) {
      throw new ConfigError(
        `cachedPGlite: database: this instance was wrapped before as ${show(earlier.database)}, and its data cannot be ${show(database)} as well.`,
      )
    }
    return earlier.proxy as T
  }
  // A wrapper of another cacheops would take each of our statements for a stranger's.
  const target = targets.get(db) ?? (db as unknown as Target)
  const identity = identities.get(target) ?? `pglite:${randomUUID()}`
  identities.set(target, identity)
  const proxy = proxied(target, new Instance(engine, target, database, identity))
  targets.set(proxy, target)
  for (const object of [target, proxy]) known.set(object, { proxy, database })
  return proxy as unknown as T
}

function checkInstance(db: unknown): void {
  const given = (typeof db === 'object' && db !== null ? db : {}) as Partial<Record<string, unknown>>
  const missing = METHODS.filter((name) => typeof given[name] !== 'function')
  if (missing.length === 0) return
  const hint =
    db instanceof Promise
      ? ' It is a promise: write await PGlite.create().'
      : typeof db === 'function'
        ? ' Pass an instance: new PGlite() or await PGlite.create().'
        : ''
  throw new ConfigError(
    `cachedPGlite: expected a PGlite instance as the second argument, with the functions ${METHODS.join(', ')}; got ${describe(db)}${
      missing.length < METHODS.length ? `, which lacks ${missing.join(', ')}` : ''
    }.${hint}`,
  )
}

function describe(value: unknown): string {
  const name = (value as { constructor?: { name?: string } } | null)?.constructor?.name
  return typeof value === 'object' && name && name !== 'Object' ? `an instance of ${name}` : show(value)
}

function checkOptions(options: DriverOptions): void {
  for (const name of Object.keys(options)) {
    if (name !== 'database') throw new ConfigError(`cachedPGlite: there is no option '${name}'. Known is database.`)
  }
  const { database } = options
  if (database !== undefined && (typeof database !== 'string' || database === '')) {
    throw new ConfigError(`cachedPGlite: database: expected a name of your own for this data, got ${show(database)}.`)
  }
}
