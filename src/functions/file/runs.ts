import { AsyncLocalStorage } from 'node:async_hooks'
import { PATIENCE_MS, withPatience } from '../patience.js'

interface Run {
  readonly landing: Promise<string | undefined>
  dropped: boolean
}

/** Runs of this process that are under way, by the path of what they bring. */
export class FileRuns {
  readonly #runs = new Map<string, Run>()
  /** A call inside of a run would wait for itself. */
  readonly #inside = new AsyncLocalStorage<ReadonlySet<string>>()

  /** The text that another's run brings, or undefined where it brings nothing for others; undefined at once where there is none. */
  join(path: string): Promise<string | undefined> | undefined {
    const run = this.#runs.get(path)
    if (!run || this.#inside.getStore()?.has(path)) return undefined
    return withPatience(run.landing, PATIENCE_MS).then((text) => (run.dropped ? undefined : text))
  }

  /** Runs it, for all who ask meanwhile. `stands` says whether what it brings was dropped by hand since it began. */
  async run<T>(
    path: string,
    compute: (stands: () => boolean) => Promise<{ readonly value: T; readonly text: string | undefined }>,
  ): Promise<T> {
    const inside = new Set(this.#inside.getStore()).add(path)
    const state = { dropped: false }
    const result = this.#inside.run(inside, () => compute(() => !state.dropped))
    const landing = result.then(
      ({ text }) => text,
      () => undefined,
    )
    const run: Run = Object.assign(state, { landing })
    if (!this.#runs.has(path)) this.#runs.set(path, run)
    try {
      return (await result).value
    } finally {
      if (this.#runs.get(path) === run) this.#runs.delete(path)
    }
  }

  /** What is under way is kept by nobody: of a path, and of its variants. */
  drop(path: string): void {
    for (const [each, run] of this.#runs) {
      if (each !== path && !each.startsWith(`${path}-`)) continue
      run.dropped = true
      this.#runs.delete(each)
    }
  }
}
