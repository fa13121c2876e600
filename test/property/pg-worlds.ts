import pg from 'pg'
import { type Cacheops, createCacheops } from '../../src/cacheops.js'
import { cachedPg } from '../../src/drivers/pg/index.js'
import { type MemoryStore, memory } from '../../src/store/memory.js'
import type { Store } from '../../src/store/store.js'
import { createDatabase } from '../support/postgres.js'
import { readCounter, sum } from './counts.js'
import type { Actor, Answer, Channel, Status, World, Worlds } from './world.js'

const RAW = { getTypeParser: () => (value: string) => value }
/** A statement that meets another's lock does not hang; nothing is worth a wait for the disk. */
const OPTIONS = '-c lock_timeout=100ms -c synchronous_commit=off -c jit=off -c client_min_messages=error'

type Asked = pg.ClientBase & { getTransactionStatus?(): string | null }

interface Queryable {
  query(config: object): Promise<pg.QueryArrayResult | pg.QueryArrayResult[]>
}

async function ask(on: Queryable, text: string, params: readonly unknown[]): Promise<readonly Answer[]> {
  try {
    const values = params.length > 0 ? { values: [...params] } : {}
    const result = await on.query({ text, ...values, rowMode: 'array', types: RAW })
    return (Array.isArray(result) ? result : [result]).map((one) => ({
      command: one.command,
      rowCount: one.rowCount,
      fields: one.fields.map((field) => field.name),
      types: one.fields.map((field) => field.dataTypeID),
      rows: one.rows as (string | null)[][],
    }))
  } catch (error) {
    const { code } = error as { code?: unknown }
    // What has no code is a mistake of ours or the end of a connection.
    if (typeof code !== 'string') throw error
    return [{ error: code }]
  }
}

function statusOf(client: Asked): Status {
  const status = client.getTransactionStatus?.()
  return status === 'T' ? 'transaction' : status === 'E' ? 'failed' : 'idle'
}

/** One connection. */
function clientChannel(client: Asked): Channel {
  return {
    run: (text, params) => ask(client as unknown as Queryable, text, params),
    status: () => statusOf(client),
  }
}

/** A pool as applications use it: a client for each transaction, `pool.query` for the rest. */
class PoolChannel implements Channel {
  readonly #pool: pg.Pool
  #client: pg.PoolClient | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async run(text: string, params: readonly unknown[]): Promise<readonly Answer[]> {
    if (!this.#client && /^(?:BEGIN|START)\b/.test(text)) this.#client = await this.#pool.connect()
    const answer = await ask((this.#client ?? this.#pool) as unknown as Queryable, text, params)
    // pg tells an error before it knows what became of the transaction; the empty statement is answered behind it.
    if (this.#client && answer[0]?.error) await this.#client.query('')
    if (this.#client && this.status() === 'idle') this.#release()
    return answer
  }

  status(): Status {
    return this.#client ? statusOf(this.#client) : 'idle'
  }

  #release(): void {
    this.#client?.release()
    this.#client = undefined
  }

  async end(): Promise<void> {
    if (this.#client) await this.#client.query('ROLLBACK')
    if (this.#client) this.#release()
  }
}

function past(cacheops: Cacheops, channel: Channel): Channel {
  return { run: (text, params) => cacheops.nocache(() => channel.run(text, params)), status: () => channel.status() }
}

/** What the two engines of a case share: one object in memory, or two that lead to the same servers. */
export interface Shared {
  readonly stores: readonly [Store, Store]
  readonly kept?: MemoryStore
  end?(): Promise<void>
}

function inMemory(options: { readonly maxSchemes: number }): Shared {
  const store = memory(options)
  return { stores: [store, store], kept: store }
}

/** Worlds on a PostgreSQL server: two databases for the whole run, their schema made anew for each case. */
export async function pgWorlds(
  name = 'PostgreSQL',
  share: (options: { readonly maxSchemes: number }) => Shared = inMemory,
): Promise<Worlds> {
  const [main, other] = [await createDatabase('property'), await createDatabase('property_shadow')]
  const plain = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url, options: OPTIONS })
    await client.connect()
    return client
  }
  const oracle = await plain(main.url)
  // It is asked the same again and again.
  await oracle.query('SET plan_cache_mode = force_generic_plan')
  const shadowOracle = await plain(other.url)
  const shadows = await Promise.all([0, 1, 2].map(() => plain(other.url)))
  const connectionString = main.url

  return {
    name,
    async open(ddl, { maxSchemes, longDisjunction }): Promise<World> {
      const script = [
        'DROP SCHEMA IF EXISTS side CASCADE',
        'DROP SCHEMA public CASCADE',
        'CREATE SCHEMA public',
        ...ddl,
      ].join(';\n')
      await Promise.all([oracle.query(`DEALLOCATE ALL; ${script}`), shadowOracle.query(script)])
      const shared = share({ maxSchemes })
      const engine = (store: Store, long: number) =>
        createCacheops({ store, defaults: { ttl: '1h' }, models: { '*': 'all' }, longDisjunction: long })
      // Two processes that share a store, and need not be configured alike.
      const engines = [engine(shared.stores[0], longDisjunction), engine(shared.stores[1], 32)] as const
      const modules = engines.map((cacheops) => cachedPg(cacheops, pg, { database: 'property' }))
      const options = { connectionString, options: OPTIONS }
      const pool = new (modules[0] as typeof pg).Pool({ ...options, max: 2 })
      const client = new (modules[1] as typeof pg).Client(options)
      await client.connect()
      const second = new (modules[1] as typeof pg).Pool({ ...options, max: 1 })
      const held = await second.connect()
      const channel = new PoolChannel(pool)
      const actor = (name: string, cacheops: Cacheops, cached: Channel, index: number): Actor => ({
        name,
        sticky: name !== 'pool',
        cached,
        past: past(cacheops, cached),
        shadow: clientChannel(shadows[index] as pg.Client),
      })
      return {
        embedded: false,
        actors: [
          actor('pool', engines[0], channel, 0),
          actor('client', engines[1], clientChannel(client as Asked), 1),
          actor('held', engines[1], clientChannel(held as Asked), 2),
        ],
        oracle: clientChannel(oracle),
        shadowOracle: clientChannel(shadowOracle),
        kept: shared.kept,
        counts: () => sum(engines),
        ...readCounter(engines),
        async end() {
          await channel.end()
          await held.query('ROLLBACK')
          for (const shadow of shadows) await shadow.query('ROLLBACK').then(() => shadow.query('DISCARD ALL'))
          held.release()
          await Promise.all([pool.end(), client.end(), second.end()])
          for (const cacheops of engines) await cacheops.close()
          await shared.end?.()
        },
      }
    },
    async close() {
      await Promise.all([oracle, shadowOracle, ...shadows].map((client) => client.end()))
      await main.drop()
      await other.drop()
    },
  }
}
