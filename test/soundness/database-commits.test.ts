import pgModule from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serverUrl } from '../support/postgres.js'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, views integer NOT NULL DEFAULT 0, n integer, v varchar(3));
  CREATE TABLE logs (id serial PRIMARY KEY, line text);
  INSERT INTO posts (id, author, title) SELECT i, i % 3, 'title ' || i FROM generate_series(1, 9) i;
  INSERT INTO logs (line) VALUES ('one');`
const POST = 'SELECT title FROM posts WHERE id = $1'

describe('what the database does behind the text: commits', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('database_commits')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it('A14: COMMIT AND CHAIN commits, and the next transaction begins clean', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await client.query('COMMIT AND CHAIN')
      expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
      await client.query(`UPDATE posts SET title = 'newer' WHERE id = 1`)
      await client.query('ROLLBACK AND CHAIN')
      await client.query(`UPDATE posts SET title = 'newest' WHERE id = 1`)
      await client.query('END')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'newest' }])
  })

  it.each([
    [`BEGIN; UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; SELECT 1 / (length('') )`],
    [`UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; SELECT nothing`],
    [`DO $$ BEGIN UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; RAISE 'no'; END $$`],
    ['CALL half()'],
  ])('A14: what fails may have committed before it failed: %s', async (text) => {
    await world.plain.query(`CREATE PROCEDURE half() LANGUAGE plpgsql AS
      $$ BEGIN UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; RAISE 'no'; END $$`)
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectDropped([one], POST, [1], () => expect(two.pool.query(text)).rejects.toThrow())
  })

  it('A14: a query object that fails after its COMMIT, and one that chains', async () => {
    const client = await world.client(app)
    const submit = (text: string) =>
      new Promise((resolve) => client.query(new app.pg.Query(text)).on('error', resolve).on('end', resolve))
    await client.query('SELECT 1')
    await world.expectDropped([other], POST, [1], () =>
      submit(`BEGIN; UPDATE posts SET title = 'new' WHERE id = 1; COMMIT; SELECT 1 / 0`),
    )
    await client.query('BEGIN')
    await client.query(`UPDATE posts SET title = 'newer' WHERE id = 1`)
    await world.expectDropped([other], POST, [2], async () => {
      await client.query(`UPDATE posts SET title = 'newer' WHERE id = 2`)
      await submit('COMMIT AND CHAIN')
    })
    await client.query('ROLLBACK')
    await world.expectRight(other, POST, [1])
  })

  it('A14: COMMIT of a transaction that failed commits nothing, and drops nothing', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await expect(client.query('SELECT 1 / 0')).rejects.toThrow()
      expect((await client.query('COMMIT')).command).toBe('ROLLBACK')
    })
    expect((await other.ask(POST, [1])).how).toBe('hit')
  })

  it('A14: strings that end the open transaction and begin another', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      await client.query('COMMIT; BEGIN')
      await client.query('ROLLBACK')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('A14: a string that begins with ROLLBACK in a failed transaction, and writes behind it', async () => {
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await expect(client.query('SELECT 1 / 0')).rejects.toThrow()
      await client.query(`ROLLBACK; UPDATE posts SET title = 'new' WHERE id = 1`)
      expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
      await client.query('BEGIN')
      await expect(client.query('SELECT 1 / 0')).rejects.toThrow()
      await client.query(`ROLLBACK; UPDATE posts SET title = 'newer' WHERE id = 1; COMMIT; BEGIN`)
      await client.query('ROLLBACK')
    })
    expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'newer' }])
  })

  it('A14: a procedure that commits inside', async () => {
    await world.plain.query(`CREATE PROCEDURE steps() LANGUAGE plpgsql AS
      $$ BEGIN UPDATE posts SET title = 'a' WHERE id = 1; COMMIT; UPDATE posts SET title = 'b' WHERE id = 2; COMMIT; END $$`)
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectCached(one, POST, [2])
    await world.expectDropped([one], POST, [1], () => two.pool.query('CALL steps()'))
    await world.expectRight(one, POST, [2])
  })

  it('A14: PREPARE TRANSACTION and COMMIT PREPARED', async (context) => {
    const [{ max_prepared_transactions: max } = { max_prepared_transactions: '0' }] = (await world.truth(
      'SHOW max_prepared_transactions',
    )) as { max_prepared_transactions: string }[]
    await world.expectCached(other, POST, [1])
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
      const prepared = client.query(`PREPARE TRANSACTION 'cacheops soundness'`)
      if (max === '0') await expect(prepared).rejects.toMatchObject({ code: '55000' })
      else await prepared
      await client.query('SELECT 1 AS after')
    })
    if (max !== '0') await app.pool.query(`COMMIT PREPARED 'cacheops soundness'`)
    await world.expectRight(other, POST, [1])
    if (max === '0') context.annotate(`without two-phase commit: ${new URL(serverUrl()).host} allows none`)
    else expect((await other.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('A14: nothing is left open on the server', async () => {
    const client = new pgModule.Client({ connectionString: world.url })
    await client.connect()
    const { rows } = await client.query(`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND state LIKE 'idle in transaction%'`)
    expect(rows).toEqual([{ n: 0 }])
    await client.end()
  })
})
