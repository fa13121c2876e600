import type { Change } from '../../invalidation/dependency.js'
import type { ReadReply, ReadRequest } from '../store.js'
import type { Hearing } from './client.js'
import type { Link } from './link.js'
import type { Names } from './names.js'

/** Longer than a process waits before it tries again, and so says it again. */
const HOLDS_MS = 15_000
/** B10: over so many tables, all are passed by. */
const MOST = 10_000
const ALL = '*'
const RETRY_MS = 1000

interface Message {
  readonly database: string
  /** `'*'` is the whole database; without one, everything. */
  readonly tables: readonly string[] | typeof ALL
}

/**
 * A11: a server that answers and refuses writes keeps serving what should have been dropped. Whoever is refused says so to all
 * processes, which read past these tables for a while; it is said again as often as it is tried again.
 */
export class Undelivered {
  readonly #link: Link
  readonly #names: Names
  readonly #wait: number
  /** Database and table → until when, by `performance.now()`. */
  readonly #until = new Map<string, number>()
  #started = false
  #hearing: Hearing | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(link: Link, names: Names, wait: number) {
    this.#link = link
    this.#names = names
    this.#wait = wait
  }

  /** Begins to listen, where it does not yet. What is said before that, or while the connection is made anew, is said again. */
  start(): void {
    if (this.#started) return
    this.#started = true
    void this.#listen()
  }

  close(): void {
    this.#started = false
    clearTimeout(this.#retry)
    this.#hearing?.close()
    this.#hearing = undefined
  }

  /** Says what could not be dropped. Whoever calls has the refusal to tell: that this may fail as well changes nothing. */
  async tell(database: string, changes: readonly Change[]): Promise<void> {
    const { undelivered } = this.#names
    const tables = new Set<string>()
    for (const change of changes) tables.add('table' in change ? change.table : ALL)
    const message: Message = {
      database: changes.some(({ kind }) => kind === 'everything') ? ALL : database,
      tables: tables.has(ALL) ? ALL : [...tables],
    }
    await this.#link
      .send(undelivered, ['PUBLISH', undelivered, JSON.stringify(message)], this.#wait)
      .catch(() => undefined)
  }

  /** Where a table of the read must be read past. */
  of({ database, tables }: Pick<ReadRequest, 'database' | 'tables'>): ReadReply | undefined {
    if (this.#until.size === 0) return undefined
    const now = performance.now()
    if (this.#holds(nameOf(ALL, ALL), now)) return refused('everything')
    if (this.#holds(nameOf(database, ALL), now)) return refused('the database')
    const table = tables.find((each) => this.#holds(nameOf(database, each), now))
    return table === undefined ? undefined : refused(table)
  }

  async #listen(): Promise<void> {
    const again = (): void => {
      this.#hearing = undefined
      if (!this.#started) return
      this.#retry = setTimeout(() => void this.#listen(), RETRY_MS)
      this.#retry.unref()
    }
    try {
      this.#hearing = await this.#link.hear(this.#names.undelivered, (text) => this.#hear(text), again)
      if (!this.#started) this.close()
    } catch {
      // Where the channel cannot be had, or not now, what others say is missed, and no more than that.
      again()
    }
  }

  #holds(name: string, now: number): boolean {
    const until = this.#until.get(name)
    if (until === undefined) return false
    if (until > now) return true
    this.#until.delete(name)
    return false
  }

  #hear(text: string): void {
    const message = parse(text)
    if (message === undefined) return
    const { database, tables } = message
    const until = performance.now() + HOLDS_MS
    if (tables === ALL || this.#until.size + tables.length > MOST) this.#until.set(nameOf(database, ALL), until)
    else for (const table of tables) this.#until.set(nameOf(database, table), until)
  }
}

function refused(what: string): ReadReply {
  return { kind: 'blocked', reason: `the store refused an invalidation of ${what}` }
}

function nameOf(database: string, table: string): string {
  return JSON.stringify([database, table])
}

/** Undefined for what is not ours. */
function parse(text: string): Message | undefined {
  try {
    const { database, tables } = JSON.parse(text) as Partial<Message>
    if (typeof database !== 'string') return undefined
    return Array.isArray(tables) || tables === ALL ? { database, tables: tables as Message['tables'] } : undefined
  } catch {
    return undefined
  }
}
