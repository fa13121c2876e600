import { normal, show } from './comparison.js'
import { answered } from './patience.js'
import type { Tally } from './tally.js'
import type { Actor } from './world.js'

/** Runs statements through the cache and in the shadow, and keeps the story. Both must say the same. */
export class Twice {
  readonly log: string[] = []
  readonly #tally: Tally

  constructor(tally: Tally) {
    this.#tally = tally
  }

  /** @throws where the results, or where the connections stand afterwards, differ */
  async run(actor: Actor, text: string, params: readonly unknown[] = []): Promise<void> {
    const line = `-- ${actor.name}${actor.shadow.status() === 'idle' ? '' : ' (in a transaction)'}: ${show(text, params)}`
    this.log.push(line)
    this.#tally.statements++
    const [wanted, got] = await Promise.all([
      answered(actor.shadow.run(text, params), `uncached: ${text}`),
      answered(actor.cached.run(text, params), `cached: ${text}`),
    ])
    if (wanted[0]?.error) {
      this.log[this.log.length - 1] = `${line} -- fails with ${wanted[0].error}`
      this.#tally.failedWrites++
    }
    const [a, b] = [normal(got, false, false), normal(wanted, false, false)]
    // A plan is the server's own to choose, and not what is asked here.
    if (a !== b && !text.startsWith('EXPLAIN')) {
      throw new Error(`a statement's result differs: ${show(text, params)}\n  cached:   ${a}\n  uncached: ${b}`)
    }
    // pg tells an error before it knows what became of the transaction.
    const differs = () => actor.cached.status() !== actor.shadow.status()
    for (let wait = 0; wanted[0]?.error && (wait < 1 || (wait < 20 && differs())); wait++) await pause(wait * 2)
    if (differs()) {
      throw new Error(`after ${text}: the connection is ${actor.cached.status()}, expected ${actor.shadow.status()}`)
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => (milliseconds === 0 ? setImmediate(resolve) : setTimeout(resolve, milliseconds)))
}
