import { parseDuration } from '../base/duration.js'
import type { MaybePromise, Operation } from '../base/vocabulary.js'
import type { Catalog, Table } from '../catalog/catalog.js'
import { treeOf } from '../catalog/resolve.js'
import { bind } from '../invalidation/bind.js'
import type { BindLimits, CallValues } from '../invalidation/template.js'
import { readsClock } from '../plan/functions.js'
import { operationOf } from '../plan/operation.js'
import type { Profile } from '../plan/policy.js'
import type { CacheableRead, ReadPlan } from '../plan/read.js'
import type { Analysis } from '../sql/analysis.js'
import type { Entry, Lease, ReadReply, ReadRequest } from '../store/store.js'
import { type Context, MAX_CONJS } from './database.js'
import type { Delivery } from './delivery.js'
import type { Emitter } from './events.js'
import { entryKey } from './key.js'
import type { Config } from './options.js'
import type { Asked, Scope } from './scope.js'
import type { Stats } from './stats.js'

/** A read that the policy lets into the cache, with its values bound as far as its key. */
export interface CachedRead {
  readonly plan: CacheableRead
  readonly operation: Operation
  /** Milliseconds. */
  readonly ttl: number
  readonly pattern: string | undefined
  /** One caller computes, the others wait, in other processes, too. */
  readonly lock: boolean
  readonly request: ReadRequest
  readonly context: Context
  readonly sql: string
  /** Why it is not kept by itself: only the function that it runs in holds its lease. */
  readonly onlyLeased: string | undefined
}

/** Somebody's read of an entry that is under way; others may wait for it (single flight). */
export interface Flight {
  readonly lease: Lease
  readonly landed: Promise<Entry>
}

type Cached = Pick<CachedRead, 'operation' | 'ttl' | 'pattern' | 'lock' | 'onlyLeased'> & { readonly local: boolean }

/** What the configuration says of the tables of a plan. */
interface Rule {
  /** The first table that is never cached. */
  readonly never: string | undefined
  readonly profile: Profile | false | undefined
}

/** Decides, looks up and stores reads. */
export class Reader {
  readonly #config: Config
  readonly #delivery: Delivery
  readonly #events: Emitter
  readonly #stats: Stats
  readonly limits: BindLimits
  readonly flights = new Map<string, Flight>()
  readonly #rules = new WeakMap<CacheableRead, Rule>()
  /** Fields, which entries may share, with the catalog that they were compared with. */
  readonly #fitting = new WeakMap<Entry['fields'], Catalog>()
  #kept = 0

  constructor(config: Config, delivery: Delivery, events: Emitter, stats: Stats) {
    this.#config = config
    this.#delivery = delivery
    this.#events = events
    this.#stats = stats
    this.limits = { longDisjunction: config.longDisjunction, maxConjs: MAX_CONJS }
  }

  /** How many entries were handed to the store. */
  get kept(): number {
    return this.#kept
  }

  /** Whether this call is cached, or why not. Session and isolation are asked before. */
  decide(
    context: Context,
    plan: ReadPlan,
    analysis: Analysis,
    values: CallValues,
    scope: Scope,
    sql: string,
  ): CachedRead | string {
    if (!(scope.enabled ?? this.#config.enabled)) return 'caching is switched off'
    const { comment } = analysis
    if (scope.cache === 'off' || comment?.off) return 'it asked for no cache'
    if (!plan.cacheable) return plan.reason
    // Its own writes are not in the store yet: here as elsewhere nobody reads what his own write has replaced.
    if (scope.deferred?.changes.has(context.database.id)) return 'writes of deferInvalidation() are not delivered yet'
    const { never } = this.rule(plan, context.catalog)
    if (never !== undefined) return `${never} is configured as never cached`
    const policy = this.#policy(context, plan, comment, values, scope)
    if (typeof policy === 'string') return policy
    const clock = suspectValue(plan, values)
    if (clock !== undefined) return `the value '${clock}' may read the clock`
    const { database } = context
    const past = this.#delivery.readPast(database.id, plan.tableIds)
    if (past !== undefined) return past
    let base = context.keyBase
    if (this.#config.vary) {
      const vary = this.#config.vary({ databases: [database.id], tables: plan.tableIds, fn: undefined })
      if (typeof vary !== 'string') return '`vary` did not return a string'
      base += `|${vary.length}:${vary}`
    }
    return {
      plan,
      operation: policy.operation,
      ttl: policy.ttl,
      pattern: policy.pattern,
      lock: policy.lock,
      context,
      sql,
      onlyLeased: policy.onlyLeased,
      request: {
        key: entryKey(base, analysis.template.hash, values, analysis.literals),
        database: database.id,
        catalogStamp: context.catalogStamp,
        tables: plan.tableIds,
        local: policy.local ? policy.ttl : undefined,
        dependencies: () => bind(plan.dependencies, values, this.limits),
      },
    }
  }

  #policy(
    context: Context,
    plan: CacheableRead,
    comment: Analysis['comment'],
    values: CallValues,
    scope: Scope,
  ): Cached | string {
    const operation = operationOf(plan.operation, values)
    const { profile } = this.rule(plan, context.catalog)
    if (profile === false) return `${plan.main?.id} is configured as never cached`
    const asked = askedFor(comment, scope)
    if (typeof asked === 'string') return asked
    let unasked: string | undefined
    if (asked && (asked.ops === undefined || asked.ops.has(operation))) {
      const ttl = asked.ttl ?? profile?.ttl ?? this.#config.defaultTtl
      if (ttl !== undefined) {
        const lock = asked.lock ?? profile?.lock ?? false
        return {
          operation,
          ttl,
          pattern: profile?.pattern,
          lock,
          local: profile?.local ?? false,
          onlyLeased: undefined,
        }
      }
      unasked = `no ttl: neither the call nor the configuration of ${plan.main?.id} says how long`
    } else unasked = whyUnasked(plan, operation, profile)
    const ttl = profile?.ttl ?? Number.POSITIVE_INFINITY
    const pattern = profile?.pattern
    if (unasked === undefined) {
      const lock = asked?.lock ?? profile?.lock ?? false
      return { operation, ttl, pattern, lock, local: profile?.local ?? false, onlyLeased: undefined }
    }
    // A function that follows its statements is cached for itself, whatever is said of each of them.
    if (!scope.recorder?.wantsLeases) return unasked
    return { operation, ttl, pattern, lock: false, local: false, onlyLeased: unasked }
  }

  /** The configuration does not change, so it is asked once a plan. */
  rule(plan: CacheableRead, catalog: Catalog): Rule {
    let rule = this.#rules.get(plan)
    if (rule === undefined) {
      const { policy } = this.#config
      const of = (table: Table) => policy.of(table.schema, table.name)
      const read = plan.tables.flatMap((table) => treeOf(catalog, table))
      // A view that no pattern but `*` names has the policy of its main table.
      const mains = plan.main ? [plan.main, ...plan.behind] : []
      const named = mains.find((table) => {
        const profile = of(table)
        return profile && profile.pattern !== '*'
      })
      const governing = named ?? mains.at(-1)
      rule = { never: read.find((table) => of(table) === false)?.id, profile: governing && of(governing) }
      this.#rules.set(plan, rule)
    }
    return rule
  }

  /** One step of the store: a hit, or the lease to hold (S4). A store that fails is a miss without a lease (S7). */
  look(read: CachedRead): MaybePromise<ReadReply | undefined> {
    try {
      const reply = this.#config.store.read(read.request)
      return reply instanceof Promise ? reply.catch((error) => this.#failed(error)) : reply
    } catch (error) {
      return this.#failed(error)
    }
  }

  #failed(error: unknown): undefined {
    this.#stats.storeErrors++
    this.#events.emit('failure', { what: 'store', message: 'the store did not answer a read', error })
    if (!this.#config.degradeOnFailure) throw error
    return undefined
  }

  /** Waits for another's read of the same; undefined where what it brought does not stand any longer (S4). */
  async join(flight: Flight): Promise<Entry | undefined> {
    try {
      const entry = await flight.landed
      return (await this.#config.store.stands(flight.lease)) ? entry : undefined
    } catch {
      // The other's failure is the other's: this caller reads by itself.
      return undefined
    }
  }

  /** Whether the lease under which it was read speaks for it. */
  holds(read: CachedRead, entry: Entry): boolean {
    const { context } = read
    return context.storable && context.database.current(context) && this.#expected(context, entry)
  }

  /** Keeps what was read, under its lease. The reader does not wait for it. Does not fail. */
  keep(read: CachedRead, lease: Lease, entry: Entry): Promise<void> | undefined {
    if (read.onlyLeased !== undefined) return
    this.#kept++
    try {
      const stored = this.#config.store.write(lease, entry, read.ttl)
      return stored instanceof Promise ? stored.catch((error: unknown) => this.#notKept(error)) : undefined
    } catch (error) {
      this.#notKept(error)
    }
  }

  #notKept(error: unknown): void {
    this.#stats.storeErrors++
    this.#events.emit('failure', { what: 'store', message: 'an entry could not be stored', error })
  }

  /** A7: fields that the catalog does not know mean that definitions changed without us. */
  #expected(context: Context, entry: Entry): boolean {
    if (this.#fitting.get(entry.fields) === context.catalog) return true
    for (const field of entry.fields) {
      if (!field.tableID || !field.columnID) continue
      const column = context.catalog.tables
        .get(field.tableID)
        ?.columns.find((candidate) => candidate.position === field.columnID)
      if (column?.typeOid === field.dataTypeID) continue
      // A domain is sent as its base type.
      if (column && column.keyType === 'other') continue
      context.database.forget()
      this.#events.emit('failure', {
        what: 'catalog',
        message: 'a result does not fit the catalog: definitions were changed past cacheops, the catalog is read again',
        error: undefined,
      })
      return false
    }
    this.#fitting.set(entry.fields, context.catalog)
    return true
  }

  told(read: CachedRead, hit: boolean, joined: boolean): void {
    if (read.onlyLeased !== undefined && !hit) return
    if (hit) this.#stats.hits++
    else this.#stats.misses++
    if (!this.#events.heard('read')) return
    this.#events.emit('read', {
      hit,
      joined,
      sql: read.sql,
      operation: read.operation,
      fn: undefined,
      table: read.plan.main?.id ?? read.plan.tableIds[0] ?? '',
      tables: read.plan.tableIds,
      key: read.request.key,
    })
  }
}

/** Why the configuration alone does not have it cached. */
function whyUnasked(plan: CacheableRead, operation: Operation, profile: Profile | undefined): string | undefined {
  if (!profile)
    return plan.main ? `no pattern of the configuration names ${plan.main.id}` : 'its first table is not known'
  if (profile.mode === 'manual') return `${plan.main?.id} is cached only where asked for`
  if (!profile.ops.has(operation)) return `'${operation}' is not among the operations of '${profile.pattern}'`
  return undefined
}

/** What the innermost of comment and scope asks for: the comment stands with the query itself. */
function askedFor(comment: Analysis['comment'], scope: Scope): Asked | undefined | string {
  const scoped = scope.cache === 'off' ? undefined : scope.cache
  if (!comment) return scoped
  if (comment.unknown.length > 0)
    return `the comment 'cacheops:' has words that are not known: ${comment.unknown.join(', ')}`
  if (comment.ttl === undefined)
    return comment.lock === undefined ? scoped : { ttl: undefined, ops: undefined, ...scoped, lock: comment.lock }
  try {
    return { ttl: parseDuration(comment.ttl, 'ttl'), ops: undefined, lock: comment.lock ?? scoped?.lock }
  } catch (error) {
    return (error as Error).message
  }
}

function suspectValue(plan: CacheableRead, values: CallValues): string | undefined {
  for (const index of plan.suspects.params) {
    const value = values.params[index]
    if (typeof value === 'string' && readsClock(value)) return value
  }
  for (const slot of plan.suspects.literals) {
    const literal = values.literals[slot]
    if (literal?.kind === 'string' && readsClock(literal.value)) return literal.value
  }
  return undefined
}
