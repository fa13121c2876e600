import { AsyncLocalStorage } from 'node:async_hooks'
import type { BypassEvent, Cacheops, InvalidatedEvent, ReadEvent } from 'cacheops'

/** What one call of the blog did with the cache. */
export interface Observed {
  readonly label: string
  /** The whole call, Drizzle's part included. */
  readonly milliseconds: number
  /** How its read was answered; undefined where it did not read. */
  readonly outcome: 'hit' | 'miss' | 'past' | undefined
  /** Why it went past the cache, or what a miss means. */
  readonly reason: string | undefined
  readonly sql: string | undefined
  /** What it dropped. */
  readonly drops: readonly InvalidatedEvent[]
}

interface Heard {
  readonly reads: ReadEvent[]
  readonly bypasses: BypassEvent[]
  readonly drops: InvalidatedEvent[]
}

/** Tells which call each event of the cache belongs to, also where several run at once. */
export class Watch {
  readonly #calls = new AsyncLocalStorage<Heard>()
  readonly #known = new Set<string>()

  constructor(cacheops: Cacheops) {
    cacheops.on('read', (event) => this.#calls.getStore()?.reads.push(event))
    cacheops.on('bypass', (event) => this.#calls.getStore()?.bypasses.push(event))
    cacheops.on('invalidated', (event) => this.#calls.getStore()?.drops.push(event))
  }

  /** Runs one query, by a name for people. */
  async observe<T>(
    label: string,
    query: () => PromiseLike<T>,
  ): Promise<{ readonly value: T; readonly observed: Observed }> {
    const heard: Heard = { reads: [], bypasses: [], drops: [] }
    const start = performance.now()
    const value = await this.#calls.run(heard, async () => await query())
    const milliseconds = performance.now() - start
    return { value, observed: { label, milliseconds, drops: heard.drops, ...this.#answer(heard) } }
  }

  #answer({ reads, bypasses }: Heard): Pick<Observed, 'outcome' | 'reason' | 'sql'> {
    const past = bypasses[0]
    if (past) return { outcome: 'past', reason: past.reason, sql: past.sql }
    const read = reads[0]
    if (!read) return { outcome: undefined, reason: undefined, sql: undefined }
    if (read.hit) return { outcome: 'hit', reason: undefined, sql: read.sql }
    const reason = this.#known.has(read.key) ? 'no longer in the cache' : 'the first time'
    this.#known.add(read.key)
    return { outcome: 'miss', reason, sql: read.sql }
  }
}

/** `posts (2 conditions)`: the tables of which something was dropped, and how finely. */
export function dropped(event: InvalidatedEvent): string {
  if (event.everything) return 'everything'
  return event.tables
    .map(({ table, whole, schemes, conjs }) => {
      const name = table.replace(/^public\./, '')
      if (whole) return `all that reads ${name}`
      const parts = [
        ...(conjs > 0 ? [`${conjs} ${conjs === 1 ? 'condition' : 'conditions'}`] : []),
        ...(schemes > 0 ? [`${schemes} whole ${schemes === 1 ? 'scheme' : 'schemes'}`] : []),
      ]
      return `${name} (${parts.join(', ')})`
    })
    .join(', ')
}
