import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text, author integer);
  CREATE TABLE audit (id serial PRIMARY KEY, post integer);
  INSERT INTO posts SELECT i, 'title ' || i, i % 3 FROM generate_series(1, 5) i;
  DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other;
  CREATE TABLE other.posts (id integer PRIMARY KEY, title text, author integer);
  INSERT INTO other.posts VALUES (1, 'other', 1);`
const POST = 'SELECT title FROM posts WHERE id = $1'
const _SET = 'UPDATE posts SET title = $2 WHERE id = $1'
const _AUDIT = 'SELECT count(*)::int AS n FROM audit'
const _AUDITED = `
  CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (post) VALUES (NEW.id); RETURN NEW; END $$;
  CREATE TRIGGER audited AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION audited()`

describe('what the database does behind the text: sessions and roles', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('database_session')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  describe('A5: settings', () => {
    it.each([
      ['a function that calls set_config', 'SELECT aside()'],
      ['a DO block', `DO $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$`],
      ['CALL', 'CALL aside_too()'],
      ['a trigger', `INSERT INTO audit (post) VALUES (1)`],
      ['set_config itself', `SELECT set_config('search_path', 'other', false)`],
      ['a string of several statements', `SELECT 1; SET search_path = other`],
      ['SET', 'SET search_path TO other'],
      ['dynamic SQL', `SELECT dynamic()`],
      [
        'set_config in a query that is not understood',
        `SELECT set_config('search_path', 'other', false) FROM generate_series(1, 1)`,
      ],
    ])('A5: after %s the settings are read again', async (_, statement) => {
      await world.plain.query(`
        CREATE FUNCTION aside() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT set_config('search_path', 'other', false) $$;
        CREATE PROCEDURE aside_too() LANGUAGE plpgsql AS $$ BEGIN SET search_path = other; END $$;
        CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SET search_path = other'; END $$;
        CREATE FUNCTION on_audit() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM set_config('search_path', 'other', false); RETURN NEW; END $$;
        CREATE TRIGGER on_audit BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION on_audit()`)
      const app = await world.ready()
      const client = await world.client(app)
      await world.expectCached(app, POST, [1], client)
      await client.query(statement)
      expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: 'other' }])
      for (let time = 0; time < 2; time++) expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'other' }])
    })

    it('A5: a start-up option and ALTER ROLE … SET change the key of a new connection', async () => {
      const role = new URL(world.url).username
      const app = await world.ready()
      await world.expectCached(app, POST, [1])
      const optioned = await world.ready({ pool: { options: '-c search_path=other' } })
      expect((await optioned.ask(POST, [1])).rows).toEqual([{ title: 'other' }])
      const database = new URL(world.url).pathname.slice(1)
      await world.plain.query(`ALTER ROLE ${role} IN DATABASE ${database} SET search_path = other`)
      try {
        const late = await world.ready()
        expect((await late.ask(POST, [1])).rows).toEqual([{ title: 'other' }])
        // The pool of before opens another connection: from then on it does not answer for all of them.
        const [first, second] = [await app.pool.connect(), await app.pool.connect()]
        await first.query('SELECT 1 AS one')
        await second.query('SELECT 1 AS one')
        const titles = [(await first.query(POST, [1])).rows[0].title, (await second.query(POST, [1])).rows[0].title]
        expect(titles.sort()).toEqual(['other', 'title 1'])
        first.release()
        second.release()
      } finally {
        await world.plain.query(`ALTER ROLE ${role} IN DATABASE ${database} RESET search_path`)
      }
    })

    it('A5: where connect hooks differ between connections no stand-in answers', async () => {
      const app = world.app({ pool: { max: 2 } })
      let connections = 0
      app.pool.on(
        'connect',
        (client) => void client.query(`SET search_path = ${connections++ % 2 ? 'other' : 'public'}`),
      )
      await app.cacheops.ready()
      const [first, second] = [await app.pool.connect(), await app.pool.connect()]
      const ask = async () => {
        for (const client of [first, second]) {
          const { search_path: path } = (await client.query('SHOW search_path')).rows[0]
          expect((await client.query(POST, [1])).rows).toEqual([{ title: path === 'other' ? 'other' : 'title 1' }])
        }
      }
      await ask()
      await ask()
      first.release()
      second.release()
      for (let time = 0; time < 6; time++) {
        await app.on(async (client) => {
          const { rows } = await client.query(POST, [1])
          const { search_path: path } = (await client.query('SHOW search_path')).rows[0]
          expect(rows).toEqual([{ title: path === 'other' ? 'other' : 'title 1' }])
        })
      }
    })

    it.each([
      ['SET', ['SET search_path = other']],
      ['SET after a read', [POST.replace('$1', '1'), 'SET search_path = other']],
      ['SET SESSION in a transaction', ['BEGIN', 'SET search_path = other', 'COMMIT']],
      ['a DO block', [`DO $$ BEGIN SET search_path = other; END $$`]],
    ])('A5: what a holder has set on its connection is not what the next one shows: %s', async (_, texts) => {
      const app = await world.ready()
      await app.on(async (client) => {
        for (const text of texts) await client.query(text)
        for (let time = 0; time < 2; time++) {
          expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'other' }])
          // It is held, so the pool would open another.
          expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'title 1' }])
          await app.on(async (another) => {
            expect((await app.ask(POST, [1], another)).rows).toEqual([{ title: 'title 1' }])
          })
        }
        await client.query('RESET search_path')
        await app.ask(POST, [1], client)
      })
      await world.expectCached(app, POST, [1])
    })

    it('A5: and not what ready() takes for what a connection shows', async () => {
      const app = world.app()
      await app.on((client) => client.query('SET search_path = other'))
      await app.cacheops.ready()
      await app.on(async (client) => {
        await client.query('SELECT 1 AS one')
        for (let time = 0; time < 2; time++) expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'title 1' }])
      })
    })

    it('A5: what connect hooks set is what every connection shows', async () => {
      const app = world.app()
      app.pool.on('connect', (client) => void client.query('SET search_path = other'))
      await app.pool.query('SELECT 1')
      await app.ask(POST, [1])
      const held = await Promise.all(Array.from({ length: app.pool.options.max }, () => app.pool.connect()))
      expect(await app.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'other' }] })
      for (const client of held) client.release()
    })

    it('A5: temporary tables pass by for good', async () => {
      const app = await world.ready()
      const client = await world.client(app)
      await world.expectCached(app, POST, [1], client)
      await client.query(`CREATE TEMP TABLE posts AS SELECT 1 AS id, 'temporary' AS title`)
      for (let time = 0; time < 2; time++) {
        expect(await app.ask(POST, [1], client)).toMatchObject({ how: 'past', rows: [{ title: 'temporary' }] })
      }
      const hidden = await world.client(app)
      await hidden.query(`DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE posts AS SELECT 1 AS id, ''hidden'' AS title'; END $$`)
      for (let time = 0; time < 2; time++) {
        expect(await app.ask(POST, [1], hidden)).toMatchObject({ how: 'past', rows: [{ title: 'hidden' }] })
      }
      expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'title 1' }])
    })
  })

  describe('A6: row-level security and grants', () => {
    it('A6: a write to one asks for no rows that its role may not see', async () => {
      await world.plain.query(`
        DO $$ BEGIN CREATE ROLE cacheops_writer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA public TO cacheops_writer;
        GRANT INSERT, UPDATE, SELECT ON posts TO cacheops_writer;
        ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
        CREATE POLICY ins ON posts FOR INSERT TO cacheops_writer WITH CHECK (true);
        CREATE VIEW titles AS SELECT id, title FROM posts`)
      const app = await world.ready()
      await app.on(async (client) => {
        await client.query('SET ROLE cacheops_writer')
        await client.query(`INSERT INTO posts VALUES (50, 'fifty', 1)`)
        await client.query('RESET ROLE')
      })
      expect(await world.truth(POST, [50])).toEqual([{ title: 'fifty' }])
    })

    it('A6, A8: a role that may not SELECT writes as it may, and drops what it changed', async () => {
      await world.plain.query(`
        DO $$ BEGIN CREATE ROLE cacheops_blind LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA public TO cacheops_blind; GRANT INSERT, UPDATE (author), DELETE ON posts TO cacheops_blind;
        GRANT SELECT (id) ON posts TO cacheops_blind`)
      const app = await world.ready()
      const byAuthor = 'SELECT id FROM posts WHERE author = $1 ORDER BY id'
      const as = (text: string) =>
        app.on(async (client) => {
          await client.query('SET ROLE cacheops_blind')
          await client.query(text)
          await client.query('RESET ROLE')
        })
      await world.expectDropped([app], byAuthor, [1], () => as('UPDATE posts SET author = 1 WHERE id = 2'))
      await world.expectDropped([app], byAuthor, [1], () => as(`INSERT INTO posts VALUES (60, 'x', 1)`))
      await world.expectDropped([app], byAuthor, [1], () => as('DELETE FROM posts WHERE id = 60'))
    })

    it('A6: a REVOKE counts as a definition: what was cached is not served past it', async () => {
      await world.plain.query(`
        DO $$ BEGIN CREATE ROLE cacheops_revoked LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA public TO cacheops_revoked; GRANT SELECT ON posts TO cacheops_revoked`)
      const app = await world.ready()
      const client = await world.client(app)
      await client.query('SET ROLE cacheops_revoked')
      await world.expectCached(app, POST, [1], client)
      await app.pool.query('REVOKE SELECT ON posts FROM cacheops_revoked')
      await expect(client.query(POST, [1])).rejects.toMatchObject({ code: '42501' })
    })
  })
})
