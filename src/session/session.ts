import type { Change } from '../invalidation/dependency.js'
import type { TransactionStatement } from '../sql/statement.js'

export type Isolation = NonNullable<TransactionStatement['isolation']>

/** What the driver says of the connection: the server's own word after each statement. */
export type ConnectionStatus = 'idle' | 'transaction' | 'failed' | 'unknown'

interface Savepoint {
  readonly name: string
  readonly queued: number
}

/** A transaction that is open on the connection. */
class Transaction {
  /** It has written, or holds locks, or began in a way that was not seen: reads go past the cache (S6). */
  dirty: string | undefined
  isolation: Isolation | undefined
  /** Changes that wait for the outermost commit. */
  queue: Change[] = []
  /** For events: what caused them. */
  readonly causes = new Set<string>()
  /** Stamps of the catalogs that the changes were planned with (A7). */
  readonly catalogs = new Set<string>()
  readonly savepoints: Savepoint[] = []
  /** A setting was changed inside: it may be undone by a rollback, or end with the transaction (B7). */
  settingsTouched = false
  /** Definitions were changed inside: the catalog does not show them to others yet. */
  catalogTouched = false
}

/** One database connection's life, as far as the cache must know it. */
export class Session {
  #transaction: Transaction | undefined
  /** Told when its transaction has written or holds locks, and when that one is over. */
  readonly #onDirty: ((dirty: boolean) => void) | undefined
  /** Statements that were handed to the server and whose end was not seen yet, such as cursors (A25). */
  #inFlight = 0
  /** Reads pass by for good: temporary tables, a pooler that shares the backend. */
  #spoiled: string | undefined
  /** Session-level advisory locks may be held (S6). */
  #locked = false
  /** `false` until they are read, and after whatever may have changed them (A5). */
  settingsKnown = false

  constructor(onDirty?: (dirty: boolean) => void) {
    this.#onDirty = onDirty
  }

  /** Why reads of this session go past the cache now; undefined where they need not. */
  get pastCache(): string | undefined {
    if (this.#spoiled !== undefined) return this.#spoiled
    if (this.#inFlight > 0) return 'a statement of this connection is still running'
    if (this.#locked) return 'the session holds advisory locks'
    return this.#transaction?.dirty
  }

  /** The driver says otherwise: a transaction began or ended by words that were not seen. */
  differs(status: ConnectionStatus): boolean {
    if (status === 'unknown') return false
    return (status !== 'idle') !== (this.#transaction !== undefined)
  }

  /** Nothing was done in the open transaction that others could not see. */
  get clean(): boolean {
    return this.#transaction?.dirty === undefined
  }

  /** Whether the open transaction holds row or table locks, or its like, but is not known to have written. */
  get holdsLocks(): boolean {
    return this.#transaction?.dirty === 'the transaction holds locks'
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined
  }

  get isolation(): Isolation | undefined {
    return this.#transaction?.isolation
  }

  /** Definitions were changed in the open transaction: the shared catalog does not hold for this session. */
  get catalogTouched(): boolean {
    return this.#transaction?.catalogTouched ?? false
  }

  get queued(): readonly Change[] {
    return this.#transaction?.queue ?? []
  }

  spoil(reason: string): void {
    this.#spoiled ??= reason
  }

  begin(isolation: Isolation | undefined): void {
    this.#transaction ??= new Transaction()
    if (isolation) this.#transaction.isolation = isolation
  }

  setIsolation(isolation: Isolation): void {
    if (this.#transaction) this.#transaction.isolation = isolation
  }

  /** The session wrote: from here its transaction reads past the cache, even after ROLLBACK TO (B9). */
  wrote(): void {
    this.#soil('the transaction has written')
  }

  /**
   * A statement failed. The server's word on the transaction may come after the error itself, and reads past the cache
   * are right whatever it is (B9).
   */
  erred(): void {
    this.#soil('a statement of the transaction has failed')
  }

  #soil(reason: string): void {
    if (!this.#transaction) return
    if (this.#transaction.dirty === undefined) this.#onDirty?.(true)
    this.#transaction.dirty ??= reason
  }

  /** A lock was taken; `session` where it outlives the transaction. */
  locked(session: boolean): void {
    if (session) this.#locked = true
    this.#soil('the transaction holds locks')
  }

  /** No advisory lock is held any longer. */
  unlocked(): void {
    this.#locked = false
  }

  /** @param catalog - stamp of the catalog that they were planned with */
  queue(changes: readonly Change[], cause: string, catalog?: string): void {
    const transaction = this.#transaction
    if (!transaction) throw new Error('cacheops: changes were queued outside of a transaction')
    transaction.queue.push(...changes)
    transaction.causes.add(cause)
    if (catalog !== undefined) transaction.catalogs.add(catalog)
  }

  savepoint(name: string): void {
    const transaction = this.#transaction
    transaction?.savepoints.push({ name, queued: transaction.queue.length })
  }

  /** The changes since the savepoint are undone with it; a name that was not seen undoes nothing here. */
  rollbackTo(name: string): void {
    const transaction = this.#transaction
    if (!transaction) return
    if (transaction.settingsTouched) this.settingsKnown = false
    const index = transaction.savepoints.findLastIndex((savepoint) => savepoint.name === name)
    if (index < 0) return
    transaction.queue.length = (transaction.savepoints[index] as Savepoint).queued
    transaction.savepoints.length = index + 1
  }

  /** Savepoints were set or released where it could not be followed: what a name means now is not known, and undoes nothing. */
  forgetSavepoints(): void {
    if (this.#transaction) this.#transaction.savepoints.length = 0
  }

  release(name: string): void {
    const transaction = this.#transaction
    if (!transaction) return
    const index = transaction.savepoints.findLastIndex((savepoint) => savepoint.name === name)
    if (index >= 0) transaction.savepoints.length = index
  }

  /** A setting may have changed. */
  touchSettings(): void {
    this.settingsKnown = false
    if (this.#transaction) this.#transaction.settingsTouched = true
  }

  touchCatalog(): void {
    if (this.#transaction) {
      this.#transaction.catalogTouched = true
      this.#soil('the transaction has changed definitions')
    }
  }

  started(): void {
    this.#inFlight++
  }

  ended(): void {
    this.#inFlight--
  }

  /** The transaction is over: gives what it had queued. What becomes of it is for the caller to say. */
  end(): { readonly changes: readonly Change[]; readonly cause: string; readonly catalogs: readonly string[] } {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction?.dirty !== undefined) this.#onDirty?.(false)
    if (transaction?.settingsTouched) this.settingsKnown = false
    const cause = [...(transaction?.causes ?? [])].join(', ') || 'COMMIT'
    return { changes: transaction?.queue ?? [], cause, catalogs: [...(transaction?.catalogs ?? [])] }
  }

  /**
   * Brings the picture in line with what the driver says. A transaction that nobody saw begin is taken to have written.
   *
   * @returns true where a transaction ended that was not ended by `end()`: its queue is still to be taken
   */
  follow(status: ConnectionStatus): boolean {
    if (status === 'transaction' || status === 'failed') {
      if (!this.#transaction) {
        this.#transaction = new Transaction()
        this.#soil('the transaction began unseen')
      }
      return false
    }
    return status === 'idle' && this.#transaction !== undefined
  }
}
