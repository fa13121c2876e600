import { createCacheops, memory } from 'cacheops'
import { cachedPg } from 'cacheops/pg'
import pg from 'pg'
import QueryStream from 'pg-query-stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { allCached, Cursor, cached, event, listen, sleep, useDatabase, within } from './support.js'

const database = useDatabase('writes')
const THROWS = {
  getTypeParser: () => () => {
    throw new RangeError('no')
  },
}
const TITLE = 'SELECT title FROM posts WHERE id = 1'
const COUNT = 'SELECT count(*) FROM posts'

const open: (() => Promise<unknown>)[] = []
beforeEach(() => database.reset())
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function setup(options: pg.PoolConfig = {}) {
  const { cacheops, pg: wrapped, told } = cached()
  const pool = new wrapped.Pool({ connectionString: database.url, ...options })
  pool.on('error', () => undefined)
  const client = new wrapped.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  await cacheops.ready()
  for (const text of [TITLE, COUNT, TITLE, COUNT]) await pool.query(text)
  await client.query(TITLE)
  open.push(
    () => client.end().catch(() => undefined),
    () => within(2000, pool.end()).catch(() => undefined),
  )
  const one = async (text = TITLE) => Object.values((await pool.query(text)).rows[0] ?? {})[0]
  return { cacheops, wrapped, pool, client, told, one }
}

const pidOf = (client: pg.Client) => (client as unknown as { processID: number }).processID
const kill = (pid: number) => database.admin.query('SELECT pg_terminate_backend($1)', [pid])

/** Waits until the backend waits for a lock. */
async function blocked(pid: number): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const { rows } = await database.admin.query(
      "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'",
      [pid],
    )
    if (rows.length > 0) return
    await sleep(10)
  }
  throw new Error('nobody waits for a lock')
}

it.each<[string, (client: pg.Client) => Promise<unknown>]>([
  [
    'a cursor that is read to its end',
    async (client) => {
      const cursor = client.query(new Cursor("INSERT INTO posts (title) VALUES ('c') RETURNING id"))
      while ((await cursor.read(1)).length > 0);
    },
  ],
  [
    'a cursor that is closed after a page',
    async (client) => {
      const cursor = client.query(new Cursor("INSERT INTO posts (title) VALUES ('c'), ('d') RETURNING id"))
      await cursor.read(1)
      await cursor.close()
    },
  ],
  [
    'a cursor closed with a callback',
    async (client) => {
      const cursor = client.query(new Cursor("INSERT INTO posts (title) VALUES ('c'), ('d') RETURNING id"))
      await cursor.read(1)
      await new Promise<void>((resolve) => void cursor.close(() => resolve()))
    },
  ],
  [
    'a cursor whose text reads as a SELECT',
    async (client) => {
      const cursor = client.query(
        new Cursor("WITH w AS (INSERT INTO posts (title) VALUES ('c') RETURNING id) SELECT * FROM w"),
      )
      await cursor.read(100)
    },
  ],
  [
    'a stream',
    async (client) => {
      for await (const _ of client.query(
        new QueryStream("INSERT INTO posts (title) VALUES ('s'), ('t') RETURNING id"),
      ));
    },
  ],
  [
    'a stream that is destroyed',
    async (client) => {
      const stream = client.query(
        new QueryStream("INSERT INTO posts (title) SELECT 's' FROM generate_series(1, 500) RETURNING id"),
      )
      const closed = event(stream, 'close')
      for await (const _ of stream) break
      await closed
    },
  ],
  [
    'a query object',
    async (client) => {
      const query = client.query(
        new pg.Query("INSERT INTO posts (title) VALUES ('q')") as never,
      ) as unknown as NodeJS.EventEmitter
      await event(query, 'end')
    },
  ],
  [
    'a query object with a callback',
    (client) =>
      new Promise((resolve) => {
        client.query(new pg.Query("INSERT INTO posts (title) VALUES ('q')") as never, resolve as never)
      }),
  ],
  ['a string of several', (client) => client.query("SELECT 1; INSERT INTO posts (title) VALUES ('m')")],
  [
    'a CTE that writes',
    (client) => client.query("WITH w AS (INSERT INTO posts (title) VALUES ('w') RETURNING id) SELECT * FROM w"),
  ],
  ['a DO block', (client) => client.query("DO $$ BEGIN INSERT INTO posts (title) VALUES ('do'); END $$")],
  ['EXPLAIN ANALYZE', (client) => client.query("EXPLAIN ANALYZE INSERT INTO posts (title) VALUES ('e')")],
  [
    'PREPARE and EXECUTE',
    async (client) => {
      await client.query("PREPARE p AS INSERT INTO posts (title) VALUES ('p')")
      await client.query('EXECUTE p')
    },
  ],
  [
    'binary results',
    (client) => client.query({ text: "INSERT INTO posts (title) VALUES ('b') RETURNING id", binary: true } as never),
  ],
  [
    'pages',
    (client) => client.query({ text: "INSERT INTO posts (title) VALUES ('b'), ('c') RETURNING id", rows: 1 } as never),
  ],
  [
    'a config with a callback that is null',
    (client) => client.query({ text: "INSERT INTO posts (title) VALUES ('n')", callback: null } as never),
  ],
  ['values that are falsy', (client) => client.query("INSERT INTO posts (title) VALUES ('v')", 0 as never)],
  [
    'a parser that throws',
    (client) =>
      client
        .query({
          text: "INSERT INTO posts (title) VALUES ('t') RETURNING id",
          types: THROWS,
        } as pg.QueryConfig)
        .catch(() => undefined),
  ],
  ['TRUNCATE', (client) => client.query('TRUNCATE posts')],
])('B5: %s is dropped before its end is told', async (_, write) => {
  const { client, one, told } = await setup()
  const before = await one(COUNT)
  await write(client)
  expect(await one(COUNT)).not.toBe(before)
  expect(await one(COUNT)).toBe((await database.admin.query(COUNT)).rows[0].count)
  expect(told.failures).toEqual([])
})

it('B5: a stream in a transaction is dropped with its commit', async () => {
  const { client, one } = await setup()
  await client.query('BEGIN')
  for await (const _ of client.query(new QueryStream("UPDATE posts SET title = 'streamed' RETURNING id")));
  expect(await one()).toBe('first')
  await client.query('COMMIT')
  expect(await one()).toBe('streamed')
})

it('A7: definitions changed through one cache are known to another that shares the store', async () => {
  const store = memory()
  const [one, other] = [1, 2].map(() => {
    const cacheops = createCacheops({ store, models: { '*': { ops: 'all', ttl: '1h' } } })
    return { told: listen(cacheops), pool: new (cachedPg(cacheops, pg).Pool)({ connectionString: database.url }) }
  }) as [ReturnType<typeof use>, ReturnType<typeof use>]
  function use() {
    const cacheops = allCached()
    return { told: listen(cacheops), pool: new pg.Pool() }
  }
  const ALL = 'SELECT * FROM things'
  await one.pool.query('CREATE TABLE things (id integer PRIMARY KEY, name text)')
  await one.pool.query("INSERT INTO things VALUES (1, 'a')")
  expect((await other.pool.query(ALL)).rows).toEqual([{ id: 1, name: 'a' }])
  expect((await one.pool.query(ALL)).rows).toEqual([{ id: 1, name: 'a' }])
  await one.pool.query("ALTER TABLE things ADD COLUMN more text DEFAULT 'x'")
  expect((await other.pool.query(ALL)).rows).toEqual([{ id: 1, name: 'a', more: 'x' }])
  await other.pool.query('ALTER TABLE things RENAME TO stuff')
  await expect(one.pool.query(ALL)).rejects.toThrow('relation "things" does not exist')
  await other.pool.query('CREATE VIEW things AS SELECT id FROM stuff')
  expect((await one.pool.query(ALL)).rows).toEqual([{ id: 1 }])
  await one.pool.query('INSERT INTO stuff (id) VALUES (2)')
  expect((await other.pool.query(ALL)).rows).toEqual([{ id: 1 }, { id: 2 }])
  await other.pool.query('DROP VIEW things; DROP TABLE stuff')
  await one.pool.end()
  await other.pool.end()
})

it('A13: a unique violation tells of a commit that others cannot have dropped yet', async () => {
  const { pool, one, told } = await setup()
  const NAMES = "SELECT count(*) FROM users WHERE name = 'new'"
  expect(await one(NAMES)).toBe('0')
  // By somebody whose invalidation is not there yet, or never comes.
  await database.admin.query("INSERT INTO users (name) VALUES ('new')")
  expect(await one(NAMES)).toBe('0')
  await expect(pool.query("INSERT INTO users (name) VALUES ('new')")).rejects.toMatchObject({ code: '23505' })
  expect(await one(NAMES)).toBe('1')
  expect(told.past.some((reason) => reason.includes('a moment ago'))).toBe(true)
})

it('A13: a write that touches no row drops what it names', async () => {
  const { pool, one } = await setup()
  await database.admin.query("UPDATE posts SET title = 'elsewhere', views = 4 WHERE id = 1")
  expect(await one()).toBe('first')
  expect((await pool.query("UPDATE posts SET title = 'mine' WHERE id = 1 AND views = 3")).rowCount).toBe(0)
  expect(await one()).toBe('elsewhere')
})

it('A2: the socket is lost while an autocommit write waits, and it is carried out afterwards', async () => {
  const { client, one, told } = await setup()
  await database.admin.query('BEGIN')
  await database.admin.query('SELECT * FROM posts WHERE id = 1 FOR UPDATE')
  const write = client.query("UPDATE posts SET title = 'late' WHERE id = 1").then(
    () => 'done',
    (error: Error) => error.message,
  )
  await blocked(pidOf(client))
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  expect(await within(20_000, write)).toBe('Connection terminated unexpectedly')
  expect(told.failures.some((message) => message.includes('not known'))).toBe(true)
  expect(await one()).toBe('first')
  told.reads.length = 0
  await database.admin.query('COMMIT')
  // The server finds out that nobody listens only after it has committed.
  for (let round = 0; round < 100 && (await one()) !== 'late'; round++) await sleep(20)
  expect(await one()).toBe('late')
  for (let round = 0; round < 200 && !told.reads.includes('hit'); round++) {
    await sleep(20)
    expect(await one()).toBe('late')
  }
  expect(told.reads).toContain('hit')
})

it('A2: the backend is killed during COMMIT, or just before it', async () => {
  const { client, one, told } = await setup()
  await client.query('BEGIN')
  await client.query("UPDATE posts SET title = 'new' WHERE id = 1")
  const pid = pidOf(client)
  const commit = client.query('COMMIT').then(
    () => 'committed',
    () => 'lost',
  )
  await kill(pid)
  await within(20_000, commit)
  const { title } = (await database.admin.query(TITLE)).rows[0]
  for (let round = 0; round < 50; round++) {
    expect(await one()).toBe((await database.admin.query(TITLE)).rows[0].title)
    if (told.reads.at(-1) === 'hit') break
    await sleep(20)
  }
  expect(await one()).toBe(title)
})

it('A2: a write that outlives its query_timeout', async () => {
  const { client, one, told } = await setup()
  await database.admin.query('BEGIN')
  await database.admin.query('SELECT * FROM posts WHERE id = 1 FOR UPDATE')
  const asked = { text: "UPDATE posts SET title = 'slow' WHERE id = 1", query_timeout: 500 } as pg.QueryConfig
  await expect(client.query(asked)).rejects.toThrow('Query read timeout')
  expect(await one()).toBe('first')
  await database.admin.query('COMMIT')
  for (let round = 0; round < 100 && (await one()) !== 'slow'; round++) await sleep(20)
  told.reads.length = 0
  for (let round = 0; round < 200 && !told.reads.includes('hit'); round++) {
    await sleep(20)
    expect(await one()).toBe('slow')
  }
  expect(told.reads).toContain('hit')
})
