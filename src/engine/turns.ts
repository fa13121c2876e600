import type { MaybePromise } from '../base/vocabulary.js'
import type { Lease, Store } from '../store/store.js'
import type { CachedRead } from './reader.js'

/** A process whose turns are never taken up has lost their callers: from the start. */
const MOST_HELD = 10_000

/** Whose turn it is to compute an entry, where its query asks for `lock`: of all processes, and of the callers of this one. */
export class Turns {
  readonly #store: Store
  /** By entry key: what is this process's to compute. */
  readonly #held = new Map<string, () => void>()
  /** Who asks, or waits for another process; the others of this process wait with him. */
  readonly #waits = new Map<string, Promise<boolean>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Whether anything is to be asked before the database. */
  wanted({ lock, request }: CachedRead): boolean {
    // Two that go on in one process meet at the single flight.
    return lock && this.#store.turn !== undefined && !this.#held.has(request.key)
  }

  /**
   * True where the caller goes on to the database. False where another has been waited for: the entry may be there now. Who
   * has waited once goes on whatever comes.
   */
  take(read: CachedRead, lease: Lease): MaybePromise<boolean> {
    if (!this.wanted(read)) return true
    const { key } = read.request
    const waiting = this.#waits.get(key)
    if (waiting) return waiting.then(() => false)
    const wait = this.#take(key, lease).finally(() => this.#waits.delete(key))
    this.#waits.set(key, wait)
    return wait
  }

  async #take(key: string, lease: Lease): Promise<boolean> {
    try {
      const turn = await this.#store.turn?.(lease)
      if (turn === undefined) return true
      if (!turn.mine) {
        await turn.over
        return false
      }
      if (this.#held.size >= MOST_HELD) this.#held.clear()
      this.#held.set(key, () => turn.done())
    } catch {
      // Without a lock it is as if none were asked for.
    }
    return true
  }

  /** The entry is stored, or will not be. */
  done(key: string): void {
    const done = this.#held.get(key)
    if (done === undefined) return
    this.#held.delete(key)
    done()
  }
}
