/** One after another: a statement's handling begins when the one before it is over. */
export class Fifo {
  #tail: Promise<unknown> | undefined
  readonly #empty: () => void

  /** @param empty - called where nothing is left */
  constructor(empty: () => void) {
    this.#empty = empty
  }

  get busy(): boolean {
    return this.#tail !== undefined
  }

  /** Runs at once, in the same tick, where nothing is before it. */
  add<T>(run: () => T | Promise<T>): Promise<T> {
    const result = this.#tail ? this.#tail.then(run) : attempt(run)
    const tail: Promise<unknown> = result.then(
      () => this.#over(tail),
      () => this.#over(tail),
    )
    this.#tail = tail
    return result
  }

  #over(tail: Promise<unknown>): void {
    if (this.#tail !== tail) return
    this.#tail = undefined
    this.#empty()
  }
}

function attempt<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    const result = run()
    return result instanceof Promise ? result : Promise.resolve(result)
  } catch (error) {
    return Promise.reject(error)
  }
}
