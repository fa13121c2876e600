import type { MaybePromise } from '../../base/vocabulary.js'

/** Tasks one after another, in the order in which they came. Where nothing runs, a task starts at once. */
export class Line {
  #last: Promise<void> | undefined
  #blocking = 0

  get free(): boolean {
    return this.#last === undefined
  }

  /** Whether what runs or waits lets a hit go before it (A25). */
  get passable(): boolean {
    return this.#blocking === 0
  }

  /** @param blocks - a hit that came after it must not overtake it, as it may write or change the session */
  add<T>(task: () => MaybePromise<T>, blocks: boolean): MaybePromise<T> {
    const result = this.#last ? this.#last.then(task) : task()
    if (!(result instanceof Promise)) return result
    if (blocks) this.#blocking++
    const done = (): void => {
      if (blocks) this.#blocking--
      if (this.#last === last) this.#last = undefined
    }
    const last = result.then(done, done)
    this.#last = last
    return result
  }

  /** Resolves when all that is in it is over. */
  async drained(): Promise<void> {
    while (this.#last) await this.#last
  }
}
