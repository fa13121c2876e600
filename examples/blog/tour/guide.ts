import { isDeepStrictEqual } from 'node:util'
import type { Explanation } from 'cacheops'
import type { Blog } from '../blog.js'
import type { Db } from '../queries.js'
import { type Observed, Watch } from '../watch.js'
import { Narrator } from './narrator.js'

/** A question of the blog, by a name for people. */
export interface Question {
  readonly label: string
  readonly ask: (db: Db) => PromiseLike<unknown>
}

type Outcome = NonNullable<Observed['outcome']>

/** Leads through the tour: asks, tells what happened, and remembers whether it was what the tour says. */
export class Guide {
  readonly blog: Blog
  readonly narrator = new Narrator()
  readonly #watch: Watch
  readonly #asked = new Map<string, Question>()
  #surprises = 0

  constructor(blog: Blog) {
    this.blog = blog
    this.#watch = new Watch(blog.cacheops)
  }

  /** Everything went as the tour says. */
  get content(): boolean {
    return this.#surprises === 0
  }

  async read(question: Question, expected: Outcome, why?: string, db: Db = this.blog.db): Promise<void> {
    const { observed } = await this.#watch.observe(question.label, () => question.ask(db))
    this.narrator.read(observed, why)
    if (observed.outcome !== expected) this.surprise(expected)
    if (db === this.blog.db) this.#asked.set(question.label, question)
  }

  /** The first and the second time. */
  async twice(question: Question, miss = 'PostgreSQL answers', hit = 'the cache answers'): Promise<void> {
    await this.read(question, 'miss', miss)
    await this.read(question, 'hit', hit)
  }

  /** Asks several things and tells only how many were hits, and which were misses. */
  async several(what: string, questions: readonly Question[], misses: readonly string[]): Promise<void> {
    const found = { hit: [] as Observed[], miss: [] as Observed[], past: [] as Observed[] }
    for (const question of questions) {
      const { observed } = await this.#watch.observe(question.label, () => question.ask(this.blog.db))
      found[observed.outcome ?? 'past'].push(observed)
      this.#asked.set(question.label, question)
    }
    this.narrator.several(what, found)
    const missed = found.miss.map(({ label }) => label).sort()
    const wrong = found.past.length > 0 || !isDeepStrictEqual(missed, [...misses].sort())
    if (wrong) this.surprise(misses.length > 0 ? `misses of ${misses.join(', ')}` : 'no misses')
  }

  async write(
    label: string,
    query: () => PromiseLike<unknown>,
    expected: 'drops' | 'drops nothing' = 'drops',
  ): Promise<void> {
    const { observed } = await this.#watch.observe(label, query)
    this.narrator.write(observed)
    this.#expectDrops(observed, expected)
  }

  /** A transaction: what happens inside is told as it happens, what it drops after its end. */
  async transaction(verb: 'COMMIT' | 'ROLLBACK', run: () => Promise<unknown>): Promise<void> {
    this.narrator.step('BEGIN')
    const { observed } = await this.#watch.observe(verb, run)
    this.narrator.step(verb)
    this.narrator.drops(observed.drops)
    this.#expectDrops(observed, verb === 'COMMIT' ? 'drops' : 'drops nothing')
  }

  /** A write of which nothing is told before the transaction ends. */
  async inside(label: string, query: () => PromiseLike<unknown>): Promise<void> {
    const { observed } = await this.#watch.observe(label, query)
    this.narrator.timed('write', observed)
    this.#expectDrops(observed, 'drops nothing')
  }

  async explain(question: Question): Promise<Explanation> {
    const [explanation] = await this.blog.cacheops.explain(async () => void (await question.ask(this.blog.db)))
    if (!explanation) throw new Error(`Nothing was explained of ${question.label}`)
    return explanation
  }

  /** Asks all that was asked on the way once more, of the cache and of the database. */
  async compare(): Promise<{ readonly asked: number; readonly different: readonly string[] }> {
    const different: string[] = []
    for (const { label, ask } of this.#asked.values()) {
      if (!isDeepStrictEqual(await ask(this.blog.db), await ask(this.blog.plain))) different.push(label)
    }
    this.#surprises += different.length
    return { asked: this.#asked.size, different }
  }

  surprise(expected: string): void {
    this.#surprises++
    this.narrator.unexpected(expected)
  }

  #expectDrops(observed: Observed, expected: 'drops' | 'drops nothing'): void {
    const drops = observed.drops.some((drop) => drop.everything || drop.tables.length > 0)
    if (drops !== (expected === 'drops')) this.surprise(expected)
  }
}
