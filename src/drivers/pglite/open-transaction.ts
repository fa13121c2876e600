import type { Transaction } from '@electric-sql/pglite'
import type { Target } from './target.js'

/** A `transaction()` of PGlite that is open until someone says how it ends: it keeps all others off the session. */
export class OpenTransaction {
  readonly raw: Transaction
  readonly #end: (outcome: Promise<void>) => void
  readonly #finished: Promise<void>

  private constructor(raw: Transaction, end: (outcome: Promise<void>) => void, finished: Promise<void>) {
    this.raw = raw
    this.#end = end
    this.#finished = finished
  }

  /** Resolves when PGlite has begun it. */
  static open(target: Target): Promise<OpenTransaction> {
    return new Promise((resolve, reject) => {
      const finished = target.transaction<void>(
        (raw) => new Promise<void>((end) => resolve(new OpenTransaction(raw, end, finished))),
      )
      finished.catch(reject)
    })
  }

  /** Commits; where it was rolled back already, only leaves it. */
  commit(): Promise<void> {
    this.#end(Promise.resolve())
    return this.#finished
  }

  /** @throws what PGlite throws instead of `cause`, where even the rollback fails */
  async rollback(cause: unknown): Promise<void> {
    this.#end(Promise.reject(cause))
    try {
      await this.#finished
    } catch (error) {
      if (error !== cause) throw error
    }
  }
}
