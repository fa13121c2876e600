import { randomBytes } from 'node:crypto'
import type { Turn } from '../store.js'
import type { Link } from './link.js'
import type { Names } from './names.js'
import type { News } from './news.js'
import { releaseScript } from './scripts/release.js'

/** How often a waiter looks by itself, where it might not be told. */
const LOOK_MS = 250
/** The same where the news is current: only for what a message may not tell. */
const RARE_LOOK_MS = 1000

/** Who computes an entry while others wait: a key that ends by itself, and a message when it is done. */
export class Locks {
  readonly #link: Link
  readonly #names: Names
  readonly #news: News
  readonly #wait: number
  readonly #longest: number
  /** By entry: who waits for its landing. */
  readonly #waiting = new Map<string, Set<() => void>>()

  /**
   * @param wait - milliseconds for a command
   * @param longest - milliseconds that one may compute while the others wait: who takes longer, or died, is not waited for
   */
  constructor(link: Link, names: Names, news: News, wait: number, longest: number) {
    this.#link = link
    this.#names = names
    this.#news = news
    this.#wait = wait
    this.#longest = longest
  }

  async turn(entry: string): Promise<Turn> {
    this.#news.start()
    const key = this.#names.lock(entry)
    const token = randomBytes(12).toString('base64url')
    const reply = await this.#link.send(key, ['SET', key, token, 'NX', 'PX', String(this.#longest)], this.#wait)
    if (reply === null) return { mine: false, over: this.#over(entry, key) }
    let done = false
    return {
      mine: true,
      done: () => {
        if (done) return
        done = true
        // Who waits is freed by the key's end, if by nothing else.
        void this.#release(entry, key, token).catch(() => undefined)
      },
    }
  }

  landed(entry: string): void {
    for (const go of [...(this.#waiting.get(entry) ?? [])]) go()
  }

  async #release(entry: string, key: string, token: string): Promise<void> {
    if ((await this.#link.run(releaseScript, [key], [token], this.#wait)) === 1) await this.#news.land(entry)
  }

  /** Until the other is done, is gone, or has had its time. */
  async #over(entry: string, key: string): Promise<void> {
    const end = performance.now() + this.#longest
    while (performance.now() < end) {
      const look = this.#news.current ? RARE_LOOK_MS : LOOK_MS
      await this.#landing(entry, Math.min(look, end - performance.now()))
      try {
        if ((await this.#link.send(key, ['EXISTS', key], this.#wait)) !== 1) return
      } catch {
        // A server that does not answer keeps nobody waiting.
        return
      }
    }
  }

  /** Resolves when the entry's landing is told, or after so many milliseconds. */
  #landing(entry: string, longest: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(entry) ?? new Set()
      this.#waiting.set(entry, waiting)
      const go = (): void => {
        clearTimeout(timer)
        waiting.delete(go)
        if (waiting.size === 0) this.#waiting.delete(entry)
        resolve()
      }
      const timer = setTimeout(go, longest)
      waiting.add(go)
    })
  }
}
