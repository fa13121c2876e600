import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cached, event, sleep, useDatabase, within } from './support.js'

const database = useDatabase('hits')
const READ = 'SELECT * FROM posts ORDER BY id'

const open: (() => Promise<unknown>)[] = []
beforeEach(() => database.reset())
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

function setup(options: pg.PoolConfig = {}) {
  const { cacheops, pg: wrapped, told } = cached()
  const pool = new wrapped.Pool({ connectionString: database.url, ...options })
  open.push(async () => pool.ended || pool.end())
  return { cacheops, wrapped, told, pool }
}

/** Counts what reaches the server through clients of the pool: pg's own queries. */
function countSent(): { texts: string[]; stop(): void } {
  const texts: string[] = []
  const prototype = pg.Client.prototype as unknown as { query(first: unknown, ...rest: unknown[]): unknown }
  const { query } = prototype
  prototype.query = function (this: unknown, first, ...rest) {
    texts.push(typeof first === 'string' ? first : String((first as { text?: unknown }).text))
    return query.call(this, first, ...rest)
  }
  const stop = () => {
    prototype.query = query
  }
  return { texts, stop }
}

it('the second read is a hit, through pool, client of a pool and client alike', async () => {
  const { wrapped, told, pool } = setup()
  await pool.query(READ)
  await pool.query(READ)
  const held = await pool.connect()
  await held.query(READ)
  held.release()
  const client = new wrapped.Client({ connectionString: database.url })
  await client.connect()
  await client.query('SELECT 1 AS makes_it_known')
  await client.query(READ)
  await client.end()
  expect(told.reads).toEqual(['miss', 'hit', 'hit', 'hit'])
})

it('one value or text is not another: strings, numbers, Buffers, literals', async () => {
  const { told, pool } = setup()
  const texts: [string, unknown[]?][] = [
    ["SELECT title FROM posts WHERE title = 'first'"],
    ["SELECT title FROM posts WHERE title = 'second'"],
    ['SELECT title FROM posts WHERE title = $1', ['first']],
    ['SELECT title FROM posts WHERE title = $1', ['second']],
    ['SELECT id FROM posts WHERE data = $1', [Buffer.from('\\xdeadbeef')]],
    ['SELECT id FROM posts WHERE data = $1', ['\\xdeadbeef']],
    ['SELECT id FROM posts WHERE id = $1', [1]],
    ['SELECT id FROM posts WHERE id = $1', [null]],
  ]
  for (const [text, values] of texts) await pool.query(text, values)
  expect(told.reads).toEqual(texts.map(() => 'miss'))
  // A number and its digits are one on the wire.
  expect((await pool.query('SELECT id FROM posts WHERE id = $1', ['1'])).rows).toEqual([{ id: 1 }])
  expect(told.reads.at(-1)).toBe('hit')
})

it('a hit takes no connection: pool.query', async () => {
  const { told, pool } = setup({ idleTimeoutMillis: 10 })
  await pool.query(READ)
  await within(20_000, event(pool, 'remove'))
  expect(pool.totalCount).toBe(0)
  const acquired: unknown[] = []
  pool.on('acquire', (client) => acquired.push(client))
  await pool.query(READ)
  expect((await pool.query(READ)).rowCount).toBe(4)
  expect([pool.totalCount, pool.waitingCount, acquired.length, told.reads]).toEqual([0, 0, 0, ['miss', 'hit', 'hit']])
})

it('a hit takes no connection: every way in which an ORM checks one out', async () => {
  const { told, pool } = setup({ max: 1 })
  await pool.query(READ)
  const busy = await pool.connect()
  await busy.query('BEGIN')
  const acquired: unknown[] = []
  pool.on('acquire', (client) => acquired.push(client))

  // With promises, as Kysely and Drizzle.
  const client = await within(20_000, pool.connect())
  expect((await within(20_000, client.query(READ, []))).rowCount).toBe(4)
  client.release()
  // With the callback's release and listeners, as TypeORM.
  await within(
    20_000,
    new Promise<void>((resolve, reject) => {
      pool.connect((error, held, release) => {
        if (error || !held) return reject(error)
        const onError = () => undefined
        held.on('error', onError)
        held.query(READ).then((result) => {
          held.removeListener('error', onError)
          release()
          expect(result.rows).toHaveLength(4)
          resolve()
        }, reject)
      })
    }),
  )
  // A config and a callback, as Knex.
  const held = await pool.connect()
  const result = await within(
    20_000,
    new Promise<pg.QueryResult>((resolve, reject) =>
      held.query({ text: READ, values: [] }, (error: Error, given: pg.QueryResult) =>
        error ? reject(error) : resolve(given),
      ),
    ),
  )
  expect(result.command).toBe('SELECT')
  held.release()
  expect([acquired.length, pool.totalCount, told.reads]).toEqual([0, 1, ['miss', 'hit', 'hit', 'hit']])
  await busy.query('ROLLBACK')
  busy.release()
})

it('a client of a pool takes one connection at its first miss, and keeps it', async () => {
  const { pool } = setup()
  await pool.query(READ)
  const acquired: unknown[] = []
  pool.on('acquire', (client) => acquired.push(client))
  const client = await pool.connect()
  await client.query(READ)
  expect(acquired).toHaveLength(0)
  const pids = new Set<number>()
  for (const text of ['SELECT pg_backend_pid() AS pid', 'BEGIN', 'SELECT pg_backend_pid() AS pid', 'COMMIT']) {
    const { rows } = await client.query(text)
    if (rows[0]) pids.add(rows[0].pid)
  }
  expect([acquired.length, pids.size, pool.idleCount]).toEqual([1, 1, 0])
  client.release()
  expect(pool.idleCount).toBe(1)
})

it('decoded for each caller: row modes and types share an entry', async () => {
  const { told, pool } = setup()
  const upper = { getTypeParser: () => (value: string) => value.toUpperCase() }
  const text = 'SELECT id, title FROM posts WHERE id = 1'
  expect((await pool.query(text)).rows).toEqual([{ id: 1, title: 'first' }])
  expect((await pool.query({ text, rowMode: 'array' })).rows).toEqual([[1, 'first']])
  expect((await pool.query({ text, types: upper as never })).rows).toEqual([{ id: '1', title: 'FIRST' }])
  expect((await pool.query(text)).rows).toEqual([{ id: 1, title: 'first' }])
  expect(told.reads).toEqual(['miss', 'hit', 'hit', 'hit'])
})

it('what one caller does to a result never reaches another', async () => {
  const { told, pool } = setup()
  const fresh = await database.admin.query(READ)
  for (let round = 0; round < 4; round++) {
    const result = await pool.query(READ)
    expect(result.rows).toEqual(fresh.rows)
    expect(result.fields).toEqual(fresh.fields)
    const [row] = result.rows
    row.title = 'changed'
    row.meta.deep.n = 99
    row.meta.list.push('changed')
    row.tags.push('changed')
    row.grid[0][0] = 99
    row.data.fill(0)
    row.created.setFullYear(1900)
    row.added = true
    for (const field of result.fields) Object.assign(field, { name: 'changed', dataTypeID: 25 })
    result.rows.pop()
    result.fields.length = 0
    result.command = 'changed' as never
  }
  expect(told.reads).toEqual(['miss', 'hit', 'hit', 'hit'])
})

it('a parser that throws fails its caller, and the entry serves the others', async () => {
  const { told, pool } = setup()
  const thrower = {
    getTypeParser: () => () => {
      throw new RangeError('no')
    },
  }
  for (let round = 0; round < 2; round++) {
    await expect(pool.query({ text: READ, types: thrower as never })).rejects.toThrow(RangeError)
    expect((await pool.query(READ)).rowCount).toBe(4)
  }
  expect(told.reads.filter((read) => read === 'hit').length).toBeGreaterThan(0)
})

it('single flight: misses of one read at once are one statement on the server', async () => {
  const { told, pool } = setup({ max: 10 })
  await pool.query('SELECT id FROM users')
  // Ten idle connections, so that nothing but the flight keeps them from asking.
  await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT pg_sleep(0.02)')))
  const sent = countSent()
  const results = await Promise.all(Array.from({ length: 50 }, () => pool.query(READ)))
  sent.stop()
  expect(sent.texts.filter((text) => text === READ)).toHaveLength(1)
  expect(new Set(results.map(({ rows }) => JSON.stringify(rows))).size).toBe(1)
  expect(results[0]?.rows[0]).not.toBe(results[1]?.rows[0])
  expect(told.reads.filter((read) => read === 'miss')).toHaveLength(2)
})

it('single flight: a joiner that came after a write was acknowledged reads what the write left', async () => {
  const { pool } = setup({ max: 4 })
  const SLOW =
    'SELECT title FROM posts, (SELECT count(*) AS n FROM generate_series(1, 3000000)) AS slow WHERE id = 1 AND n > 0'
  await pool.query('SELECT id FROM users')
  const before = pool.query(SLOW)
  await sleep(30)
  await pool.query("UPDATE posts SET title = 'new' WHERE id = 1")
  const after = pool.query(SLOW)
  expect((await after).rows).toEqual([{ title: 'new' }])
  await before
  expect((await pool.query(SLOW)).rows).toEqual([{ title: 'new' }])
})

it("single flight: the flyer's failure is its own", async () => {
  const { wrapped } = setup()
  const pool = new wrapped.Pool({ connectionString: database.url, max: 4 })
  open.push(() => pool.end())
  await pool.query('SELECT id FROM users')
  const text = 'SELECT count(*) FROM posts, generate_series(1, 2000000)'
  const client = new wrapped.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('SELECT id FROM users')
  const flyer = client.query(text).then(
    () => 'there',
    () => 'failed',
  )
  await sleep(20)
  const joiner = pool.query(text)
  await database.admin.query('SELECT pg_terminate_backend($1)', [
    (client as unknown as { processID: number }).processID,
  ])
  expect(await flyer).toBe('failed')
  expect((await joiner).rows).toEqual([{ count: '8000000' }])
})

it('binary results, cursors, pages and portals go past the cache', async () => {
  const { told, pool } = setup()
  for (let round = 0; round < 2; round++) {
    await pool.query({ text: READ, binary: true } as never)
    await pool.query({ text: READ, rows: 2 } as never)
    await pool.query({ text: READ, portal: 'p' } as never)
  }
  expect(told.reads).toEqual([])
  expect(new Set(told.past)).toEqual(new Set(['it asks for binary results', 'it reads in pages', 'it names a portal']))
})

it('ready() lets the first pool.connect() go without a connection of its own', async () => {
  const { cacheops, pool } = setup({ max: 1 })
  await cacheops.ready()
  const acquired: unknown[] = []
  pool.on('acquire', (client) => acquired.push(client))
  const [first, second] = [await pool.connect(), await within(20_000, pool.connect())]
  expect(acquired).toHaveLength(0)
  first.release()
  second.release()
})
