import { cpus } from 'node:os'
import pg from 'pg'
import {
  createDatabase,
  databaseName,
  dropDatabasesOf,
  type PostgresServer,
  providePostgres,
} from '../scripts/postgres.js'
import { type RedisStandalone, startRedis } from '../scripts/redis.js'
import type { Store } from '../src/store/store.js'
import { seedBlog } from './blog.js'
import { loadSubject, type Subject } from './subject.js'

/** What figures need of the world. */
export interface Bench {
  readonly subject: Subject
  /** An empty database of its own; its address. */
  database(hint: string): Promise<string>
  /** A copy of the blog of `blog.ts`. */
  blog(hint: string): Promise<string>
  /** A pool that is ended when the figure is done. */
  pool(url: string): pg.Pool
  /** A cache in memory whose pool leads to `url`, ready. */
  cached(url: string, options?: { readonly maxBytes?: number }): Promise<Cached>
  /** The same with another store, which is closed when the figure is done. */
  over<S extends Store>(store: S, url: string, options?: { readonly local?: boolean }): Promise<Cached<S>>
  /** The address of a Redis server of the bench's own, empty when a figure begins. */
  redis(): Promise<string>
  /** Says how far it is, on standard error. */
  tell(line: string): void
}

export interface Cached<S extends Store = ReturnType<Subject['memory']>> {
  readonly cacheops: ReturnType<Subject['createCacheops']>
  readonly store: S
  readonly pool: pg.Pool
}

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly postgres: string
  readonly date: string
}

/** The bench's own server or another's, with databases that are dropped at the end. */
export class Environment implements Bench {
  readonly subject: Subject
  readonly machine: Machine
  readonly #server: PostgresServer
  readonly #run: string
  readonly #tell: (line: string) => void
  readonly #closers: (() => Promise<unknown>)[] = []
  #template: Promise<string> | undefined
  #redis: Promise<RedisStandalone> | undefined

  private constructor(subject: Subject, server: PostgresServer, machine: Machine, tell: (line: string) => void) {
    this.subject = subject
    this.machine = machine
    this.#server = server
    this.#run = `bench${process.pid}`
    this.#tell = tell
  }

  static async open(tell: (line: string) => void): Promise<Environment> {
    const server = await providePostgres({ tell })
    try {
      const [processor] = cpus()
      return new Environment(
        await loadSubject(),
        server,
        {
          cpu: processor?.model.trim() ?? 'unknown',
          cores: cpus().length,
          node: process.version,
          postgres: await describeServer(server.url),
          date: new Date().toISOString().slice(0, 10),
        },
        tell,
      )
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  async database(hint: string): Promise<string> {
    return (await createDatabase(this.#server.url, databaseName(this.#run, hint))).url
  }

  async blog(hint: string): Promise<string> {
    this.#template ??= this.#seed()
    const template = databaseOf(await this.#template)
    const name = databaseName(this.#run, hint)
    await onServer(this.#server.url, (client) =>
      client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(template)}`),
    )
    const url = new URL(this.#server.url)
    url.pathname = `/${encodeURIComponent(name)}`
    return url.href
  }

  async #seed(): Promise<string> {
    this.#tell('seeding the blog')
    const url = await this.database('template')
    await onServer(url, (client) => seedBlog(client))
    return url
  }

  pool(url: string): pg.Pool {
    const pool = new pg.Pool({ connectionString: url })
    this.#closers.push(() => pool.end())
    return pool
  }

  cached(url: string, options: { readonly maxBytes?: number } = {}): Promise<Cached> {
    return this.over(this.subject.memory(options), url)
  }

  async over<S extends Store>(store: S, url: string, options: { readonly local?: boolean } = {}): Promise<Cached<S>> {
    const { createCacheops, cachedPg } = this.subject
    const cacheops = createCacheops({ store, defaults: { ttl: '1h', ...options }, models: { '*': 'all' } })
    const pool = new (cachedPg(cacheops, pg).Pool)({ connectionString: url })
    this.#closers.push(
      () => pool.end(),
      () => cacheops.close(),
      async () => store.close(),
    )
    await cacheops.ready()
    return { cacheops, store, pool }
  }

  async redis(): Promise<string> {
    this.#redis ??= startRedis()
    const { server } = await this.#redis
    await server.ask('FLUSHALL')
    return server.url
  }

  tell(line: string): void {
    this.#tell(line)
  }

  /** Between figures: pools are ended, what they held can go. */
  async rest(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close()
  }

  async close(): Promise<void> {
    try {
      await this.rest()
    } finally {
      await (await this.#redis)?.stop()
      await dropDatabasesOf(this.#run, this.#server.url)
      await this.#server.stop()
    }
  }
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

async function onServer<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** The version, and what decides how long a commit takes. */
function describeServer(url: string): Promise<string> {
  return onServer(url, async (client) => {
    const { rows } = await client.query<{ readonly version: string; readonly fsync: string; readonly commit: string }>(
      `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
              current_setting('synchronous_commit') AS commit`,
    )
    const [row] = rows
    return `${row?.version.split(' ')[0]} (fsync ${row?.fsync}, synchronous_commit ${row?.commit})`
  })
}
