import pg from 'pg'
import QueryStream from 'pg-query-stream'
import { it } from 'vitest'
import { Cursor, event, outcome, type Side, seen, sleep, status, useParity, within } from './support.js'

const { check, same } = useParity('streams', true)

const READ = 'SELECT id, title FROM posts ORDER BY id'
const SELECT = 'SELECT id, title FROM posts ORDER BY id'
const INSERT = "INSERT INTO posts (title) SELECT 'new ' || n FROM generate_series(1, 5) n RETURNING title"

/** With a client outside and inside of a transaction, of its own and of a pool. */
type Use = (client: pg.ClientBase, side: Side) => Promise<unknown>
async function around(side: Side, use: Use): Promise<unknown> {
  const all: unknown[] = []
  const client = await side.client()
  const pool = await side.pool({ max: 1 })
  await client.query(READ)
  for (const one of [client, await pool.connect()]) {
    all.push(await within(20_000, use(one, side)), await outcome(one.query(READ)))
    await one.query('BEGIN')
    await one.query(READ)
    all.push(await within(20_000, use(one, side)), await outcome(one.query(READ)), await status(one as pg.Client))
    await one.query('ROLLBACK')
    all.push(await outcome(one.query(READ)))
    await one.query('BEGIN')
    all.push(await within(20_000, use(one, side)))
    await one.query('COMMIT')
    all.push(await outcome(one.query(READ)))
    if (one !== client) (one as pg.PoolClient).release()
  }
  all.push(await outcome(pool.query(READ)), [pool.totalCount, pool.idleCount])
  return all
}

const CASES: readonly [string, string][] = [
  ['SELECT', SELECT],
  ['INSERT … RETURNING', INSERT],
  ['UPDATE without RETURNING', "UPDATE posts SET title = title || '!'"],
]

for (const [name, text] of CASES) {
  it(`cursor, ${name}: read to the end in pages`, () =>
    same((side) =>
      around(side, async (client) => {
        const cursor = client.query(new Cursor(text))
        const pages: unknown[] = []
        for (;;) {
          const rows = await cursor.read(2)
          pages.push(rows)
          if (rows.length === 0) return pages
        }
      }),
    ))

  it(`cursor, ${name}: closed after a page`, () =>
    same((side) =>
      around(side, async (client) => {
        const cursor = client.query(new Cursor(text))
        const rows = await cursor.read(2)
        await cursor.close()
        return rows
      }),
    ))

  it(`cursor, ${name}: closed without a read`, () =>
    same((side) =>
      around(side, async (client) => {
        const cursor = client.query(new Cursor(text))
        await cursor.close()
        return cursor.close()
      }),
    ))

  it(`stream, ${name}: to the end`, () =>
    same((side) =>
      around(side, async (client) => {
        const rows: unknown[] = []
        for await (const row of client.query(new QueryStream(text, [], { batchSize: 2 }))) rows.push(row)
        return rows
      }),
    ))

  it(`stream, ${name}: left early`, () =>
    same((side) =>
      around(side, async (client) => {
        for await (const row of client.query(new QueryStream(text, [], { batchSize: 2 }))) return row
        return undefined
      }),
    ))

  it(`stream, ${name}: destroyed before anything came`, () =>
    same((side) =>
      around(side, async (client) => {
        const stream = client.query(new QueryStream(text))
        const closed = event(stream, 'close')
        stream.destroy()
        await closed
        return stream.destroyed
      }),
    ))

  it(`pg.Query, ${name}: its events`, () =>
    same((side) =>
      around(side, async (client) => {
        const query = client.query(new pg.Query(text)) as unknown as NodeJS.EventEmitter
        const told: unknown[] = []
        query.on('row', (row) => told.push(row))
        const [result] = await event(query, 'end')
        return [told, result]
      }),
    ))
}

it('cursor: callbacks, values, row mode and types', () =>
  same((side) =>
    around(side, async (client) => {
      const types = { getTypeParser: () => String }
      const cursor = client.query(
        new Cursor('SELECT id, title FROM posts WHERE id > $1 ORDER BY id', [1], { rowMode: 'array', types }),
      )
      const read = () => new Promise((resolve) => cursor.read(10, (error, rows) => resolve([error, rows])))
      const all = [await read(), await read()]
      await new Promise<void>((resolve) => cursor.close(() => resolve()))
      return all
    }),
  ))

it.each([
  ['a syntax error', 'SELEC'],
  ['an unknown column', 'SELECT nothing FROM posts'],
  ['an error on the way', 'SELECT 1 / (4 - id) FROM posts ORDER BY id'],
  ['a constraint', "INSERT INTO users (name) VALUES ('new'), ('ann') RETURNING id"],
])('%s in a cursor, a stream and a query object', (_, text) =>
  check(async (side) => {
    const all: unknown[] = []
    const client = await side.client()
    await client.query(READ)
    const cursor = client.query(new Cursor(text))
    all.push(await outcome(within(20_000, cursor.read(10))))
    all.push(await outcome(client.query(READ)), await status(client))
    const stream = client.query(new QueryStream(text))
    const failed = event(stream, 'error')
    stream.resume()
    all.push((await within(20_000, failed)).map(seen), await outcome(client.query(READ)))
    const query = client.query(new pg.Query(text)) as unknown as NodeJS.EventEmitter
    all.push((await within(20_000, event(query, 'error'))).map(seen), await outcome(client.query(READ)))

    await client.query('BEGIN')
    all.push(await outcome(within(20_000, client.query(new Cursor(text)).read(10))), await status(client))
    all.push(
      await outcome(client.query(READ)),
      await outcome(client.query('ROLLBACK')),
      await outcome(client.query(READ)),
    )
    return all
  }),
)

it('a query object with a callback, of the call or its own', () =>
  same((side) =>
    around(side, async (client) => {
      const told: unknown[] = []
      const ask = (text: string) =>
        new Promise<void>((resolve) => {
          const query = new pg.Query(text) as never
          ;(client as pg.Client).query(query, ((error: unknown, result: unknown) => {
            told.push(error === null ? result : 'an error')
            resolve()
          }) as never)
        })
      await ask(READ)
      await ask('UPDATE posts SET views = views + 1 WHERE id = 1')
      return told
    }),
  ))

it('a named query object, and its name afterwards', () =>
  same(async (side) => {
    const client = await side.client()
    const config = { name: 'w', text: 'UPDATE posts SET views = views + $1 WHERE id = 1 RETURNING views', values: [1] }
    const query = client.query(new pg.Query(config) as never) as unknown as NodeJS.EventEmitter
    await event(query, 'end')
    const all = [await outcome(client.query('SELECT views FROM posts WHERE id = 1'))]
    all.push(await outcome(client.query({ name: 'w', values: [10] } as never)))
    all.push(await outcome(client.query('SELECT views FROM posts WHERE id = 1')))
    return all
  }))

it('a stream through pool.query', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    await pool.query(READ)
    const stream = new QueryStream(INSERT)
    const rows: unknown[] = []
    stream.on('data', (row) => rows.push(row))
    const result = pool.query(stream as never) as unknown as Promise<pg.QueryResult>
    await within(20_000, result)
    await sleep(5)
    return [rows, await outcome(pool.query(READ)), pool.idleCount]
  }))

it('a query object through pool.query', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    await pool.query(READ)
    const asked = pool.query(new pg.Query(INSERT) as never) as unknown as Promise<unknown>
    return [await outcome(within(20_000, asked)), await outcome(pool.query(READ))]
  }))

it('statements wait behind an open cursor, and run when it is closed', () =>
  same(async (side) => {
    const client = await side.client()
    const cursor = client.query(new Cursor(SELECT))
    const told: string[] = []
    const after = client.query("UPDATE posts SET title = 'after' WHERE id = 1").then(() => told.push('after'))
    await cursor.read(1)
    await sleep(20)
    told.push('close')
    await cursor.close()
    await after
    return [told, await outcome(client.query(READ))]
  }))

it('an open cursor when the client ends', () =>
  same(async (side) => {
    const client = await side.client()
    const cursor = client.query(new Cursor(SELECT))
    await cursor.read(1)
    const read = outcome(cursor.read(1).then(() => 'read'))
    void client.end()
    await event(client, 'end')
    await read
    return outcome(client.query(READ))
  }))
