import type { Invalidated } from '../store.js'
import type { DatabaseStamps, TableStamps } from './stamps.js'

interface Dropped {
  table: string
  schemes: number
  conjs: number
  whole: boolean
}

/** Counts the stamps that an invalidation dropped. `conjs` has those that went with their scheme or table, too. */
export class Tally {
  readonly #tables = new Map<string, Dropped>()

  conj(table: string): void {
    this.#of(table).conjs++
  }

  scheme(table: string, conjs: number): void {
    const dropped = this.#of(table)
    dropped.schemes++
    dropped.conjs += conjs
  }

  table(table: string, stamps: TableStamps): void {
    this.#of(table).whole = true
    for (const { conjs } of stamps.registered) this.scheme(table, conjs.size)
  }

  database(database: DatabaseStamps): void {
    for (const [table, stamps] of database.tables) this.table(table, stamps)
  }

  result(): Invalidated {
    return { tables: [...this.#tables.values()] }
  }

  #of(table: string): Dropped {
    let dropped = this.#tables.get(table)
    if (dropped === undefined) {
      dropped = { table, schemes: 0, conjs: 0, whole: false }
      this.#tables.set(table, dropped)
    }
    return dropped
  }
}
