/** A row of the table under test. `v` grows by one with every update of the row, so of two states it is known which is older. */
export interface Item {
  readonly id: number
  readonly grp: number
  readonly v: number
}

/** A read that is under way: what was acknowledged when it began. */
export interface Begun {
  readonly at: number
  readonly acknowledged: ReadonlyMap<number, Item>
}

/** What is known of the rows from outside: what was acknowledged, and what is being written. */
export class History {
  readonly #acknowledged = new Map<number, Item>()
  readonly #writers = new Map<number, number>()
  readonly #touched = new Map<number, number>()
  #clock = 0
  #everywhere = 0
  #touchedAll = 0

  constructor(items: readonly Item[]) {
    for (const item of items) this.#acknowledged.set(item.id, item)
  }

  get items(): readonly Item[] {
    return [...this.#acknowledged.values()]
  }

  /** A write of these rows, or of any, begins. The function ends it: with the rows as it left them, with none, or unknown. */
  writes(ids: readonly number[] | 'any'): (outcome: readonly Item[] | 'unknown') => void {
    this.#mark(ids, 1)
    return (outcome) => {
      // A write that may land any time is never over.
      if (outcome === 'unknown') return
      this.#mark(ids, -1)
      for (const item of outcome) {
        const known = this.#acknowledged.get(item.id)
        if (!known || known.v < item.v) this.#acknowledged.set(item.id, item)
      }
    }
  }

  #mark(ids: readonly number[] | 'any', by: number): void {
    const now = ++this.#clock
    if (ids === 'any') {
      this.#everywhere += by
      this.#touchedAll = now
      return
    }
    for (const id of ids) {
      this.#writers.set(id, (this.#writers.get(id) ?? 0) + by)
      this.#touched.set(id, now)
    }
  }

  reads(): Begun {
    return { at: this.#clock, acknowledged: new Map(this.#acknowledged) }
  }

  /** Nobody wrote the row while the read was under way. */
  quiet(id: number, begun: Begun): boolean {
    if (this.#everywhere > 0 || this.#touchedAll > begun.at) return false
    return (this.#writers.get(id) ?? 0) === 0 && (this.#touched.get(id) ?? 0) <= begun.at
  }

  /**
   * What is wrong with the answer of a read that ended just now: a row older than what was acknowledged before the read
   * began, or, of a row that nobody wrote meanwhile, anything else than its last state.
   */
  wrong(begun: Begun, rows: readonly Item[], wanted: (item: Item) => boolean): string | undefined {
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const [id, acknowledged] of begun.acknowledged) {
      const row = found.get(id)
      const was = `${JSON.stringify(acknowledged)} was acknowledged before`
      if (row && row.v < acknowledged.v) return `read ${JSON.stringify(row)}, but ${was}`
      if (!this.quiet(id, begun)) continue
      if (row && (row.v !== acknowledged.v || row.grp !== acknowledged.grp))
        return `read ${JSON.stringify(row)}, but ${was}`
      if (!row && wanted(acknowledged)) return `read nothing of row ${id}, but ${was}`
      if (row && !wanted(acknowledged)) return `read ${JSON.stringify(row)} where it is not, ${was}`
    }
    return undefined
  }

  /** The same for a sum over the rows, where nobody wrote anything meanwhile. */
  wrongSum(
    begun: Begun,
    sum: { readonly n: number; readonly s: number },
    wanted: (item: Item) => boolean,
  ): string | undefined {
    if (this.#clock > begun.at || this.#everywhere > 0) return undefined
    for (const writers of this.#writers.values()) if (writers > 0) return undefined
    const expected = this.items.filter(wanted)
    const s = expected.reduce((total, item) => total + item.v, 0)
    return sum.n === expected.length && sum.s === s
      ? undefined
      : `${JSON.stringify(sum)}, expected ${expected.length} and ${s}`
  }
}
