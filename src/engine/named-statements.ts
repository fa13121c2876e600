import type { Statement } from '../sql/statement.js'

/** What the names mean that PREPARE gave on one connection. A name that is not known may mean anything. */
export class NamedStatements {
  readonly #names = new Map<string, Statement>()

  of(name: string): Statement | undefined {
    return this.#names.get(name)
  }

  /** A statement was carried out. */
  ran(statement: Statement): void {
    if (statement.kind === 'prepare') this.#names.set(statement.name, statement.statement)
    else if (statement.kind === 'deallocate' && statement.name !== undefined) this.#names.delete(statement.name)
    else if (statement.kind === 'deallocate') this.forget()
  }

  /** Something ran that may have given other names. */
  forget(): void {
    this.#names.clear()
  }
}
