import type { Transaction } from '@electric-sql/pglite'
import type { MaybePromise } from '../../base/vocabulary.js'
import type { Call, Scope } from '../../engine/connection.js'
import { asAsked, controlCall, execCall, queryCall } from './call.js'
import type { PGliteConnection } from './connection.js'
import { Line } from './line.js'
import type { QueryOptions, Results } from './options.js'
import type { Target } from './target.js'

export type Query = (text: string, params?: unknown[], options?: QueryOptions) => Promise<Results>

/** The session that a transaction is in. */
export interface Steps {
  /** That of the caller. */
  readonly scope: Scope
  step<R>(call: Call<R>, scope: Scope): MaybePromise<R>
  sql(strings: TemplateStringsArray, values: unknown[], query: Query): Promise<Results>
}

/** What the callback of a `transaction()` works with. Its calls have a line of their own: those outside wait for its end. */
export class InnerTransaction {
  readonly tx: Transaction
  readonly #steps: Steps
  readonly #line = new Line()
  #closed = false
  #over = false

  constructor(steps: Steps, target: Target, connection: PGliteConnection) {
    this.#steps = steps
    const closed = (): boolean => this.#closed
    const query: Query = async (text, params, options) => {
      this.#check()
      const call = queryCall(target, connection, text, params, options)
      return asAsked(this.#inside(call), text, params ?? [], options)
    }
    this.tx = {
      query: query as Transaction['query'],
      sql: (async (strings: TemplateStringsArray, ...values: unknown[]) => {
        this.#check()
        return steps.sql(strings, values, query)
      }) as Transaction['sql'],
      exec: async (text, options) => {
        this.#check()
        return asAsked(this.#inside(execCall(target, connection, text, options)), text, undefined, options)
      },
      rollback: async () => {
        this.#check()
        await this.#inside(controlCall('ROLLBACK', () => connection.rollbackInside()))
        this.#closed = true
        this.#over = true
      },
      listen: async (channel, callback) => {
        this.#check()
        // Through `exec` above, in line with the rest.
        return target.listen(channel, callback, this.tx)
      },
      get closed() {
        return closed()
      },
    }
  }

  /** No call is taken any longer; those that were are carried out. True where it was rolled back already. */
  async end(): Promise<boolean> {
    this.#closed = true
    await this.#line.drained()
    return this.#over
  }

  #check(): void {
    if (this.#closed) throw new Error('Transaction is closed')
  }

  async #inside<R>(call: Call<R>): Promise<R> {
    const { scope } = this.#steps
    return this.#line.add(() => this.#steps.step(call, scope), true)
  }
}
