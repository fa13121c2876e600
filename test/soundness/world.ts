import pgModule from 'pg'
import { expect } from 'vitest'
import { cachedPg, type DriverOptions } from '../../src/drivers/pg/index.js'
import { type Engine, engineOf } from '../../src/engine/engine.js'
import type { FailureEvent, InvalidatedEvent } from '../../src/engine/events.js'
import { type CacheopsOptions, createCacheops, memory } from '../../src/index.js'
import type { Store } from '../../src/store/store.js'
import { createDatabase } from '../support/postgres.js'

type Values = readonly unknown[]
type Rows = readonly Record<string, unknown>[]
/** A pool or a client. */
export interface Runs {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>
}

/** How a read was answered: from the cache, from the database by way of the cache, or past it for a reason. */
export interface Answer {
  readonly rows: Rows
  readonly how: 'hit' | 'miss' | 'past'
  readonly reason: string | undefined
}

export interface AppOptions extends Partial<CacheopsOptions> {
  readonly pool?: pgModule.PoolConfig
  readonly driver?: DriverOptions
}

/** One process: an engine of its own with a pool of its own, over the store that all share. */
export class App {
  readonly cacheops: ReturnType<typeof createCacheops>
  readonly engine: Engine
  readonly pg: typeof pgModule
  readonly pool: pgModule.Pool
  readonly invalidated: InvalidatedEvent[] = []
  readonly failures: FailureEvent[] = []
  /** Opens what a test has stopped and, having failed, did not let go. */
  readonly stops: (() => void)[] = []
  #how: Answer['how'] | undefined
  #reason: string | undefined

  constructor(store: Store, url: string, { pool, driver, ...options }: AppOptions) {
    this.cacheops = createCacheops({ store, models: { '*': { ops: 'all', ttl: '1h' } }, ...options })
    this.engine = engineOf(this.cacheops, 'test')
    this.pg = cachedPg(this.cacheops, pgModule, driver)
    this.pool = new this.pg.Pool({ connectionString: url, max: 4, ...pool })
    // Lost connections are part of some tests.
    this.pool.on('error', () => undefined)
    this.cacheops.on('read', ({ hit }) => {
      this.#how = hit ? 'hit' : 'miss'
    })
    this.cacheops.on('bypass', ({ reason }) => {
      this.#how = 'past'
      this.#reason = reason
    })
    this.cacheops.on('invalidated', (event) => void this.invalidated.push(event))
    this.cacheops.on('failure', (event) => void this.failures.push(event))
  }

  /** Reads, and tells how it was answered. Nothing else of this app may read at the same time. */
  async ask(text: string, values: Values = [], on: Runs = this.pool): Promise<Answer> {
    this.#how = undefined
    this.#reason = undefined
    const { rows } = await on.query(text, [...values])
    return { rows, how: this.#how ?? 'past', reason: this.#reason }
  }

  /** A connection of the pool, given back at the end. */
  async on<T>(use: (client: pgModule.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    try {
      return await use(client)
    } finally {
      client.release()
    }
  }
}

/** A database, a store, and the processes that share them. */
export class World {
  readonly url: string
  /** Past cacheops: what is true. */
  plain: pgModule.Pool
  store: Store = memory()
  readonly #drop: () => Promise<void>
  #apps: App[] = []
  #clients: pgModule.Client[] = []

  constructor(url: string, drop: () => Promise<void>) {
    this.url = url
    this.#drop = drop
    this.plain = plainPool(url)
  }

  static async open(hint: string): Promise<World> {
    const database = await createDatabase(hint)
    return new World(database.url, () => database.drop())
  }

  app(options: AppOptions = {}): App {
    const app = new App(options.store ?? this.store, options.pool?.connectionString ?? this.url, options)
    this.#apps.push(app)
    return app
  }

  /** An app that is ready. */
  async ready(options: AppOptions = {}): Promise<App> {
    const app = this.app(options)
    await app.cacheops.ready()
    return app
  }

  /** A client of the app's own, connected, closed by `reset`. */
  async client(app: App, config: pgModule.ClientConfig = {}): Promise<pgModule.Client> {
    const client = new app.pg.Client({ connectionString: this.url, ...config })
    client.on('error', () => undefined)
    await client.connect()
    this.#clients.push(client)
    return client
  }

  /** An empty schema, a new store, no apps. */
  async reset(sql = ''): Promise<void> {
    await this.#letGo()
    for (const client of this.#clients.splice(0)) await client.end().catch(() => undefined)
    for (const app of this.#apps.splice(0)) await app.pool.end().catch(() => undefined)
    this.store = memory()
    await this.plain.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${sql}`)
  }

  /** What a test that failed holds on to, stops and locks, would keep the next one waiting for ever. */
  async #letGo(): Promise<void> {
    for (const app of this.#apps) {
      app.engine.onPause = undefined
      for (const open of app.stops.splice(0)) open()
    }
    if (this.plain.totalCount > this.plain.idleCount) {
      void this.plain.end()
      this.plain = plainPool(this.url)
    }
    await this.plain.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`)
  }

  async end(): Promise<void> {
    await this.reset()
    await this.plain.end()
    await this.#drop()
  }

  async truth(text: string, values: Values = []): Promise<Rows> {
    return (await this.plain.query(text, [...values])).rows
  }

  /** The read is kept: asked again it is a hit, and right. */
  async expectCached(app: App, text: string, values: Values = [], on?: Runs): Promise<void> {
    await app.ask(text, values, on)
    const again = await app.ask(text, values, on)
    expect([again.how, again.reason]).toEqual(['hit', undefined])
    expect(again.rows).toEqual(await this.truth(text, values))
  }

  /** The read is neither answered from the cache nor kept, for a reason that matches. */
  async expectPast(app: App, text: string, values: Values = [], reason?: RegExp, on?: Runs): Promise<void> {
    for (let time = 0; time < 2; time++) {
      const answer = await app.ask(text, values, on)
      expect([answer.how, answer.reason]).toEqual(['past', reason ? expect.stringMatching(reason) : answer.reason])
    }
  }

  /** Right, however it is answered. */
  async expectRight(app: App, text: string, values: Values = [], on?: Runs): Promise<Answer> {
    const answer = await app.ask(text, values, on)
    expect(answer.rows).toEqual(await this.truth(text, values))
    return answer
  }

  /** A cached read, a write, and the read again: it is right, in this app and the others. `dropped` where it must not be a hit. */
  async expectDropped(
    reads: readonly App[],
    text: string,
    values: Values,
    write: () => Promise<unknown>,
  ): Promise<void> {
    for (const app of reads) await this.expectCached(app, text, values)
    const before = await this.truth(text, values)
    await write()
    const after = await this.truth(text, values)
    expect(after, 'the write changes the answer').not.toEqual(before)
    for (const app of reads) expect((await app.ask(text, values)).rows).toEqual(after)
  }
}

function plainPool(url: string): pgModule.Pool {
  const pool = new pgModule.Pool({ connectionString: url, max: 3 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Something to wait for, from outside. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Stops the app at a point, once: `reached` resolves when it is there, `go` lets it on. */
export function stopAt(
  app: App,
  point: Parameters<NonNullable<Engine['onPause']>>[0],
  match: (what: string) => boolean = () => true,
): { readonly reached: Promise<void>; go(): void } {
  const reached = gate()
  const go = gate()
  app.stops.push(go.open)
  const before = app.engine.onPause
  let used = false
  app.engine.onPause = (at, what) => {
    if (used || at !== point || !match(what)) return before?.(at, what)
    used = true
    reached.open()
    return go.opened
  }
  return { reached: reached.opened, go: go.open }
}

/** Waits until it is so; the time is only for giving up. */
export async function until(what: string, is: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
