import type { Inside } from '../engine/scope.js'
import { LONG_PATIENCE_MS, PATIENCE_MS, withPatience } from './patience.js'
import type { Kept, Shelf } from './shelf.js'

/** Runs that are under way: whoever asks for the same meanwhile waits for it. */
export class Flights {
  readonly #shelf: Shelf
  readonly #landings = new Map<string, Promise<Kept | undefined>>()

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  has(key: string): boolean {
    return this.#landings.has(key)
  }

  /**
   * Waits for another's run. Undefined where there is none, or what it brings is not for others.
   *
   * @param inside - a call inside of the run would wait for itself
   * @param patient - the function asks for `lock`
   */
  async join(key: string, inside: Inside | undefined, patient: boolean): Promise<Kept | undefined> {
    const landing = this.#landings.get(key)
    if (!landing) return undefined
    for (let at = inside; at; at = at.outer) if (at.key === key) return undefined
    const kept = await withPatience(landing, patient ? LONG_PATIENCE_MS : PATIENCE_MS)
    // S4: what it was computed from may have changed before the waiting began.
    return kept && (await this.#shelf.stands(kept.lease)) ? kept : undefined
  }

  /** Notes a run; the first under a key is the one to wait for. */
  add(key: string, landing: Promise<Kept | undefined>): void {
    // Its error is its caller's to hear.
    const landed = landing.catch(() => undefined)
    if (this.#landings.has(key)) return
    this.#landings.set(key, landed)
    void landed.finally(() => this.#landings.delete(key))
  }
}
