/** So many failures in a row open it. */
const FAILURES = 3
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 10_000

/**
 * S7: a server that is gone or hangs must not cost every query a timeout. After a few failures in a row nothing is sent for a
 * while; then one command is let through to try, and the next one after its outcome or another pause.
 */
export class Circuit {
  #failures = 0
  #pause = FIRST_PAUSE_MS
  #quietUntil = 0
  #trying = false

  get open(): boolean {
    return this.#failures >= FAILURES
  }

  /** Asked where it is open. */
  admitsTry(now: number): boolean {
    if (now < this.#quietUntil) return false
    this.#quietUntil = now + this.#pause
    this.#trying = true
    return true
  }

  succeeded(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#pause = FIRST_PAUSE_MS
    this.#trying = false
  }

  /** It is not known what became of a command: a try was none, and the next may come when it may. */
  undecided(): void {
    this.#trying = false
  }

  /** True where this opened it, or was a try's failure: false for commands that were under way and fail late. */
  failed(now: number): boolean {
    this.#failures++
    if (this.#failures < FAILURES) return false
    if (this.#failures > FAILURES) {
      if (!this.#trying) return false
      this.#pause = Math.min(this.#pause * 2, LAST_PAUSE_MS)
    }
    this.#trying = false
    this.#quietUntil = now + this.#pause
    return true
  }
}
