import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WrappedStore } from '../support/wrapped-store.js'
import { type App, stopAt, until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text);
  CREATE TABLE logs (id integer PRIMARY KEY, line text);
  INSERT INTO posts SELECT i, 'title ' || i FROM generate_series(1, 5) i;
  INSERT INTO logs VALUES (1, 'one');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const LOG = 'SELECT line FROM logs WHERE id = $1'

describe('rules of transactions', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('rules_transactions')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it('S6: a transaction that has written reads past the cache, another table too', async () => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
      await client.query(`INSERT INTO logs VALUES (2, 'two')`)
      await world.expectPast(app, POST, [1], /has written/, client)
      expect((await app.ask(LOG, [2], client)).rows).toEqual([{ line: 'two' }])
      await client.query('COMMIT')
      await world.expectCached(app, LOG, [2], client)
    })
  })

  it('S6: changes wait for the outermost commit', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      expect(await other.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
      await client.query('COMMIT')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('S6: a rollback drops nothing, and its transaction leaves nothing in the cache', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'new' }])
      await client.query('ROLLBACK')
    })
    expect(await other.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
  })

  it("S6: a savepoint's changes go with its rollback, and only they", async () => {
    for (const id of [1, 2, 3, 4]) await world.expectCached(other, POST, [id])
    await app.on(async (client) => {
      const set = (id: number) => client.query(`UPDATE posts SET title = 'new' WHERE id = $1`, [id])
      await client.query('BEGIN')
      await set(1)
      await client.query('SAVEPOINT "A b"')
      await set(2)
      await client.query('SAVEPOINT "A b"')
      await set(3)
      await client.query('ROLLBACK TO "A b"')
      await client.query('RELEASE SAVEPOINT "A b"')
      await client.query('ROLLBACK TO SAVEPOINT "A b"')
      await set(4)
      await client.query('END')
    })
    const how = []
    for (const id of [1, 2, 3, 4]) how.push((await world.expectRight(other, POST, [id])).how)
    expect(how).toEqual(['miss', 'hit', 'hit', 'miss'])
  })

  it('S6: a savepoint that was set in a string of several statements takes nothing away that still holds', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query('SAVEPOINT s')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await client.query('RELEASE SAVEPOINT s; SAVEPOINT s')
      await client.query('ROLLBACK TO s')
      await client.query('COMMIT')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('S6: a savepoint that another kind of query set takes nothing away that still holds', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query('SAVEPOINT s')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await new Promise((resolve) => client.query(new app.pg.Query('SAVEPOINT s')).on('end', resolve))
      await client.query('ROLLBACK TO s')
      await client.query('COMMIT')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it.each([
    ['FOR UPDATE', 'SELECT * FROM logs WHERE id = 1 FOR UPDATE'],
    ['FOR KEY SHARE in a CTE', 'WITH l AS (SELECT id FROM logs FOR KEY SHARE) SELECT * FROM l'],
    ['LOCK', 'LOCK TABLE logs IN SHARE MODE'],
    ['an advisory lock', 'SELECT pg_advisory_xact_lock(1)'],
    ['several statements', 'SELECT 1; SELECT * FROM logs FOR SHARE'],
  ])('S6: a transaction that holds a lock reads past the cache: %s', async (_, lock) => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(lock)
      await world.expectPast(app, POST, [1], /locks|written/, client)
      await client.query('COMMIT')
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
    })
  })

  it("S6: a session's advisory lock holds beyond its transaction, and beyond an error", async () => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      await client.query('SELECT pg_advisory_lock(7)')
      await world.expectPast(app, POST, [1], /advisory/, client)
      await client.query('BEGIN')
      await client.query('COMMIT')
      await world.expectPast(app, POST, [1], /advisory/, client)
      await client.query('SELECT pg_advisory_unlock(7)')
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
      await expect(client.query('SELECT pg_advisory_lock(8), 1 / (length(pg_sleep(0)::text) * 0)')).rejects.toThrow()
      expect(await world.truth(`SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([
        { n: 1 },
      ])
      await world.expectPast(app, POST, [1], /advisory/, client)
      await client.query('SELECT pg_advisory_unlock_all()')
    })
  })

  it.each([
    ['BEGIN ISOLATION LEVEL REPEATABLE READ'],
    ['START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE'],
    ['BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ'],
    ['BEGIN', 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ'],
    ['BEGIN', `SET LOCAL transaction_isolation = 'repeatable read'`],
    [
      'BEGIN ISOLATION LEVEL REPEATABLE READ',
      'SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED',
    ],
    ['BEGIN ISOLATION LEVEL REPEATABLE READ', `SET default_transaction_isolation = 'read committed'`],
    ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'COMMIT AND CHAIN'],
    [`SET default_transaction_isolation = 'repeatable read'`, 'BEGIN'],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'BEGIN'],
  ])('S6: under REPEATABLE READ and SERIALIZABLE reads go past the cache: %s', async (...begin) => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      for (const text of begin) await client.query(text)
      await client.query('SELECT 1 AS snapshot')
      expect((await client.query('SHOW transaction_isolation')).rows[0].transaction_isolation).not.toBe(
        'read committed',
      )
      await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await other.ask(POST, [1])
      const answer = await app.ask(POST, [1], client)
      expect([answer.how, answer.rows]).toEqual(['past', [{ title: 'title 1' }]])
      await client.query(
        'ROLLBACK; RESET ALL; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED',
      )
    })
  })

  it('S6: SET TRANSACTION is the first statement of its transaction, also on a fresh connection', async () => {
    const client = await world.client(app)
    await client.query('BEGIN')
    await client.query('SET TRANSACTION READ WRITE')
    await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')
    await world.expectPast(app, POST, [1], /serializable/, client)
    await client.query('COMMIT')
  })

  it('S6: the transaction of a connection that is under REPEATABLE READ stores nothing', async () => {
    const client = await world.client(app)
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await client.query('SELECT 1 AS snapshot')
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
    await app.ask(POST, [1], client)
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
    expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('A25: a hit does not overtake a write of the same connection that is under way', async () => {
    await world.expectCached(app, POST, [1])
    const client = await world.client(app)
    await app.ask(POST, [1], client)
    const stop = stopAt(app, 'before-database', (what) => what.startsWith('UPDATE'))
    const write = client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
    const read = client.query(POST, [1])
    await stop.reached
    stop.go()
    await write
    expect((await read).rows).toEqual([{ title: 'new' }])
  })

  it('A25: a hit does not overtake a cursor or a query object that writes', async () => {
    await world.expectCached(app, POST, [1])
    const client = await world.client(app)
    await app.ask(POST, [1], client)
    client.query(new app.pg.Query(`UPDATE posts SET title = 'new' WHERE id = 1`))
    expect((await client.query(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it("A25: an asynchronous store's old answer is not given to a later call", async () => {
    const store = new WrappedStore(world.store)
    const late = await world.ready({ store })
    const client = await world.client(late)
    await world.expectCached(late, POST, [1], client)
    // The first look finds the hit; then the read is put past the cache, and the answer is left over.
    const database = [...late.engine.databases][0]?.id as string
    store.hook = (step, moment) => {
      if (step === 'read' && moment === 'before') late.engine.delivery.grace(database, ['public.posts'])
    }
    await late.ask(POST, [1], client)
    store.hook = undefined
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
    await until('the table is read from the cache again', () => {
      return late.engine.delivery.readPast(database, ['public.posts']) === undefined
    })
    await client.query(`SET application_name = 'x'`)
    expect((await late.ask(POST, [1], client)).rows).toEqual([{ title: 'new' }])
  })
})
