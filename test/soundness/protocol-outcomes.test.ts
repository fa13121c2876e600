import type { QueryConfig } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, stopAt, until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text);
  CREATE TABLE logs (id integer PRIMARY KEY, line text);
  INSERT INTO posts SELECT i, 'title ' || i FROM generate_series(1, 5) i;
  INSERT INTO logs VALUES (1, 'one');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const LOG = 'SELECT line FROM logs WHERE id = 1'
const SET = `UPDATE posts SET title = 'new' WHERE id = 1`

interface Innards {
  readonly connection: { readonly stream: { destroy(): void; write(...args: unknown[]): boolean } }
}

/** The client's socket breaks right after a text was sent. */
function breakAfter(client: object, text: string): void {
  const { stream } = (client as Innards).connection
  const write = stream.write
  stream.write = (...args) => {
    const sent = write.apply(stream, args)
    if (String(args[0]).includes(text)) setTimeout(() => stream.destroy(), 1)
    return sent
  }
}

/** A statement whose client soon gives up waiting. */
function impatient(text: string): QueryConfig {
  return { text, query_timeout: 500 } as QueryConfig
}

describe('writes whose outcome is unknown', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('outcomes')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
    await world.expectCached(other, POST, [1])
    await world.expectCached(other, LOG)
  })
  afterAll(() => world.end())

  /** Whatever became of the write: soon everybody reads what is there, and from the cache again. */
  async function settled(): Promise<void> {
    await until('reads are cached again', async () => {
      for (const each of [app, other]) {
        for (const time of ['first', 'again']) {
          const before = await world.truth(POST, [1])
          const answer = await each.ask(POST, [1])
          // The write may land between the two.
          expect([before, await world.truth(POST, [1])]).toContainEqual(answer.rows)
          if (time === 'again' && answer.how !== 'hit') return false
        }
      }
      return true
    })
    for (const each of [app, other]) await world.expectRight(each, POST, [1])
  }

  it('A2: a COMMIT whose answer is lost: its tables are read past until the backend is gone', async () => {
    const locker = await world.plain.connect()
    const client = await world.client(app)
    await client.query('BEGIN')
    await client.query(SET)
    // A trigger at the commit that waits for a lock: the server commits long after the client is gone.
    await world.plain.query(`
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE logs IN EXCLUSIVE MODE; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON logs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`)
    await client.query(`INSERT INTO logs VALUES (2, 'two')`)
    await locker.query('BEGIN; LOCK TABLE logs IN SHARE UPDATE EXCLUSIVE MODE')
    breakAfter(client, 'COMMIT')
    await expect(client.query('COMMIT')).rejects.toThrow()
    for (let time = 0; time < 3; time++) await world.expectPast(other, POST, [1], /outcome/)
    await world.expectPast(app, POST, [1], /outcome/)
    expect((await other.ask('SELECT 1 FROM posts WHERE id = 2')).how).toBe('past')
    await locker.query('COMMIT')
    locker.release()
    await settled()
    expect(app.failures.map(({ what }) => what)).toContain('outcome')
  })

  it('A2: an autocommit write whose connection breaks', async () => {
    const client = await world.client(app)
    await client.query('SELECT 1')
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    breakAfter(client, 'UPDATE posts')
    await expect(client.query(SET)).rejects.toThrow()
    await world.expectPast(other, POST, [1], /outcome/)
    expect((await other.ask(LOG)).how).toBe('hit')
    await locker.query('COMMIT')
    locker.release()
    await settled()
  })

  it('A2: a backend that is terminated in the middle of a write', async () => {
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    const writing = app.pool.query(SET).catch((error: Error) => error)
    await until(
      'it waits',
      async () =>
        ((
          await world.truth(`SELECT pg_terminate_backend(pid) AS gone FROM pg_stat_activity
        WHERE query LIKE 'UPDATE posts%' AND wait_event_type = 'Lock'`)
        )[0]?.gone as boolean) ?? false,
    )
    expect(await writing).toBeInstanceOf(Error)
    await locker.query('COMMIT')
    locker.release()
    await settled()
  })

  it('A2: a client that gives up waiting: the tables are free again once the late reply is there', async () => {
    const client = await world.client(app)
    await client.query('SELECT 1')
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    await expect(client.query(impatient(SET))).rejects.toThrow(/timeout/)
    for (let time = 0; time < 3; time++) await world.expectPast(other, POST, [1], /outcome/)
    await until(
      'it was asked whether the backend is gone',
      async () =>
        (
          await world.truth(`SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle'
          AND query LIKE 'SELECT 1 FROM pg_catalog.pg_stat_activity%'`)
        ).length > 0,
    )
    await world.expectPast(other, POST, [1], /outcome/)
    await locker.query('COMMIT')
    locker.release()
    await settled()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'new' }])
  })

  it('A2: a client that gives up waiting inside a transaction, whose COMMIT carries the write all the same', async () => {
    const client = await world.client(app)
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    await client.query('BEGIN')
    await client.query(`UPDATE logs SET line = 'two'`)
    await expect(client.query(impatient(SET))).rejects.toThrow(/timeout/)
    await locker.query('COMMIT')
    locker.release()
    await until('the late reply', () =>
      client.query('COMMIT').then(
        () => true,
        () => false,
      ),
    )
    expect((await other.ask(POST, [1])).rows).toEqual(await world.truth(POST, [1]))
    await settled()
  })

  it('A2: a reader that holds a lease from before the block stores nothing', async () => {
    const client = await world.client(app)
    await client.query('SELECT 1')
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 2 FOR UPDATE')
    const stop = stopAt(other, 'before-store')
    const late = other.pool.query(POST, [2])
    await stop.reached
    breakAfter(client, 'UPDATE posts')
    await expect(client.query(`UPDATE posts SET title = 'new' WHERE id = 2`)).rejects.toThrow()
    stop.go()
    await late
    await world.expectPast(other, POST, [2], /outcome/)
    await locker.query('COMMIT')
    locker.release()
    await until('it is free', async () => (await other.ask(POST, [2])).how !== 'past')
    await world.expectRight(other, POST, [2])
  })

  it('A2: a string of several statements, a DO block and a query object', async () => {
    for (const write of [`SELECT 1; ${SET}`, `DO $$ BEGIN ${SET}; END $$`]) {
      const client = await world.client(app)
      await client.query('SELECT 1')
      const locker = await world.plain.connect()
      await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
      breakAfter(client, 'UPDATE posts')
      await expect(client.query(write)).rejects.toThrow()
      await world.expectPast(other, POST, [1], /outcome/)
      await locker.query('COMMIT')
      locker.release()
      await settled()
      await world.plain.query(`UPDATE posts SET title = 'title 1'`)
      await app.cacheops.invalidateAll()
    }
    const client = await world.client(app)
    await client.query('SELECT 1')
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    breakAfter(client, 'UPDATE posts')
    await new Promise((resolve) => client.query(new app.pg.Query(SET)).on('error', resolve).on('end', resolve))
    await world.expectPast(other, POST, [1], /outcome/)
    await locker.query('COMMIT')
    locker.release()
    await settled()
  })

  it('A2: close() ends although an outcome cannot be had', async () => {
    const client = await world.client(app)
    await client.query('SELECT 1')
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    breakAfter(client, 'UPDATE posts')
    await expect(client.query(SET)).rejects.toThrow()
    await app.pool.end()
    await app.cacheops.close()
    await locker.query('COMMIT')
    locker.release()
  })
})
