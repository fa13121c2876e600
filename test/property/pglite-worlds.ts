import type { PGlite, Transaction } from '@electric-sql/pglite'
import { createCacheops } from '../../src/cacheops.js'
import { cachedPGlite } from '../../src/drivers/pglite/index.js'
import { memory } from '../../src/store/memory.js'
import { createPGlite, emptyPGlite } from '../support/pglite.js'
import { readCounter, sum } from './counts.js'
import type { Answer, Channel, Status, World, Worlds } from './world.js'

const same = (text: string) => text
/** Every parser that an instance has is overridden: rows stay as the server sent them. */
const RAW = (db: PGlite): Record<number, (text: string) => string> =>
  new Proxy<Record<number, typeof same>>(
    {},
    {
      ownKeys: () => Reflect.ownKeys(db.parsers),
      getOwnPropertyDescriptor: () => ({ value: same, enumerable: true, configurable: true }),
      get: () => same,
    },
  )

const SYNC = Uint8Array.from([0x53, 0, 0, 0, 4])

type Runs = Pick<PGlite | Transaction, 'query' | 'exec'>

/** Transactions by words where they say BEGIN, by `transaction()` where they say START TRANSACTION. */
class PGliteChannel implements Channel {
  readonly #db: PGlite
  readonly #plain: PGlite
  readonly #parsers: Record<number, (text: string) => string>
  #status: Status = 'idle'
  #open: { readonly on: Runs; end(commit: boolean): Promise<void> } | undefined

  /** @param plain - the same instance, past the cache */
  constructor(db: PGlite, plain: PGlite) {
    this.#db = db
    this.#plain = plain
    this.#parsers = RAW(plain)
  }

  status(): Status {
    return this.#status
  }

  async run(text: string, params: readonly unknown[]): Promise<readonly Answer[]> {
    try {
      return await this.#run(text, params)
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string }
      if (typeof code === 'string') return [{ error: code }]
      // PGlite itself refuses some parameters.
      if (/^Invalid input/.test(message)) return [{ error: message }]
      throw error
    } finally {
      await this.#look()
    }
  }

  async #run(text: string, params: readonly unknown[]): Promise<readonly Answer[]> {
    if (text === 'START TRANSACTION') {
      this.#open = await begun(this.#db)
      return []
    }
    if (this.#open && /^(?:COMMIT|END|ROLLBACK)$/.test(text)) {
      const { end } = this.#open
      this.#open = undefined
      await end(text !== 'ROLLBACK')
      return []
    }
    const on = this.#open?.on ?? this.#db
    const options = { rowMode: 'array', parsers: this.#parsers } as const
    const simple = params.length === 0 && /;\s*\S/.test(text)
    const results = simple ? await on.exec(text, options) : [await on.query(text, [...params], options)]
    return results.map((one) => ({
      rowCount: one.affectedRows ?? null,
      fields: one.fields.map((field) => field.name),
      types: one.fields.map((field) => field.dataTypeID),
      rows: one.rows as unknown as (string | null)[][],
    }))
  }

  /** Where the session stands, by the server's own word. */
  async #look(): Promise<void> {
    const messages = (await this.#plain.execProtocol(SYNC)) as unknown as {
      messages?: readonly object[]
    } & readonly object[]
    for (const message of messages.messages ?? messages.flat()) {
      const { status } = message as { status?: string }
      if (status !== undefined) this.#status = status === 'I' ? 'idle' : status === 'T' ? 'transaction' : 'failed'
    }
  }

  async reset(): Promise<void> {
    if (this.#open) await this.run('ROLLBACK', [])
    await this.run('ROLLBACK', [])
  }
}

/** A transaction by `transaction()` whose steps come from outside. */
async function begun(db: PGlite): Promise<{ readonly on: Runs; end(commit: boolean): Promise<void> }> {
  const undo = new Error('to be rolled back')
  let finish: (commit: boolean) => void = () => undefined
  const over = new Promise<boolean>((resolve) => {
    finish = resolve
  })
  let whole: Promise<void> = Promise.resolve()
  const on = await new Promise<Runs>((resolve, reject) => {
    whole = db.transaction(async (transaction) => {
      resolve(transaction)
      if (!(await over)) throw undo
    })
    whole.catch(reject)
  })
  return {
    on,
    async end(commit) {
      finish(commit)
      await whole.catch((error: unknown) => {
        if (error !== undo) throw error
      })
    },
  }
}

/** Worlds on two embedded databases, one session each. */
export async function pgliteWorlds(): Promise<Worlds> {
  const [main, other] = [await createPGlite(), await createPGlite()]
  const version = (await main.query<{ v: string }>('SHOW server_version')).rows[0]
  return {
    name: `PGlite ${Object.values(version ?? {}).join('')}`,
    async open(ddl, { maxSchemes, longDisjunction }): Promise<World> {
      for (const db of [main, other]) {
        await db.exec('ROLLBACK; RESET ROLE; DROP SCHEMA IF EXISTS side CASCADE')
        await emptyPGlite(db)
        await db.exec(ddl.join(';\n'))
      }
      const store = memory({ maxSchemes })
      const cacheops = createCacheops({ store, defaults: { ttl: '1h' }, models: { '*': 'all' }, longDisjunction })
      const cached = new PGliteChannel(cachedPGlite(cacheops, main), main)
      const shadow = new PGliteChannel(other, other)
      return {
        embedded: true,
        actors: [
          {
            name: 'pglite',
            sticky: true,
            cached,
            past: {
              run: (text, params) => cacheops.nocache(() => cached.run(text, params)),
              status: () => cached.status(),
            },
            shadow,
          },
        ],
        // The one session, past the cache.
        oracle: new PGliteChannel(main, main),
        shadowOracle: shadow,
        kept: store,
        counts: () => sum([cacheops]),
        ...readCounter([cacheops]),
        async end() {
          await cached.reset()
          await shadow.reset()
          await cacheops.close()
        },
      }
    },
    async close() {
      await main.close()
      await other.close()
    },
  }
}
