import pg from 'pg'
import { expect, it } from 'vitest'
import { event, outcome, sleep, useParity, within } from './support.js'

const { check, same } = useParity('order', true)

const READ = 'SELECT id, title, views FROM posts ORDER BY id'

it('statements of one client run in the order of the calls, none of them awaited', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const texts = [
      READ,
      'BEGIN',
      "INSERT INTO posts (title) VALUES ('new')",
      READ,
      'SAVEPOINT s',
      "UPDATE posts SET title = 'gone'",
      READ,
      'ROLLBACK TO s',
      READ,
      'COMMIT',
      READ,
      "DELETE FROM posts WHERE title = 'new'",
      READ,
      'SELECT nothing',
      READ,
    ]
    return Promise.all(texts.map((text) => outcome(client.query(text))))
  }))

it('the same through a client of a pool', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 2 })
    await pool.query(READ)
    const client = await pool.connect()
    const told: string[] = []
    const all = [
      READ,
      "UPDATE posts SET title = 'in between' WHERE id = 2",
      READ,
      'BEGIN',
      "INSERT INTO posts (title) VALUES ('new')",
      READ,
      'ROLLBACK',
      READ,
    ].map((text, index) => outcome(client.query(text)).finally(() => told.push(String(index))))
    const results = await Promise.all(all)
    client.release()
    return [results, told]
  }))

it('what is asked and then released is still carried out', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const client = await pool.connect()
    const asked = client.query("UPDATE posts SET title = 'late' WHERE id = 1")
    client.release()
    const first = await outcome(asked)
    return [first, await outcome(pool.query(READ)), pool.totalCount, pool.idleCount]
  }))

it('callbacks come in the order of the calls', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const told: string[] = []
    await new Promise<void>((resolve) => {
      client.query(READ, () => told.push('a read'))
      client.query('UPDATE posts SET views = 1 WHERE id = 1', () => told.push('a write'))
      client.query('SELECT nothing', () => told.push('an error'))
      client.query(READ, () => {
        told.push('a read again')
        client.query(READ, () => {
          told.push('the innermost')
          resolve()
        })
      })
      client.query('SELECT 1', () => told.push('the last'))
    })
    return told
  }))

it('drain comes when all that was asked is done, so that a client can end itself', () =>
  same(async (side) => {
    const client = new side.pg.Client({ connectionString: side.url })
    const told: string[] = []
    client.on('drain', () => {
      told.push('drain')
      void client.end()
    })
    client.on('end', () => told.push('end'))
    await client.connect()
    const texts = [READ, 'UPDATE posts SET views = 9 WHERE id = 1', READ]
    for (const text of texts)
      client.query(text, (error, result) => told.push(error ? 'error' : String(result.rowCount)))
    await event(client, 'end')
    return told
  }))

it('drain does not come while a callback asks for more', () =>
  same(async (side) => {
    const client = await side.client()
    await sleep(20)
    const told: string[] = []
    client.on('drain', () => told.push('drain'))
    await new Promise<void>((resolve) => {
      client.query(READ, () => {
        told.push('first')
        client.query(READ, () => {
          told.push('second')
          resolve()
        })
      })
    })
    await sleep(20)
    return told
  }))

it('drain comes also after nothing but hits', async () => {
  const told = await same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    await sleep(20)
    let drained = 0
    client.on('drain', () => drained++)
    await client.query(READ)
    await sleep(20)
    return drained
  })
  expect(told).toBe(1)
})

it.each([1, 4])('two hundred reads at once, the same one and different ones, over %i connections', (max) =>
  check(async (side) => {
    const pool = await side.pool({ max })
    const reads = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? pool.query(READ) : pool.query('SELECT id, title FROM posts WHERE id = $1', [(index % 5) + 1]),
    )
    const results = await within(20_000, Promise.all(reads))
    return results.map(({ rows }) => rows)
  }),
)

it('reads and writes at once: each reads a state that was', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 4 })
    const writes = Array.from({ length: 40 }, () => pool.query('UPDATE posts SET views = views + 1 WHERE id = 1'))
    const reads = Array.from({ length: 40 }, () => pool.query('SELECT views FROM posts WHERE id = 1'))
    const seen = await Promise.all(reads)
    await Promise.all(writes)
    const inRange = seen.every(({ rows }) => rows[0].views >= 3 && rows[0].views <= 43)
    return [inRange, (await pool.query('SELECT views FROM posts WHERE id = 1')).rows]
  }))

it('who awaited a write reads it, through any connection', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 3 })
    const client = await side.client()
    const all: unknown[] = []
    for (let round = 0; round < 10; round++) {
      await pool.query('UPDATE posts SET views = $1 WHERE id = 1', [round])
      all.push(...(await Promise.all([pool, client, pool].map((one) => one.query(READ)))).map(({ rows }) => rows))
      await client.query('UPDATE posts SET views = views * 10 WHERE id = $1', [1])
      all.push((await pool.query('SELECT views FROM posts WHERE views = $1', [round * 10])).rows)
    }
    return all
  }))

it('a pg.Query in between keeps its place', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const rows: unknown[] = []
    const query = new pg.Query("UPDATE posts SET title = 'by a query object' WHERE id = 1 RETURNING title")
    query.on('row', (row) => rows.push(row))
    const before = client.query(READ)
    client.query(query)
    const after = client.query(READ)
    const all = [(await before).rows, (await after).rows, rows]
    return all
  }))

it('several statements in one string: all results, in order, with a transaction inside', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const all = [
      await outcome(
        client.query('BEGIN; UPDATE posts SET views = 50 WHERE id = 1; SELECT views FROM posts WHERE id = 1; COMMIT'),
      ),
      await outcome(client.query(READ)),
      await outcome(client.query('BEGIN; UPDATE posts SET views = 60 WHERE id = 1')),
      await outcome(client.query(READ)),
      await outcome(client.query('ROLLBACK; SELECT 1 AS one')),
      await outcome(client.query(READ)),
      await outcome(client.query('UPDATE posts SET views = 70; SELECT nothing')),
      await outcome(client.query(READ)),
      await outcome(client.query({ text: 'SELECT 1 AS a, 2 AS a; SELECT 3', rowMode: 'array' })),
    ]
    return all
  }))
