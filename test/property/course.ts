import { Choices } from './choices.js'
import { Comparison, type Known, known, normal } from './comparison.js'
import type { History } from './history.js'
import { type Menu, menu } from './menu.js'
import { makeRead, READS } from './reads/read.js'
import type { SchemaModel } from './schema/model.js'
import type { Tally } from './tally.js'
import { Twice } from './twice.js'
import { type Actor, moveOn, type World } from './world.js'
import { makeWrite, WRITES, type WriteMaker } from './writes/write.js'

/** The longest time for which a write may make its process read past a table. */
const GRACE_MS = 1100

/** How a case goes on: its steps, one after another. */
export class Course {
  readonly #world: World
  readonly #schema: SchemaModel
  readonly #history: History
  readonly #tally: Tally
  readonly #twice: Twice
  readonly #reads: Known[] = []
  readonly #writes: Menu<WriteMaker>
  /** Some cases do without transactions: every write is seen by everyone at once. */
  readonly #transactional: boolean
  readonly #comparison: Comparison
  /** The one actor whose transaction has written: others would wait for its locks. */
  #writer: Actor | undefined
  /** That transaction holds a lock that readers wait for. */
  #exclusive = false
  /** In whose transaction definitions or settings have changed, so that any read may fail. */
  readonly #unsettled = new Set<Actor>()

  /** @param fond - decides which forms the case is fond of */
  constructor(world: World, schema: SchemaModel, fond: Choices, history: History, tally: Tally) {
    this.#world = world
    this.#schema = schema
    this.#history = history
    this.#tally = tally
    this.#twice = new Twice(tally)
    this.#comparison = new Comparison(world, tally)
    this.#transactional = fond.chance(35)
    this.#writes = menu(fond, WRITES, 2)
    const reads = menu(fond, READS, 3)
    for (const numbers of history.reads) {
      // The same shape with other values too, as the finds of an application are.
      for (let variant = 0; variant < 1 + ((numbers[0] ?? 0) % 2); variant++) {
        const values = numbers.slice(numbers.length >> 1).map((number) => number + variant)
        this.#reads.push(known(makeRead(schema, reads, new Choices(numbers), new Choices(values))))
      }
    }
  }

  story(): string {
    return [...this.#schema.ddl, ...this.#twice.log].map((line) => `${line};`).join('\n')
  }

  async run(): Promise<void> {
    const fill = [this.#world.oracle, this.#world.shadowOracle]
    for (const row of this.#schema.rows) {
      this.#twice.log.push(row)
      for (const channel of fill) await channel.run(row, [])
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
    const { definitions, settings } = this.#schema
    await c.weighted<() => Promise<void>>([
      [20, () => this.#write(this.#writer ?? actor, c)],
      [2, () => this.#read(actor, c)],
      [this.#transactional ? 4 : 0, () => this.#begin(actor, c)],
      [this.#transactional ? 4 : 0, () => this.#end(c.chance(50) ? (this.#writer ?? actor) : actor, c)],
      [this.#transactional ? 3 : 0, () => this.#savepoint(this.#writer ?? actor, c)],
      [1, () => this.#twice.run(actor, 'SELECT 1/0')],
      [2, () => this.#refill(actor, c)],
      [definitions.length > 0 ? 1 : 0, () => this.#define(this.#writer ?? actor, c)],
      [settings.length > 0 ? 2 : 0, () => this.#set(actor, c)],
    ])()
    if (c.chance(50)) moveOn(GRACE_MS)
  }

  /** The rows of the beginning once more, as far as they are gone: where tables run empty, nothing changes any answer. */
  async #refill(actor: Actor, c: Choices): Promise<void> {
    if (this.#writer || actor.shadow.status() !== 'idle') return
    for (const row of this.#schema.rows) {
      if (row.startsWith('INSERT')) await this.#twice.run(actor, `${row} ON CONFLICT DO NOTHING`)
    }
    this.#tally.writes('refill')
    moveOn(GRACE_MS)
    await this.#check(c.pick(this.#world.actors), c)
  }

  async #write(actor: Actor, c: Choices): Promise<void> {
    const inTransaction = actor.shadow.status() !== 'idle'
    const where = { inTransaction, sticky: actor.sticky, embedded: this.#world.embedded }
    const { form, text, params } = makeWrite(this.#schema, this.#writes, c, where)
    await this.#change(actor, form, text, params, /TRUNCATE|REFRESH|CREATE|COMMIT/.test(text))
    if (!c.chance(12)) moveOn(GRACE_MS)
    await this.#check(c.pick(this.#world.actors), c)
  }

  /** @param exclusive - others would wait for it to end, or it for them */
  async #change(
    actor: Actor,
    form: string,
    text: string,
    params: readonly unknown[],
    exclusive: boolean,
  ): Promise<void> {
    if (exclusive && this.#world.actors.some((other) => other !== actor && other.shadow.status() !== 'idle')) return
    const inside = actor.shadow.status() !== 'idle'
    if (inside && exclusive) this.#exclusive = true
    if (inside) this.#writer = actor
    this.#tally.writes(form)
    const before = this.#alive()
    await this.#twice.run(actor, text, params)
    this.#tally.wrote(before, this.#alive())
    this.#settle(actor)
  }

  async #begin(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() !== 'idle') return
    await this.#twice.run(
      actor,
      c.weighted([
        [6, 'BEGIN'],
        [1, 'START TRANSACTION'],
        [1, 'BEGIN ISOLATION LEVEL REPEATABLE READ'],
      ]),
    )
    // What such a transaction sees is decided by its first query.
    await this.#twice.run(actor, 'SELECT 1')
  }

  async #end(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() === 'idle') return
    await this.#twice.run(
      actor,
      c.weighted([
        [8, 'COMMIT'],
        [4, 'ROLLBACK'],
        [1, 'END'],
        [1, 'COMMIT AND CHAIN'],
        [1, 'ROLLBACK AND CHAIN'],
      ]),
    )
    if (actor.shadow.status() === 'transaction') await this.#twice.run(actor, 'SELECT 1')
    if (this.#writer === actor) this.#writer = undefined
    this.#settle(actor)
    await this.#check(c.pick(this.#world.actors), c)
  }

  async #savepoint(actor: Actor, c: Choices): Promise<void> {
    if (actor.shadow.status() === 'idle') return
    const words = c.weighted([
      [3, 'SAVEPOINT'],
      [4, 'ROLLBACK TO'],
      [1, 'RELEASE SAVEPOINT'],
    ])
    await this.#twice.run(actor, `${words} ${c.pick(['a', 'b'])}`)
  }

  /** A change of definitions, also in transactions. */
  async #define(actor: Actor, c: Choices): Promise<void> {
    this.#comparison.forget()
    if (actor.shadow.status() !== 'idle') this.#unsettled.add(actor)
    await this.#change(actor, 'definition', c.pick(this.#schema.definitions)(c), [], true)
    await this.#check(actor)
  }

  /** A setting of a session, which is its own from then on. A pool's connections are alike: only inside a transaction. */
  async #set(actor: Actor, c: Choices): Promise<void> {
    const text = c.pick(this.#schema.settings)(c)
    const inside = actor.shadow.status() === 'transaction'
    const local = /^SET LOCAL|true\)$/.test(text)
    if (!actor.sticky && !(local && inside)) return
    if (this.#world.embedded && / TEMP /.test(text)) return
    this.#comparison.own(actor)
    if (inside) this.#unsettled.add(actor)
    await this.#twice.run(actor, text)
    await this.#check(actor, c)
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
    if (actor.shadow.status() === 'idle' || !this.#unsettled.has(actor)) return this.#comparison.compare(actor, reads)
    // A read that fails ends the transaction: it does so in the shadow too.
    for (const { text, params } of reads.slice(0, 4)) {
      if (actor.shadow.status() === 'transaction') await this.#twice.run(actor, text, params)
    }
  }

  /** Who wrote and is out of its transaction blocks nobody. */
  #settle(actor: Actor): void {
    const idle = actor.shadow.status() === 'idle'
    if (idle && this.#writer === actor) this.#writer = undefined
    if (idle) this.#unsettled.delete(actor)
    if (!this.#writer) this.#exclusive = false
  }

  #alive(): number {
    let alive = 0
    for (const entry of this.#world.kept?.entries() ?? []) if (entry.alive) alive++
    return alive
  }

  /** At rest: every actor out of its transaction, every read equal, and both databases the same. */
  async #finish(): Promise<void> {
    for (const actor of this.#world.actors) if (actor.shadow.status() !== 'idle') await this.#twice.run(actor, 'COMMIT')
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
