import type { Link } from './link.js'
import type { Names } from './names.js'
import { blockScript, recordScript, unblockScript } from './scripts/block.js'
import { settled } from './settled.js'

/**
 * How long a block holds without being renewed: a process that died blocks nobody for longer. Whoever waits for an outcome
 * renews it, which also puts back what the server has lost.
 */
const LIFE_MS = 600_000
const RENEW_MS = 20_000

type What = readonly string[] | 'database'

interface Block {
  readonly database: string
  readonly token: string
  what: What
  /** It was to be taken back. */
  over: boolean
}

/** A2: tables and databases that are blocked until the outcome of a write is known. */
export class Blocks {
  readonly #link: Link
  readonly #names: Names
  readonly #wait: number
  /** Those of this process. */
  readonly #own = new Map<string, Block>()
  #timer: NodeJS.Timeout | undefined

  constructor(link: Link, names: Names, wait: number) {
    this.#link = link
    this.#names = names
    this.#wait = wait
  }

  /** A token that blocks more than once blocks the sum. */
  async block(database: string, what: What, token: string): Promise<void> {
    const id = JSON.stringify([database, token])
    const before = this.#own.get(id)
    const block = { database, token, what: union(what, before?.what), over: false }
    this.#own.set(id, block)
    this.#schedule()
    try {
      await this.#put(block)
    } catch (error) {
      // Whoever is told so does not take it back either.
      if (before === undefined) this.#forget(id)
      throw error
    }
  }

  async unblock(database: string, token: string): Promise<void> {
    const id = JSON.stringify([database, token])
    const own = this.#own.get(id)
    if (own !== undefined) own.over = true
    await this.#take(database, token, own?.what)
    this.#forget(id)
  }

  /** Puts every block of this process again, and takes back those that could not be. */
  async renew(): Promise<void> {
    const work = [...this.#own.values()].map((block) =>
      block.over ? this.unblock(block.database, block.token) : this.#put(block),
    )
    await settled(work)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #put({ database, what, token }: Block): Promise<void> {
    const record = this.#names.database(database).token(token)
    const life = String(LIFE_MS)
    // The record first: other processes find by the token what is blocked.
    await this.#link.run(recordScript, [record], [JSON.stringify(what), life], this.#wait)
    await settled(
      this.#targets(database, what).map((keys) =>
        this.#link.run(blockScript, keys, [token, life, this.#names.news], this.#wait),
      ),
    )
  }

  async #take(database: string, token: string, own: What | undefined): Promise<void> {
    const record = this.#names.database(database).token(token)
    const text = (await this.#link.send(record, ['GET', record], this.#wait)) as string | null
    const stored = text === null ? undefined : (JSON.parse(text) as What)
    const what = stored === undefined ? own : union(stored, own)
    if (what === undefined) return
    await settled(
      this.#targets(database, what).map((keys) =>
        this.#link.run(unblockScript, keys, [token, this.#names.news], this.#wait),
      ),
    )
    await this.#link.send(record, ['UNLINK', record], this.#wait)
  }

  #targets(database: string, what: What): readonly (readonly [string, string])[] {
    if (what === 'database') {
      const { stamp, blocks } = this.#names.database(database)
      return [[stamp, blocks]]
    }
    return what.map((table) => {
      const { stamp, blocks } = this.#names.table(database, table)
      return [stamp, blocks] as const
    })
  }

  #forget(id: string): void {
    this.#own.delete(id)
    if (this.#own.size === 0) this.close()
  }

  #schedule(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => {
      // What fails now is tried again at the next turn.
      this.renew().catch(() => undefined)
    }, RENEW_MS)
    this.#timer.unref()
  }
}

function union(one: What, other: What | undefined): What {
  if (one === 'database' || other === 'database') return 'database'
  return [...new Set([...one, ...(other ?? [])])]
}
