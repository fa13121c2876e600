import type { Observed } from '../watch.js'

/** How a request's reads were answered. */
export interface Counts {
  readonly hit: number
  readonly miss: number
  readonly past: number
}

/** A thing that the panel shows: one call of the database, or a request, after the calls that it made. */
export type Activity = { readonly id: number } & (
  | { readonly kind: 'call'; readonly observed: Observed }
  | { readonly kind: 'request'; readonly method: string; readonly path: string; readonly counts: Counts }
)

type New = Activity extends infer One ? (One extends Activity ? Omit<One, 'id'> : never) : never

const KEPT = 80

/** The last things that happened, and those who want to hear of the next. */
export class ActivityLog {
  #last = 0
  #kept: readonly Activity[] = []
  #totals: Counts = { hit: 0, miss: 0, past: 0 }
  readonly #listeners = new Set<(activity: Activity) => void>()

  /** Newest first. */
  get latest(): readonly Activity[] {
    return this.#kept
  }

  get totals(): Counts {
    return this.#totals
  }

  add(added: New): void {
    const activity: Activity = { id: ++this.#last, ...added }
    if (activity.kind === 'call') this.#totals = counted(this.#totals, activity.observed)
    this.#kept = [activity, ...this.#kept].slice(0, KEPT)
    for (const listener of this.#listeners) listener(activity)
  }

  /** Hears what was kept after that number, oldest first, then everything new. Gives the function that stops it. */
  follow(after: number, listener: (activity: Activity) => void): () => void {
    // A number from before a restart says nothing.
    const known = after <= this.#last ? after : 0
    for (const activity of this.#kept.filter(({ id }) => id > known).reverse()) listener(activity)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

export function counted(counts: Counts, { outcome }: Observed): Counts {
  return outcome === undefined ? counts : { ...counts, [outcome]: counts[outcome] + 1 }
}
