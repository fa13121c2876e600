const QUIET_MS = 1.5

/**
 * Stops whatever comes to a point and lets one on at a time, chosen by the next of `choices` (by the order of arrival where
 * they are used up). The database and the clock run as they like: where several are on their way to a point, who comes
 * first is theirs to say, so a schedule repeats nearly, not exactly.
 */
export class Scheduler {
  readonly #parked: { readonly what: string; readonly go: () => void }[] = []
  readonly #choices: readonly number[]
  readonly trace: string[] = []
  #next = 0
  #events = 0
  #running = 0
  #free = false

  constructor(choices: readonly number[]) {
    this.#choices = choices
  }

  /** Waits here until it is chosen. */
  stop(what: string): Promise<void> | undefined {
    if (this.#free) return undefined
    this.#events++
    return new Promise((go) => {
      this.#parked.push({ what, go })
    })
  }

  /** Runs tasks side by side under the scheduler, until all have ended. */
  async run(tasks: readonly (() => Promise<void>)[]): Promise<void> {
    const results = tasks.map(async (task) => {
      this.#running++
      try {
        await this.stop('begin')
        await task()
      } finally {
        this.#running--
        this.#events++
      }
    })
    const all = Promise.allSettled(results)
    while (this.#running > 0) await this.#step()
    // What nobody waits for may still be on its way: entries that are stored, tables that are freed.
    this.#free = true
    for (const { go } of this.#parked.splice(0)) go()
    for (const result of await all) if (result.status === 'rejected') throw result.reason
  }

  async #step(): Promise<void> {
    // Until all are at a point, or nothing has come for a while: who is under way then waits for a lock, or for another.
    let seen = -1
    for (let since = 0; this.#parked.length < this.#running; ) {
      if (seen !== this.#events) {
        seen = this.#events
        since = performance.now()
      } else if (performance.now() - since > QUIET_MS) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#parked.length === 0) return
    const choice = this.#choices[this.#next++] ?? 0
    const [chosen] = this.#parked.splice(choice % this.#parked.length, 1)
    if (!chosen) return
    this.trace.push(chosen.what)
    this.#events++
    chosen.go()
  }
}
