import type { Isolation, Session } from '../session/session.js'
import type { TransactionStatement } from '../sql/statement.js'
import { EVERYTHING } from './changes.js'
import { type Call, outcomeUnknown } from './connection.js'
import type { Contexts } from './contexts.js'
import type { Core } from './core.js'
import { sawOthers, unknownOutcome } from './outcomes.js'
import { past } from './pass.js'
import type { Scope } from './scope.js'
import type { ConnectionState } from './source.js'

/** Runs the verbs of transactions, and delivers at the outermost commit (S6). */
export class Transactions {
  readonly #engine: Core
  readonly #contexts: Contexts

  constructor(engine: Core, contexts: Contexts) {
    this.#engine = engine
    this.#contexts = contexts
  }

  async run<R>(state: ConnectionState, call: Call<R>, statement: TransactionStatement, scope: Scope): Promise<R> {
    const { session, connection } = state
    switch (statement.verb) {
      case 'begin': {
        // What is asked on our own account is asked before: inside, a failure of ours would be the transaction's.
        if (!session.inTransaction && connection.status() === 'idle') await this.#contexts.of(state)
        const result = await call.passThrough()
        session.begin(statement.isolation)
        return result
      }
      case 'savepoint': {
        const result = await call.passThrough()
        session.savepoint(statement.savepoint ?? '')
        return result
      }
      case 'release': {
        const result = await call.passThrough()
        session.release(statement.savepoint ?? '')
        return result
      }
      case 'rollback-to': {
        const result = await call.passThrough()
        session.rollbackTo(statement.savepoint ?? '')
        return result
      }
      case 'rollback': {
        const { isolation } = session
        try {
          return await call.passThrough()
        } finally {
          session.end()
          this.#chained(state, statement, isolation)
        }
      }
      case 'prepare': {
        const result = await call.passThrough()
        // What it changed is committed by other words, maybe by another session: COMMIT PREPARED drops everything.
        session.end()
        session.follow(connection.status())
        return result
      }
      case 'rollback-prepared':
        return past(this.#engine, state, call, undefined)
      case 'commit-prepared': {
        try {
          return await past(this.#engine, state, call, undefined)
        } catch (error) {
          if (outcomeUnknown(error)) await unknownOutcome(this.#engine, state, EVERYTHING, call.text)
          throw error
        } finally {
          await this.#engine.everythingOf(state.source, call.text, 'another session prepared these changes', scope)
        }
      }
      case 'commit':
        return this.#commit(state, call, statement, scope)
    }
  }

  async #commit<R>(state: ConnectionState, call: Call<R>, statement: TransactionStatement, scope: Scope): Promise<R> {
    const { session } = state
    const { isolation } = session
    let result: R
    try {
      await this.#engine.pause('before-commit', call.text)
      result = await call.passThrough()
    } catch (error) {
      const { changes, cause } = session.end()
      if (!outcomeUnknown(error)) await sawOthers(this.#engine, state, changes, cause, error)
      else await unknownOutcome(this.#engine, state, changes, cause)
      this.#chained(state, statement, isolation)
      throw error
    }
    // A14: COMMIT of a failed transaction answers ROLLBACK.
    const committed = call.outcomes(result).some((outcome) => outcome.command === 'COMMIT')
    const ended = session.end()
    this.#chained(state, statement, isolation)
    if (committed) await this.#deliver(state, ended, scope)
    return result
  }

  async #deliver(state: ConnectionState, ended: ReturnType<Session['end']>, scope: Scope): Promise<void> {
    const { database } = state.source
    const { changes, cause, catalogs } = ended
    if (!database) return
    await this.#engine.pause('committed', cause)
    await this.#engine.delivery.deliver(
      database.id,
      changes,
      { text: `COMMIT of ${cause}`, reasons: [], catalogs },
      scope.deferred,
    )
  }

  #chained(state: ConnectionState, statement: TransactionStatement, isolation: Isolation | undefined): void {
    if (statement.chain && state.connection.status() !== 'idle') state.session.begin(isolation)
    else state.session.follow(state.connection.status())
  }
}
