import { hash } from 'node:crypto'

/** Longest values of a conj that stand in its key as they are; longer ones are hashed. */
const LONGEST_VALUES = 128
/** B10: so many tables' names are remembered; over it from the start. */
const REMEMBERED = 10_000

/** The keys of one database's stamps, above its tables. */
export interface DatabaseNames {
  readonly stamp: string
  readonly catalog: string
  readonly blocks: string
  /** What a token blocks. */
  token(token: string): string
}

/** The keys of one table, all in one slot of a cluster. */
export class TableNames {
  readonly id: string
  readonly stamp: string
  readonly registry: string
  readonly blocks: string
  readonly #base: string

  constructor(id: string, base: string) {
    this.id = id
    this.#base = base
    this.stamp = `${base}:stamp`
    this.registry = `${base}:schemes`
    this.blocks = `${base}:blocks`
  }

  scheme(id: string): string {
    return `${this.#base}:${id}`
  }

  /** @param key - what `conjKey` gave; with nothing compared the colon is all that tells it from the scheme's */
  conj(scheme: string, key: string): string {
    // A key of values begins with a digit or '-', so no hash is taken for one.
    const short = key.length <= LONGEST_VALUES ? key : `#${hash('sha256', key, 'base64url')}`
    return `${this.#base}:${scheme}:${short}`
  }
}

/**
 * The keys in the server. What is above the tables shares one slot of a cluster, and so does all of one table: the braces
 * hold what the slot is computed from.
 */
export class Names {
  readonly global: string
  readonly servers: string
  /** The channel on which processes tell each other what was dropped. */
  readonly news: string
  /** The channel on which a process says what it could not drop. */
  readonly undelivered: string
  readonly #prefix: string
  readonly #above: string
  readonly #databases = new Map<string, DatabaseNames>()
  readonly #tables = new Map<string, Map<string, TableNames>>()
  #size = 0

  /** @param prefix - without braces */
  constructor(prefix: string) {
    this.#prefix = prefix
    this.#above = `{${prefix}}`
    this.global = `${this.#above}:stamp`
    this.servers = `${this.#above}:servers`
    this.news = `${prefix}:news`
    this.undelivered = `${prefix}:undelivered`
  }

  database(id: string): DatabaseNames {
    let names = this.#databases.get(id)
    if (names === undefined) {
      const base = `${this.#above}:${plain(id)}`
      names = {
        stamp: `${base}:stamp`,
        catalog: `${base}:catalog`,
        blocks: `${base}:blocks`,
        token: (token) => `${base}:block:${token}`,
      }
      if (this.#databases.size >= REMEMBERED) this.#databases.clear()
      this.#databases.set(id, names)
    }
    return names
  }

  /** @param entry - what `entry` gave */
  lock(entry: string): string {
    return `${entry}:lock`
  }

  isAbove(key: string): boolean {
    return key.startsWith(this.#above)
  }

  table(database: string, table: string): TableNames {
    let tables = this.#tables.get(database)
    if (tables === undefined) {
      tables = new Map()
      this.#tables.set(database, tables)
    }
    let names = tables.get(table)
    if (names === undefined) {
      names = new TableNames(table, `${this.#prefix}:{${plain(database)}:${plain(table)}}`)
      if (++this.#size > REMEMBERED) {
        this.#tables.clear()
        this.#tables.set(database, tables)
        tables.clear()
        this.#size = 1
      }
      tables.set(table, names)
    }
    return names
  }

  /** @param made - everything that makes the entry */
  entry(made: string): string {
    return `${this.#prefix}:q:${hash('sha256', made, 'base64url')}`
  }

  /** An entry that is found by its key alone, and the key's own stamp, in one slot. */
  recalled(key: string): { readonly entry: string; readonly stamp: string } {
    const base = `${this.#prefix}:{f:${hash('sha256', key, 'base64url')}}`
    return { entry: `${base}:entry`, stamp: `${base}:stamp` }
  }
}

/** Without what has a meaning in our keys; two names never become one. */
function plain(name: string): string {
  return name.replace(/[%/{}]|\p{Surrogate}/gu, (char) => `%${char.codePointAt(0)?.toString(16)}`).replaceAll(':', '/')
}
