import type { MaybePromise } from '../../src/base/vocabulary.js'
import type { Change, Scheme } from '../../src/invalidation/dependency.js'
import type {
  Entry,
  Invalidated,
  Lease,
  ReadReply,
  ReadRequest,
  Recalled,
  Store,
  StoreStats,
} from '../../src/store/store.js'

export type StoreStep =
  | 'read'
  | 'write'
  | 'recall'
  | 'drop'
  | 'catalogStamp'
  | 'stands'
  | 'invalidate'
  | 'schemes'
  | 'block'
  | 'unblock'
  | 'stats'

/** Where a step is: on its way to the store, or on its way back. */
export type StoreMoment = 'before' | 'after'

/**
 * A store over a network, made of one in memory: every step takes its time on the way there and back, and may fail on either.
 * `invalidate` is in two: the registry is read, then the stamps are replaced, as by a store that needs two trips.
 */
export class WrappedStore implements Store {
  readonly name = 'wrapped'
  readonly inner: Store
  /** Awaited before and after each step; what it throws, the step rejects with. */
  hook: ((step: StoreStep, moment: StoreMoment, what: string) => MaybePromise<void>) | undefined

  constructor(inner: Store) {
    this.inner = inner
  }

  read(request: ReadRequest): Promise<ReadReply> {
    return this.#step('read', request.key, () => this.inner.read(request))
  }

  write(lease: Lease, entry: Entry, ttl: number): Promise<void> {
    return this.#step('write', lease.key, () => this.inner.write(lease, entry, ttl))
  }

  recall(key: string): Promise<Recalled> {
    return this.#step('recall', key, () => this.inner.recall(key))
  }

  combine(key: string, leases: readonly Lease[]): Lease {
    return this.inner.combine(key, leases)
  }

  drop(key: string): Promise<void> {
    return this.#step('drop', key, () => this.inner.drop(key))
  }

  catalogStamp(database: string, known?: boolean): MaybePromise<string> {
    // What this process saw last: without a trip.
    if (known) return this.inner.catalogStamp(database)
    return this.#step('catalogStamp', database, () => this.inner.catalogStamp(database))
  }

  stands(lease: Lease): Promise<boolean> {
    return this.#step('stands', lease.key, () => this.inner.stands(lease))
  }

  async invalidate(database: string, changes: readonly Change[]): Promise<Invalidated> {
    for (const change of changes) {
      if ('table' in change) await this.#step('schemes', change.table, () => this.inner.schemes(database, change.table))
    }
    return this.#step('invalidate', database, () => this.inner.invalidate(database, changes))
  }

  schemes(database: string, table: string): Promise<readonly Scheme[]> {
    return this.#step('schemes', table, () => this.inner.schemes(database, table))
  }

  block(database: string, tables: readonly string[] | 'database', token: string): Promise<void> {
    return this.#step('block', token, () => this.inner.block(database, tables, token))
  }

  unblock(database: string, token: string): Promise<void> {
    return this.#step('unblock', token, () => this.inner.unblock(database, token))
  }

  stats(): Promise<StoreStats> {
    return this.#step('stats', '', () => this.inner.stats())
  }

  async close(): Promise<void> {
    await this.inner.close()
  }

  async #step<T>(step: StoreStep, what: string, run: () => MaybePromise<T>): Promise<T> {
    await this.hook?.(step, 'before', what)
    const result = await run()
    await this.hook?.(step, 'after', what)
    return result
  }
}
