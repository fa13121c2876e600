import { Choices } from './choices.js'
import { Comparison, type Known, known, normal, show } from './comparison.js'
import { makeRead } from './queries.js'
import { makeSchema, type SchemaModel } from './schema.js'
import type { Tally } from './tally.js'
import { type Actor, moveOn, type World, type Worlds } from './world.js'
import { makeWrite } from './writes.js'

/** A case, as numbers that decide everything. */
export interface History {
  readonly schema: readonly number[]
  readonly reads: readonly (readonly number[])[]
  readonly steps: readonly (readonly number[])[]
}

/** The longest time for which a write may make its process read past a table. */
const GRACE_MS = 1100

/** Carries a case out. @throws where a cached answer differs from the uncached one, with all that happened before */
export async function carryOut(worlds: Worlds, history: History, tally: Tally): Promise<void> {
  const c = new Choices(history.schema)
  const options = { maxSchemes: c.pick([128, 128, 4]), longDisjunction: c.pick([32, 4]) }
  const schema = makeSchema(c)
  const world = await worlds.open(schema.ddl, options)
  const course = new Course(world, schema, history, tally)
  try {
    await course.run()
    const counts = await world.counts()
    tally.add(counts)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${JSON.stringify(options)}\n${course.story(schema)}`, {
      cause: error,
    })
  } finally {
    await world.end()
  }
}

class Course {
  readonly #world: World
  readonly #schema: SchemaModel
  readonly #history: History
  readonly #tally: Tally
  readonly #log: string[] = []
  readonly #reads: Known[] = []
  readonly #comparison: Comparison
  /** The one actor whose transaction has written: others would wait for its locks. */
  #writer: Actor | undefined
  /** That transaction holds a lock that readers wait for. */
  #exclusive = false

  constructor(world: World, schema: SchemaModel, history: History, tally: Tally) {
    this.#world = world
    this.#schema = schema
    this.#history = history
    this.#tally = tally
    this.#comparison = new Comparison(world, tally)
  }

  story(schema: SchemaModel): string {
    return [...schema.ddl, ...this.#log].map((line) => `${line};`).join('\n')
  }

  async run(): Promise<void> {
    const fill = [this.#world.oracle, this.#world.shadowOracle]
    for (const row of this.#schema.rows) {
      this.#log.push(row)
      for (const channel of fill) await channel.run(row, [])
    }
    for (const numbers of this.#history.reads) {
      // The same shape with other values too, as the finds of an application are.
      for (let variant = 0; variant < 1 + ((numbers[0] ?? 0) % 2); variant++) {
        const values = numbers.slice(numbers.length >> 1).map((number) => number + variant)
        const read = makeRead(this.#schema, new Choices(numbers), new Choices(values))
        this.#reads.push(known(read))
      }
    }
    await this.#check(this.#world.actors[0] as Actor)
    for (const numbers of this.#history.steps) await this.#step(new Choices(numbers))
    await this.#finish()
  }

  async #step(c: Choices): Promise<void> {
    this.#tally.steps++
    const actor = c.pick(this.#world.actors)
    // A transaction that has failed does little more than to wait for its end.
    const failed = this.#world.actors.find((other) => other.shadow.status() === 'failed')
    if (failed && c.chance(60)) {
      await (c.chance(40) ? this.#savepoint(failed, c) : this.#end(failed, c))
      return
    }
    await c.weighted<() => Promise<void>>([
      [20, () => this.#write(this.#writer ?? actor, c)],
      [6, () => this.#read(actor, c)],
      [5, () => this.#begin(actor, c)],
      [4, () => this.#end(c.chance(50) ? (this.#writer ?? actor) : actor, c)],
      [4, () => this.#savepoint(this.#writer ?? actor, c)],
      [1, () => this.#both(actor, 'SELECT 1/0', [])],
      [1, () => this.#define(actor, c)],
    ])()
    if (c.chance(50)) moveOn(GRACE_MS)
  }

  async #write(actor: Actor, c: Choices): Promise<void> {
    const inside = actor.shadow.status() !== 'idle'
    const { text, params } = makeWrite(this.#schema, c, inside)
    const exclusive = /TRUNCATE/.test(text)
    // It would wait for those that have read.
    if (exclusive && this.#world.actors.some((other) => other !== actor && other.shadow.status() !== 'idle')) return
    if (inside && exclusive) this.#exclusive = true
    const before = this.#alive()
    if (inside) this.#writer = actor
    await this.#both(actor, text, params)
    this.#tally.wrote(before, this.#alive())
    this.#settle(actor)
    if (!c.chance(30)) moveOn(GRACE_MS)
    await this.#check(c.pick(this.#world.actors), c)
  }

  async #begin(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() !== 'idle') return
    await this.#both(
      actor,
      c.weighted([
        [6, 'BEGIN'],
        [1, 'START TRANSACTION'],
        [1, 'BEGIN ISOLATION LEVEL REPEATABLE READ'],
      ]),
      [],
    )
    // What such a transaction sees is decided by its first query.
    await this.#both(actor, 'SELECT 1', [])
  }

  async #end(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() === 'idle') return
    await this.#both(
      actor,
      c.weighted([
        [8, 'COMMIT'],
        [4, 'ROLLBACK'],
        [1, 'END'],
        [1, 'COMMIT AND CHAIN'],
        [1, 'ROLLBACK AND CHAIN'],
      ]),
      [],
    )
    if (actor.shadow.status() === 'transaction') await this.#both(actor, 'SELECT 1', [])
    if (this.#writer === actor) this.#writer = undefined
    this.#settle(actor)
    await this.#check(c.pick(this.#world.actors), c)
  }

  async #savepoint(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() === 'idle') return
    const name = c.pick(['a', 'b'])
    await this.#both(
      actor,
      `${c.weighted([
        [3, 'SAVEPOINT'],
        [4, 'ROLLBACK TO'],
        [1, 'RELEASE SAVEPOINT'],
      ])} ${name}`,
      [],
    )
  }

  /** A change of definitions, where nobody would wait for anybody. */
  async #define(actor: Actor, c: Choices): Promise<void> {
    if (this.#world.actors.some((other) => other.shadow.status() !== 'idle')) return
    const table = c.pick(this.#schema.tables).name
    this.#comparison.forget()
    await this.#both(
      actor,
      c.pick([
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS z integer DEFAULT 7`,
        `UPDATE ${table} SET z = 8`,
        `ALTER TABLE ${table} DROP COLUMN IF EXISTS z`,
      ]),
      [],
    )
    await this.#check(actor)
  }

  async #read(actor: Actor, c: Choices): Promise<void> {
    if (this.#reads.length === 0) return
    const read = c.pick(this.#reads)
    await this.#compare(actor, [read])
    if (c.chance(50)) await this.#compare(actor, [read])
  }

  /** Every read of the case, as one actor sees it; some of them where it sees what others do not and passes by. */
  async #check(actor: Actor, c?: Choices): Promise<void> {
    const reads = this.#reads
    const few = actor === this.#writer && actor.shadow.status() !== 'idle'
    await this.#compare(actor, few && c && reads.length > 0 ? [c.pick(reads), c.pick(reads)] : reads)
  }

  async #compare(actor: Actor, reads: readonly Known[]): Promise<void> {
    if (actor.shadow.status() === 'failed' || (this.#exclusive && this.#writer !== actor)) return
    await this.#comparison.compare(actor, reads)
  }

  /** Runs a statement through the cache and in the shadow: both must say the same. */
  async #both(actor: Actor, text: string, params: readonly unknown[]): Promise<void> {
    const line = `-- ${actor.name}${actor.shadow.status() === 'idle' ? '' : ' (in a transaction)'}: ${show(text, params)}`
    this.#log.push(line)
    this.#tally.statements++
    const [wanted, got] = await Promise.all([actor.shadow.run(text, params), actor.cached.run(text, params)])
    if (wanted[0]?.error) {
      this.#log[this.#log.length - 1] = `${line} -- fails with ${wanted[0].error}`
      this.#tally.failedWrites++
    }
    const [a, b] = [normal(got, false, false), normal(wanted, false, false)]
    if (a !== b)
      throw new Error(`a statement's result differs: ${show(text, params)}\n  cached:   ${a}\n  uncached: ${b}`)
    // pg tells an error before it knows what became of the transaction.
    const differs = () => actor.cached.status() !== actor.shadow.status()
    for (let wait = 0; wanted[0]?.error && (wait < 1 || (wait < 20 && differs())); wait++) await pause(wait * 2)
    if (differs())
      throw new Error(`after ${text}: the connection is ${actor.cached.status()}, expected ${actor.shadow.status()}`)
  }

  /** Who wrote and is out of its transaction blocks nobody. */
  #settle(actor: Actor): void {
    if (actor.shadow.status() === 'idle' && this.#writer === actor) this.#writer = undefined
    if (!this.#writer) this.#exclusive = false
  }

  #alive(): number {
    let alive = 0
    for (const entry of this.#world.kept?.entries() ?? []) if (entry.alive) alive++
    return alive
  }

  /** At rest: every actor out of its transaction, every read equal, and both databases the same. */
  async #finish(): Promise<void> {
    for (const actor of this.#world.actors) if (actor.shadow.status() !== 'idle') await this.#both(actor, 'COMMIT', [])
    this.#writer = undefined
    this.#exclusive = false
    moveOn(GRACE_MS)
    for (const actor of this.#world.actors) await this.#check(actor)
    for (const { name } of this.#schema.tables) {
      const text = `SELECT * FROM ${name}`
      const here = await this.#world.oracle.run(text, [])
      const there = await this.#world.shadowOracle.run(text, [])
      const [a, b] = [normal(here, false, false), normal(there, false, false)]
      if (a !== b) throw new Error(`writes were carried out differently in ${name}\n  cached:   ${a}\n  uncached: ${b}`)
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => (milliseconds === 0 ? setImmediate(resolve) : setTimeout(resolve, milliseconds)))
}
