import type pgModule from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../scripts/servers/pgbouncer.js'
import { type App, stopAt, until, World } from '../soundness/world.js'
import { TcpProxy } from './proxy.js'
import { directly } from './servers.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text, author integer);
  INSERT INTO posts SELECT i, 'title ' || i, i % 3 FROM generate_series(1, 9) i;
  DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other;
  CREATE TABLE other.posts (id integer PRIMARY KEY, title text, author integer);
  INSERT INTO other.posts VALUES (1, 'other', 1);`
const POST = 'SELECT title FROM posts WHERE id = $1'
const BY_AUTHOR = 'SELECT id FROM posts WHERE author = $1 ORDER BY id'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'
const LEAK = /behind a transaction pooler/

describe('behind PgBouncer in transaction mode', () => {
  let bouncer: PgBouncer
  let world: World
  let app: App
  /** Goes to the server straight. */
  let direct: App
  beforeAll(async () => {
    world = await World.open('pgbouncer')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    // With backends of its own: those of another test may be set to anything.
    bouncer?.remove()
    bouncer = await startPgBouncer(world.url)
    app = await through()
    direct = await world.ready()
  })
  afterAll(async () => {
    bouncer?.remove()
    await world?.end()
  })

  const through = (pool: pgModule.PoolConfig = {}) => world.ready({ pool: { connectionString: bouncer.url, ...pool } })
  const client = (of: App = app) => world.client(of, { connectionString: bouncer.url })

  it('A5: the pool reads from the cache, and what it writes drops as much as it must', async () => {
    await world.expectCached(app, POST, [1])
    await world.expectCached(app, BY_AUTHOR, [1])
    await world.expectCached(direct, POST, [2])
    expect((await app.ask(POST, [2])).how).toBe('hit')
    await app.pool.query(SET, [1, 'new'])
    expect((await direct.ask(BY_AUTHOR, [1])).how).toBe('hit')
    for (const each of [app, direct]) expect((await each.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
    await world.expectDropped([app, direct], BY_AUTHOR, [1], () =>
      app.pool.query('UPDATE posts SET author = 1 WHERE author = 2'),
    )
    await world.expectDropped([app, direct], POST, [3], () => direct.pool.query(SET, [3, 'straight']))
  })

  it('A5: a hit takes no connection, and many clients share few backends', async () => {
    await world.expectCached(app, POST, [1])
    const crowd = await Promise.all(Array.from({ length: 12 }, () => client()))
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(crowd.map((one, i) => one.query(POST, [(i % 3) + 1])))
      for (const [i, { rows }] of all.entries()) expect(rows).toEqual([{ title: `title ${(i % 3) + 1}` }])
      await Promise.all(crowd.map((one, i) => one.query(SET, [(i % 9) + 1, `title ${(i % 9) + 1}`])))
    }
    const before = app.pool.totalCount
    const held = await Promise.all(Array.from({ length: 8 }, () => app.pool.connect()))
    for (const one of held) expect((await app.ask('SELECT id FROM posts WHERE id = 1', [], one)).rows).toHaveLength(1)
    expect((await app.ask('SELECT id FROM posts WHERE id = 1', [], held[0])).how).toBe('hit')
    for (const one of held) one.release()
    expect(app.pool.totalCount).toBeLessThanOrEqual(Math.max(before, 4))
  })

  it('S6: transactions: reads past its own writes, savepoints, commit and rollback', async () => {
    for (const id of [1, 2]) await world.expectCached(app, POST, [id])
    await app.on(async (one) => {
      await one.query('BEGIN')
      expect((await app.ask(POST, [1], one)).how).toBe('hit')
      await one.query(SET, [1, 'new'])
      await one.query('SAVEPOINT s')
      await one.query(SET, [2, 'new'])
      await one.query('ROLLBACK TO s')
      await world.expectPast(app, POST, [1], /has written/, one)
      expect(await direct.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
      await one.query('COMMIT')
    })
    for (const each of [app, direct]) await world.expectRight(each, POST, [1])
    expect((await direct.ask(POST, [2])).how).toBe('hit')
  })

  it('B7: what a transaction sets for itself ends with it, and nobody passes by for it', async () => {
    await world.expectCached(app, POST, [1])
    const transactions: (readonly [string, unknown[]])[] = [
      ['SET LOCAL search_path = other', []],
      [`SELECT set_config('search_path', $1, true)`, ['other']],
    ]
    for (const [text, values] of transactions) {
      await app.on(async (one) => {
        await one.query('BEGIN')
        await one.query(text, values)
        for (let time = 0; time < 2; time++) {
          expect((await app.ask(POST, [1], one)).rows).toEqual([{ title: 'other' }])
        }
        await one.query('COMMIT')
        expect(await app.ask(POST, [1], one)).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
      })
    }
    for (const text of [`SET application_name = 'x'`, 'SET statement_timeout = 10000']) await app.pool.query(text)
    expect((await app.ask(POST, [1])).how).toBe('hit')
  })

  it.each([
    ['SET', 'SET search_path = other'],
    ['set_config', `SELECT set_config('search_path', 'other', false)`],
    ['a DO block', `DO $$ BEGIN SET search_path = other; END $$`],
    ['a string of several statements', 'SELECT 1; SET search_path = other'],
    ['a function in it', 'SELECT aside()'],
  ])('A5: after %s its whole pool passes by for good', async (_, text) => {
    await world.plain.query(`CREATE FUNCTION aside() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$`)
    const late = await through()
    await world.expectCached(late, POST, [1])
    const one = await client(late)
    await one.query('SELECT 1')
    const pooled = late.pool
    await pooled.query(text)
    // Whichever backend answers, and whatever that one is set to.
    for (let time = 0; time < 4; time++)
      expect(await late.ask(POST, [1])).toMatchObject({ how: 'past', reason: expect.stringMatching(LEAK) })
    await pooled.query(SET, [1, 'written'])
    for (const each of [app, direct])
      expect((await each.ask('SELECT title FROM public.posts WHERE id = 1')).rows).toEqual(
        await world.truth('SELECT title FROM public.posts WHERE id = 1'),
      )
    const rows = await world.truth('SELECT title FROM other.posts WHERE id = 1')
    expect((await direct.ask('SELECT title FROM other.posts WHERE id = 1')).rows).toEqual(rows)
  })

  it('A5: what is read while a setting leaks is not kept, and nobody joins it', async () => {
    const narrow = await startPgBouncer(world.url, { default_pool_size: 1 })
    try {
      const late = await through({ connectionString: narrow.url })
      const another = () => world.client(late, { connectionString: narrow.url })
      const [first, second, setter] = [await another(), await another(), await another()]
      for (const one of [first, second, setter]) await one.query('SELECT 1')
      const straight = await world.client(late, { connectionString: world.url })
      await straight.query('SELECT 1')
      const joined = 'SELECT id, title FROM posts WHERE id = 1'
      const stops = [POST, joined].map((text) => stopAt(late, 'before-database', (what) => what === text))
      const reads = [first.query(POST, [1]), second.query(joined)]
      for (const stop of stops) await stop.reached
      await setter.query('SET search_path = other')
      const joiner = straight.query(joined)
      for (const stop of stops) stop.go()
      const rows = (await Promise.all([...reads, joiner])).map((result) => result.rows)
      expect(rows).toEqual([[{ title: 'other' }], [{ id: 1, title: 'other' }], [{ id: 1, title: 'title 1' }]])
      expect((await direct.ask(POST, [1])).rows).toEqual([{ title: 'title 1' }])
    } finally {
      narrow.remove()
    }
  })

  it('A5: a setting from before anybody knew of the pooler counts as well', async () => {
    const late = world.app({ pool: { connectionString: bouncer.url } })
    await late.pool.query('SET search_path = other')
    await world.expectPast(late, POST, [1], LEAK)
  })

  it('A5: temporary tables: their connection passes by for good', async () => {
    await world.expectCached(app, POST, [1])
    await app.on(async (one) => {
      await one.query('BEGIN')
      await one.query(`CREATE TEMPORARY TABLE posts ON COMMIT DROP AS SELECT 1 AS id, 'temporary'::text AS title`)
      expect((await app.ask(POST, [1], one)).rows).toEqual([{ title: 'temporary' }])
      await one.query('COMMIT')
      expect(await app.ask(POST, [1], one)).toMatchObject({ how: 'past', rows: [{ title: 'title 1' }] })
    })
    for (const each of [app, direct]) await world.expectRight(each, POST, [1])
  })

  it("A5: another's temporary table on a shared backend is read past the cache", async () => {
    const narrow = await startPgBouncer(world.url, { default_pool_size: 1 })
    try {
      const late = await through({ connectionString: narrow.url })
      await directly(narrow.url, `CREATE TEMPORARY TABLE posts AS SELECT 1 AS id, 'temporary'::text AS title`)
      const one = await world.client(late, { connectionString: narrow.url })
      for (let time = 0; time < 2; time++) {
        expect(await late.ask(POST, [1], one)).toMatchObject({ how: 'past', rows: [{ title: 'temporary' }] })
      }
      await world.expectRight(direct, POST, [1])
    } finally {
      narrow.remove()
    }
  })

  it("S6: a session's advisory lock is on some backend: its connection passes by for good", async () => {
    await world.expectCached(app, POST, [1])
    const one = await client()
    await one.query('SELECT pg_advisory_lock(11)')
    await one.query('SELECT pg_advisory_unlock(11)')
    await world.expectPast(app, POST, [1], /advisory/, one)
    expect((await app.ask(POST, [1])).how).toBe('hit')
    const two = await client()
    await two.query('BEGIN')
    await two.query('SELECT pg_advisory_xact_lock(12)')
    await world.expectPast(app, POST, [1], /locks/, two)
    await two.query('COMMIT')
    expect((await app.ask(POST, [1], two)).how).toBe('hit')
  })

  it('B6: named statements do as they do without a cache', async () => {
    const plain = new (await import('pg')).default.Client({ connectionString: bouncer.url })
    await plain.connect()
    const outcome = (asked: Promise<{ rows: unknown[] }>) =>
      asked.then(
        ({ rows }) => rows,
        ({ code }: { code?: string }) => code,
      )
    const named = (text: string, id: number) => ({ name: 'by id', text, values: [id] })
    const one = await client()
    for (const id of [1, 2, 1, 2]) {
      // A backend that does not know the name refuses it; a hit needs no backend.
      expect([await outcome(plain.query(named(POST, id))), '26000', '42P05']).toContainEqual(
        await outcome(one.query(named(POST, id))),
      )
    }
    await plain.end()
    await one.query({ name: 'set', text: SET, values: [1, 'new'] })
    for (const each of [app, direct]) await world.expectRight(each, POST, [1])
  })

  it('A2: a COMMIT that loses its way to the pooler: its tables are blocked until no transaction of then is open', async () => {
    await world.plain.query(`
      CREATE TABLE gates (id integer); CREATE TABLE waits (id integer);
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE gates IN EXCLUSIVE MODE; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON waits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`)
    const way = await TcpProxy.before(bouncer.url)
    const late = await through({ connectionString: way.url })
    await world.expectCached(direct, POST, [1])
    const one = await world.client(late, { connectionString: way.url })
    await one.query('BEGIN')
    await one.query(SET, [1, 'new'])
    await one.query('INSERT INTO waits VALUES (1)')
    const gate = await world.plain.connect()
    await gate.query('BEGIN; LOCK TABLE gates IN SHARE UPDATE EXCLUSIVE MODE')
    const cut = way.cut('COMMIT', 'after')
    await expect(one.query('COMMIT')).rejects.toThrow()
    await cut
    await until('it was asked which transactions are open', async () => {
      const asked = `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT pid || %'`
      for (const each of [late, direct]) expect((await each.ask(POST, [1])).how).toBe('past')
      return (await world.truth(asked)).length > 0
    })
    for (const each of [late, direct]) await world.expectPast(each, POST, [1], /outcome/)
    await gate.query('COMMIT')
    gate.release()
    await until('reads are cached again', async () => (await direct.ask(POST, [1])).how === 'hit')
    for (const each of [late, direct]) await world.expectRight(each, POST, [1])
    await late.pool.end()
    await way.close()
  })
})
