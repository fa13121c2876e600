import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from '../soundness/world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text, made timestamptz NOT NULL DEFAULT '2024-01-01T00:00:00Z');
  INSERT INTO posts SELECT i, 'title ' || i FROM generate_series(1, 5) i;
  DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other;
  CREATE TABLE other.posts (id integer PRIMARY KEY, title text);
  INSERT INTO other.posts VALUES (1, 'other');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const MADE = 'SELECT made::text AS made FROM posts WHERE id = 1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'
const ROLE = `cacheops_session_${process.pid}`

describe('settings and roles of sessions', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('sessions')
    await world.plain.query(`CREATE ROLE ${ROLE} LOGIN`)
  })
  beforeEach(async () => {
    await world.reset(
      `${SCHEMA} GRANT USAGE ON SCHEMA public, other TO ${ROLE}; GRANT SELECT ON ALL TABLES IN SCHEMA other TO ${ROLE}`,
    )
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(async () => {
    await world.plain.query(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`)
    await world.end()
  })

  it.each([
    ['SET ROLE', `SET ROLE ${ROLE}`, 'RESET ROLE'],
    ['SET SESSION AUTHORIZATION', `SET SESSION AUTHORIZATION ${ROLE}`, 'RESET SESSION AUTHORIZATION'],
    ['SET LOCAL ROLE', `BEGIN; SET LOCAL ROLE ${ROLE}`, 'COMMIT'],
    ['SET ROLE that is rolled back', `BEGIN; SET ROLE ${ROLE}`, 'ROLLBACK'],
    ['SET ROLE undone by ROLLBACK TO', `BEGIN; SAVEPOINT s; SET ROLE ${ROLE}`, 'ROLLBACK TO s; COMMIT'],
    [`set_config('role')`, `SELECT set_config('role', '${ROLE}', false)`, 'DISCARD ALL'],
  ])('S8: after %s a hit is refused as the table is, and not before or after', async (_, as, back) => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      for (const text of as.split('; ')) await client.query(text)
      await expect(client.query('SELECT title FROM public.posts WHERE id = $1', [1])).rejects.toMatchObject({
        code: '42501',
      })
      if (as.startsWith('BEGIN') && !back.startsWith('ROLLBACK')) await client.query('ROLLBACK')
      for (const text of back.split('; ')) await client.query(text)
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
    })
  })

  it('A5: what ALTER ROLE and ALTER DATABASE set is met by new connections', async () => {
    const database = new URL(world.url).pathname.slice(1)
    await world.expectCached(app, MADE)
    await world.plain.query(
      `ALTER DATABASE ${database} SET TimeZone = 'Asia/Tokyo'; ALTER ROLE ${ROLE} SET TimeZone = 'America/Lima'`,
    )
    await world.plain.query(`GRANT SELECT ON posts TO ${ROLE}`)
    try {
      const late = await world.ready()
      const url = new URL(world.url)
      url.username = ROLE
      const role = await world.ready({ pool: { connectionString: url.href } })
      for (let time = 0; time < 2; time++) {
        expect((await app.ask(MADE)).rows).toEqual([{ made: '2024-01-01 00:00:00+00' }])
        expect((await late.ask(MADE)).rows).toEqual([{ made: '2024-01-01 09:00:00+09' }])
        expect((await role.ask(MADE)).rows).toEqual([{ made: '2023-12-31 19:00:00-05' }])
      }
    } finally {
      await world.plain.query(`ALTER DATABASE ${database} RESET TimeZone`)
    }
  })

  it.each([
    ['ALTER DATABASE', undefined],
    ['a start-up option', '-c default_transaction_isolation=serializable'],
  ])(
    'S6: under REPEATABLE READ or SERIALIZABLE by default nothing is read from the cache, nor kept: %s',
    async (_, options) => {
      const database = new URL(world.url).pathname.slice(1)
      if (!options)
        await world.plain.query(`ALTER DATABASE ${database} SET default_transaction_isolation = 'repeatable read'`)
      try {
        const strict = await world.ready(options ? { pool: { options } } : {})
        await world.expectCached(app, POST, [1])
        await world.expectPast(strict, POST, [1], /repeatable read|serializable/)
        await strict.on(async (client) => {
          await client.query('BEGIN')
          await client.query('SELECT 1 AS snapshot')
          await app.pool.query(SET, [1, 'new'])
          expect((await strict.ask(POST, [1], client)).rows).toEqual([{ title: 'title 1' }])
          await client.query('COMMIT')
          await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
          expect((await strict.ask(POST, [1], client)).rows).toEqual([{ title: 'new' }])
          await client.query('COMMIT')
        })
        await world.expectDropped([app], POST, [1], () => strict.pool.query(SET, [1, 'newer']))
      } finally {
        await world.plain.query(`ALTER DATABASE ${database} RESET default_transaction_isolation`)
      }
    },
  )

  it('B7: SET LOCAL and set_config(…, true) end with their transaction, also with one of a single statement', async () => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      for (const local of ['SET LOCAL search_path = other', `SELECT set_config('search_path', 'other', true)`]) {
        await client.query(local)
        expect(await app.ask(POST, [1], client)).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
        for (const end of ['COMMIT', 'ROLLBACK', 'COMMIT AND CHAIN']) {
          await client.query('BEGIN')
          await client.query(local)
          expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'other' }])
          await client.query(end)
          expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'title 1' }])
          if (end.endsWith('CHAIN')) await client.query('COMMIT')
        }
      }
    })
  })

  it('A5: DISCARD ALL in a session with everything that it discards', async () => {
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      for (let time = 0; time < 6; time++) await client.query(SET, [2, `time ${time}`])
      await client.query('SET search_path = other')
      await client.query('SELECT pg_advisory_lock(3)')
      await client.query({ name: 'mine', text: POST, values: [1] })
      await client.query('DISCARD ALL')
      for (let time = 0; time < 6; time++) await client.query(SET, [1, `after ${time}`])
      expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'after 5' }])
      await client.query('DEALLOCATE ALL')
      await client.query('BEGIN')
      for (let time = 0; time < 6; time++) await client.query(SET, [1, `inside ${time}`])
      await client.query('COMMIT')
    })
    for (const each of [app, other]) expect((await each.ask(POST, [1])).rows).toEqual([{ title: 'inside 5' }])
  })

  it.each([
    ['a name that was deallocated', 'DEALLOCATE ALL'],
    ['a plan that no longer holds', 'ALTER TABLE posts ALTER COLUMN title TYPE varchar(100)'],
  ])('B6: a write in a transaction does not fail for %s', async (_, text) => {
    await app.on(async (client) => {
      for (let time = 0; time < 6; time++) await client.query(SET, [2, `time ${time}`])
      await client.query(text)
      await client.query('BEGIN')
      await client.query(SET, [1, 'new'])
      await client.query('COMMIT')
    })
    for (const each of [app, other]) expect((await each.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
  })

  it('S6: a lock that a function takes counts as its session took it', async () => {
    await world.plain.query(`CREATE FUNCTION guard(int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock($1); END $$;
      CREATE FUNCTION hold() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM (SELECT FROM posts FOR UPDATE) p $$;
      CREATE FUNCTION whole() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE posts IN SHARE MODE; END $$;
      CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT pg_advisory_lock(6)'; END $$`)
    app = await world.ready()
    await world.expectCached(app, POST, [1])
    await app.on(async (client) => {
      await client.query('SELECT guard(5)')
      await world.expectPast(app, POST, [1], /advisory/, client)
      await client.query('SELECT pg_advisory_unlock(5)')
      expect((await app.ask(POST, [1], client)).how).toBe('hit')
      for (const text of ['SELECT hold()', 'SELECT whole()']) {
        await client.query('BEGIN')
        await client.query(text)
        await world.expectPast(app, POST, [1], /locks/, client)
        await client.query('COMMIT')
      }
      await client.query('SELECT dynamic()')
      await world.expectPast(app, POST, [1], /advisory/, client)
      await client.query('SELECT pg_advisory_unlock(6)')
      await world.expectCached(app, POST, [1], client)
    })
  })

  describe('A25: program order', () => {
    it('A25: reads that do not wait for the writes before them see these, on a checked-out client', async () => {
      await world.expectCached(app, POST, [1])
      await app.on(async (client) => {
        // The client is a stand-in yet: the read is a hit if it does not wait.
        const asked = [
          client.query(SET, [1, 'new']),
          client.query(POST, [1]),
          client.query(SET, [1, 'newer']),
          client.query(POST, [1]),
        ]
        const [, first, , second] = await Promise.all(asked)
        expect([first?.rows, second?.rows]).toEqual([[{ title: 'new' }], [{ title: 'newer' }]])
      })
    })

    it('A25: BEGIN, a write, a read and ROLLBACK in one go', async () => {
      await world.expectCached(app, POST, [1])
      await app.on(async (client) => {
        const texts: [string, unknown[]][] = [
          ['BEGIN', []],
          [SET, [1, 'never']],
          [POST, [1]],
          ['ROLLBACK', []],
          [POST, [1]],
        ]
        const results = await Promise.all(texts.map(([text, values]) => client.query(text, values)))
        expect([results[2]?.rows, results[4]?.rows]).toEqual([[{ title: 'never' }], [{ title: 'title 1' }]])
      })
    })

    it('A25: a setting that is not waited for', async () => {
      await world.expectCached(app, POST, [1])
      await app.on(async (client) => {
        const [, inOther] = await Promise.all([client.query('SET search_path = other'), client.query(POST, [1])])
        const [, back] = await Promise.all([client.query('RESET search_path'), client.query(POST, [1])])
        expect([inOther.rows, back.rows]).toEqual([[{ title: 'other' }], [{ title: 'title 1' }]])
      })
    })

    it("A25: two clients: who awaited the other's write reads it", async () => {
      const [one, two] = [await world.client(app), await world.client(app)]
      await world.expectCached(app, POST, [1], two)
      await one.query(SET, [1, 'new'])
      expect((await two.query(POST, [1])).rows).toEqual([{ title: 'new' }])
    })
  })

  it('A13: who awaits a write before it notifies: the listener reads what was written', async () => {
    const listener = await world.client(other)
    await listener.query('LISTEN news')
    await world.expectCached(other, POST, [1])
    const heard = new Promise<unknown>((resolve, reject) => {
      listener.on('notification', () => void other.pool.query(POST, [1]).then(({ rows }) => resolve(rows), reject))
    })
    await app.pool.query(SET, [1, 'new'])
    await app.pool.query('NOTIFY news')
    expect(await heard).toEqual([{ title: 'new' }])
  })
})
