/**
 * A sequence of decisions. Numbers come from fast-check, so a counterexample shrinks: to fewer numbers, and each towards
 * 0, which is the simplest decision everywhere. Where they run out, the rest is 0.
 */
export class Choices {
  readonly #numbers: readonly number[]
  #at = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  /** From 0 to `bound - 1`. */
  int(bound: number): number {
    if (bound <= 1) return 0
    return (this.#numbers[this.#at++] ?? 0) % bound
  }

  /** Decisions of their own: what is decided there takes none from here. */
  fork(): Choices {
    const seed = this.int(999_999)
    // A 0 stays the simplest of all.
    return new Choices(
      seed === 0 ? [] : Array.from({ length: 40 }, (_, index) => (seed * (index + 7) * 7919) % 999_983),
    )
  }

  /** True about `percent` times in a hundred; false where nothing is left to decide. */
  chance(percent: number): boolean {
    return this.int(100) >= 100 - percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T
  }

  /** One of the given, each as often as its weight says. */
  weighted<T>(options: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.int(options.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of options) {
      if (at < weight) return value
      at -= weight
    }
    return (options[0] as readonly [number, T])[1]
  }

  /** `from` to `to` of them, in their order. */
  some<T>(list: readonly T[], from: number, to: number): T[] {
    const count = Math.min(list.length, from + this.int(to - from + 1))
    const chosen = new Set<number>()
    while (chosen.size < count) {
      let index = this.int(list.length)
      while (chosen.has(index)) index = (index + 1) % list.length
      chosen.add(index)
    }
    return [...chosen].sort((a, b) => a - b).map((index) => list[index] as T)
  }
}
