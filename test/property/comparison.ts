import { answered } from './patience.js'
import { Prepared } from './prepared.js'
import type { Read } from './reads/read.js'
import type { Tally } from './tally.js'
import type { Actor, Answer, Channel, World } from './world.js'

/** A read of the case, and what is known of it. */
export interface Known extends Read {
  readonly name: string
  misses: number
  fails: boolean
  /** How often in a row it went past the cache. */
  bypassed: number
  /** The answer that is thought to be cached. */
  cached: string | undefined
}

let nextName = 0

export function known(read: Read): Known {
  return { ...read, name: `r${nextName++}`, misses: 0, fails: false, bypassed: 0, cached: undefined }
}

/** Asks reads through the cache and past it. */
export class Comparison {
  readonly #world: World
  readonly #tally: Tally
  readonly #oracle: Prepared
  /** Whose session has settings of its own. */
  readonly #own = new Set<Actor>()

  constructor(world: World, tally: Tally) {
    this.#world = world
    this.#tally = tally
    this.#oracle = new Prepared(world.oracle)
  }

  /** Definitions have changed. */
  forget(): void {
    this.#oracle.forget()
  }

  /** The actor's session is set up as no other: only its own shadow can say what it should see. */
  own(actor: Actor): void {
    this.#own.add(actor)
  }

  /** First through the cache, then past it: nothing changes in between. @throws where an answer differs */
  async compare(actor: Actor, reads: readonly Known[]): Promise<void> {
    const inside = actor.shadow.status() !== 'idle'
    const doubtful: { readonly read: Known; readonly got: readonly Answer[] }[] = []
    for (const read of reads) {
      // An error would end the transaction, and what it says is not the question there.
      if (inside && read.fails) continue
      // What is never cached says little.
      if (read.bypassed > 2 && ++read.bypassed % 8 !== 0) continue
      this.#tally.reads++
      const before = this.#world.hits()
      const missesBefore = this.#world.misses()
      const got = await answered(actor.cached.run(read.text, read.params), `cached: ${show(read.text, read.params)}`)
      read.fails = got[0]?.error !== undefined
      if (read.fails) this.#tally.failedReads++
      if (inside && read.fails) {
        // Another has changed a privilege, say, since it was asked last. The transaction is over here, and so it is in the shadow.
        await answered(actor.shadow.run(read.text, read.params), `uncached: ${show(read.text, read.params)}`)
        return
      }
      // What came from the database just now is worth a look now and then: it was decoded by us.
      const hit = this.#world.hits() > before
      const miss = this.#world.misses() > missesBefore
      if (!inside) read.bypassed = hit || miss ? 0 : read.bypassed + 1
      if (!this.#own.has(actor)) this.#keep(read, got, hit, miss)
      if (hit || ++read.misses % 8 === 1) doubtful.push({ read, got })
    }
    const asked = doubtful.map(({ read }) => read)
    const wanted = await answered(this.#uncached(actor, asked, inside), 'uncached reads')
    for (const [index, { read, got }] of doubtful.entries()) {
      await this.#equal(actor, read, got, wanted[index] as readonly Answer[])
    }
  }

  /** What was dropped, and whether it had to be. */
  #keep(read: Known, got: readonly Answer[], hit: boolean, miss: boolean): void {
    if (!hit && !miss) return
    this.#tally.answers++
    if (got[0]?.rows?.length === 0) this.#tally.empty++
    const answer = normal(got, read.ordered, true)
    if (miss && read.cached !== undefined) {
      this.#tally.dropped++
      if (read.cached !== answer) this.#tally.needed++
    }
    read.cached = answer
  }

  /** Outside of a transaction what is committed, inside what the transaction sees. */
  async #uncached(actor: Actor, reads: readonly Known[], inside: boolean): Promise<readonly (readonly Answer[])[]> {
    if (this.#own.has(actor)) return this.#all(actor.shadow, reads)
    const prepared = inside ? [] : reads.filter((read) => !read.fails)
    const found = await this.#oracle.ask(prepared)
    const channel = inside ? actor.past : this.#world.oracle
    const answers: (readonly Answer[])[] = []
    for (const read of reads) {
      answers.push(found[prepared.indexOf(read)] ?? (await channel.run(read.text, read.params)))
    }
    return answers
  }

  async #all(channel: Channel, reads: readonly Known[]): Promise<readonly (readonly Answer[])[]> {
    const answers: (readonly Answer[])[] = []
    for (const read of reads) answers.push(await channel.run(read.text, read.params))
    return answers
  }

  async #equal(actor: Actor, read: Known, got: readonly Answer[], wanted: readonly Answer[]): Promise<void> {
    const { text, params, ordered } = read
    // Types of the schema's own have other numbers in the shadow.
    const types = !this.#own.has(actor)
    const cached = normal(got, ordered, types)
    if (cached === normal(wanted, ordered, types)) return
    // Planned once for all values, a FULL JOIN can fail that the same text by itself does not.
    const uncached = normal(await actor.past.run(text, params), ordered, types)
    if (cached === uncached) return
    const what = `a cached read differs: ${actor.name}: ${show(text, params)}`
    throw new Error(`${what}\n  cached:   ${cached}\n  uncached: ${uncached}`)
  }
}

export function show(text: string, params: readonly unknown[]): string {
  return params.length > 0 ? `${text}  ${JSON.stringify(params)}` : text
}

/** An answer as text. Rows in no order are sorted; types are left out where two databases are compared. */
export function normal(answers: readonly Answer[], ordered: boolean, types: boolean): string {
  return JSON.stringify(
    answers.map((answer) => ({
      ...answer,
      types: types ? answer.types : undefined,
      rows: ordered ? answer.rows : answer.rows && [...answer.rows].map((row) => JSON.stringify(row)).sort(),
    })),
  )
}
