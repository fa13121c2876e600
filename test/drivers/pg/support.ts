import { createRequire } from 'node:module'
import { type Cacheops, type CacheopsOptions, createCacheops, memory } from 'cacheops'
import { cachedPg } from 'cacheops/pg'
import pg from 'pg'
import { afterAll, beforeAll, expect } from 'vitest'
import { createDatabase } from '../../support/postgres.js'

export type PgModule = typeof pg

/** pg-cursor, which comes without types. */
export interface Cursor extends NodeJS.EventEmitter {
  submit(connection: pg.Connection): void
  read(rows: number): Promise<unknown[]>
  read(rows: number, callback: (error: unknown, rows: unknown[]) => void): void
  close(callback?: (error?: unknown) => void): Promise<void>
}
export const Cursor = createRequire(import.meta.url)('pg-cursor') as new (
  text: string,
  values?: unknown[],
  config?: object,
) => Cursor

/** The tables that the tests of this driver use. */
const TABLES = `
  CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE, born date);
  CREATE TABLE posts (
    id serial PRIMARY KEY,
    author_id integer REFERENCES users ON DELETE CASCADE,
    title text NOT NULL,
    views integer NOT NULL DEFAULT 0 CHECK (views >= 0),
    price numeric(8, 2),
    tags text[],
    grid integer[][],
    meta jsonb,
    data bytea,
    created timestamptz NOT NULL DEFAULT '2024-01-01T00:00:00Z'
  );`

const ROWS = `
  TRUNCATE users, posts RESTART IDENTITY;
  INSERT INTO users (name, born) VALUES ('ann', '1980-02-29'), ('bob', NULL), ('eve', '1999-12-31');
  INSERT INTO posts (author_id, title, views, price, tags, grid, meta, data) VALUES
    (1, 'first', 3, 12.50, '{a,"b c"}', '{{1,2},{3,4}}', '{"deep": {"n": 1}, "list": [1, "x", null]}', '\\xdeadbeef'),
    (1, 'second', 0, NULL, '{}', NULL, NULL, NULL),
    (2, 'third', 7, -0.01, NULL, '{{5}}', '"text"', '\\x'),
    (NULL, 'O''Reilly \\ ünïcode', 1, 0, '{NULL}', '{}', 'null', '\\x00ff');`

/** One world in which a case runs: plain `pg`, or wrapped; with pools that have seen their database, or fresh ones. */
export interface Side {
  readonly pg: PgModule
  readonly url: string
  readonly wrapped: boolean
  readonly cacheops: Cacheops | undefined
  /** A pool, ended after the case. */
  pool(options?: pg.PoolConfig): Promise<pg.Pool>
  /** A connected client, ended after the case. */
  client(options?: pg.ClientConfig & { readonly Promise?: PromiseConstructor }): Promise<pg.Client>
  /** What is called after the case. */
  later(close: () => unknown): void
}

const CLOSED = new WeakSet<object>()

/** Ends a pool or client in the case itself. */
export async function end(what: pg.Pool | pg.Client): Promise<void> {
  CLOSED.add(what)
  await what.end()
}

export function allCached(options: Partial<CacheopsOptions> = {}): Cacheops {
  return createCacheops({ store: memory(), models: { '*': { ops: 'all', ttl: '1h' } }, ...options })
}

/** A database of the file's own, with its rows put back by `reset`. */
export function useDatabase(hint: string, tables = TABLES, rows = ROWS) {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let admin: pg.Client
  beforeAll(async () => {
    database = await createDatabase(hint)
    admin = new pg.Client({ connectionString: database.url })
    admin.on('error', () => undefined)
    await admin.connect()
    await admin.query(tables)
  })
  afterAll(async () => {
    await admin?.end()
    await database?.drop()
  })
  return {
    get url() {
      return database.url
    },
    /** A client that nothing wraps. */
    get admin() {
      return admin
    },
    reset: () => admin.query(rows),
  }
}

type Case = (side: Side) => Promise<unknown>

/**
 * Compares wrapped and plain `pg`.
 *
 * @param countsConnections - a pool that was used before has a connection more, which its cases would see
 */
export function useParity(hint: string, countsConnections = false) {
  const database = useDatabase(hint)
  // One for the file: its catalog is read once.
  const shared = allCached()
  afterAll(() => shared.close())

  const runOne = async (run: Case, wrapped: boolean, warm: boolean): Promise<unknown> => {
    await database.reset()
    // The rows were put back past it.
    await shared.invalidateAll()
    const open: (() => unknown)[] = []
    const cacheops = wrapped ? shared : undefined
    const module = cacheops ? cachedPg(cacheops, pg) : pg
    const opened = <T extends pg.Pool | pg.Client>(what: T): T => {
      open.push(() => {
        if (!CLOSED.has(what)) return what.end()
      })
      return what
    }
    const side: Side = {
      pg: module,
      url: database.url,
      wrapped,
      cacheops,
      async pool(options = {}) {
        const pool = opened(new module.Pool({ connectionString: database.url, ...options }))
        if (warm) await pool.query('SELECT id FROM users WHERE id = 1')
        return pool
      },
      async client(options: pg.ClientConfig = {}) {
        const client = opened(new module.Client({ connectionString: database.url, ...options }))
        await client.connect()
        if (warm) await client.query('SELECT id FROM users WHERE id = 1')
        return client
      },
      later: (close) => void open.push(close),
    }
    try {
      return await run(side)
    } finally {
      // What a failing case left open must not keep the others from running.
      for (const close of open) await Promise.race([close(), sleep(1000)])
    }
  }

  const same = async (run: Case): Promise<unknown> => {
    const plain = await runOne(run, false, false)
    expect(await runOne(run, true, false), 'a fresh pool').toStrictEqual(plain)
    const used = countsConnections ? await runOne(run, false, true) : plain
    expect(await runOne(run, true, true), 'a pool that knows its database').toStrictEqual(used)
    return plain
  }

  return {
    database,
    /**
     * Runs a case plain and wrapped, with fresh pools and with such as have seen their database. What it resolves to must be
     * the same; gives that.
     */
    same,
    check: async (run: Case): Promise<void> => void (await same(run)),
  }
}

/** What a cache told: `hit`, `joined` and `miss` of reads, reasons of those that went past, causes of what was dropped. */
export interface Told {
  readonly reads: string[]
  readonly past: string[]
  readonly dropped: string[]
  readonly failures: string[]
}

export function listen(cacheops: Cacheops): Told {
  const told: Told = { reads: [], past: [], dropped: [], failures: [] }
  cacheops.on('read', ({ hit, joined }) => told.reads.push(joined ? 'joined' : hit ? 'hit' : 'miss'))
  cacheops.on('bypass', ({ reason }) => told.past.push(reason))
  cacheops.on('invalidated', ({ cause }) => told.dropped.push(cause))
  cacheops.on('failure', ({ message }) => told.failures.push(message))
  return told
}

/** A cache, `pg` through it, and what it tells. */
export function cached(options: Partial<CacheopsOptions> = {}) {
  const cacheops = allCached(options)
  return { cacheops, pg: cachedPg(cacheops, pg), told: listen(cacheops) }
}

/** What a promise came to, errors by all that a caller can see of them. */
export async function outcome(promise: unknown): Promise<unknown> {
  try {
    return { value: await (promise as Promise<unknown>) }
  } catch (error) {
    return { error: seen(error) }
  }
}

/** An error as its catcher sees it, but for the stack. */
export function seen(error: unknown): unknown {
  if (!(error instanceof Error)) return { notAnError: error }
  // `client` is what pg-pool adds to errors of idle clients.
  const { client: _, ...own } = error as Error & { client?: unknown }
  return {
    class: error.constructor,
    databaseError: error instanceof pg.DatabaseError,
    name: error.name,
    message: error.message,
    cause: error.cause instanceof Error ? seen(error.cause) : undefined,
    own: { ...own },
  }
}

/** Calls back-style functions: resolves to what the callback was given, and to what the call itself returned. */
export function called(run: (callback: (...args: unknown[]) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    try {
      const returned = run((...args) => {
        const given = args.map((argument) => (argument instanceof Error ? seen(argument) : argument))
        // After the call has returned, which plain pg's callbacks never come before.
        setImmediate(() => resolve({ given, returned }))
      })
    } catch (error) {
      reject(error)
    }
  })
}

/** What the server said of the transaction after the last statement; after an error it says so a moment later. */
export async function status(client: pg.Client | pg.PoolClient): Promise<string | null> {
  do await sleep(2)
  while ((client as { readonly readyForQuery?: boolean }).readyForQuery === false)
  return client.getTransactionStatus()
}

/** Waits for an event. */
export function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(name, (...args) => resolve(args)))
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Rejects where something hangs, sooner than the test's own limit. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
