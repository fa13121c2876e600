/** The same numbers on every run (mulberry32): the blog is always the same one. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('Nothing to pick from')
    return value
  }

  /** `count` different ones. */
  some<T>(values: readonly T[], count: number): readonly T[] {
    const chosen = new Set<T>()
    while (chosen.size < Math.min(count, values.length)) chosen.add(this.pick(values))
    return [...chosen]
  }
}
