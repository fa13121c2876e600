import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE docs (id integer PRIMARY KEY, owner name, org integer, title text);
  CREATE TABLE members (org integer, who name, level integer);
  CREATE TABLE levels (level integer, reads boolean);
  INSERT INTO docs VALUES (1, 'cacheops_ann', 1, 'of ann'), (2, 'cacheops_bob', 1, 'of bob'), (3, 'cacheops_ann', 2, 'other');
  INSERT INTO members VALUES (1, 'cacheops_ann', 1), (2, 'cacheops_bob', 2);
  INSERT INTO levels VALUES (1, true), (2, false);
  ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
  GRANT USAGE ON SCHEMA public TO cacheops_ann, cacheops_bob, cacheops_group;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO cacheops_ann, cacheops_bob, cacheops_group;
`
const ROLES = ['cacheops_ann', 'cacheops_bob', 'cacheops_group']
const TITLES = 'SELECT title FROM docs ORDER BY id'

describe('relations: row-level security', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('relations_policies')
    for (const role of ROLES) {
      await world.plain.query(
        `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
      )
    }
  })
  afterAll(() => world.end())

  /** Sets the scene: policies, then apps that know them. */
  async function scene(ddl: string): Promise<void> {
    await world.plain.query(ddl)
    app = await world.ready()
    other = await world.ready()
  }
  beforeEach(() => world.reset(SCHEMA))

  async function as(role: string, settings: Readonly<Record<string, string>> = {}): Promise<pg.Client> {
    const client = await world.client(app)
    await client.query(`SET ROLE ${role}`)
    for (const [name, value] of Object.entries(settings)) await client.query(`SET "${name}" = '${value}'`)
    return client
  }

  /** What the client's role sees, past the cache. */
  async function truth(client: pg.Client, text: string): Promise<readonly unknown[]> {
    const plain = await world.plain.connect()
    try {
      const { role } = (await client.query('SELECT current_user AS role')).rows[0]
      const tenant = (await client.query(`SELECT current_setting('app.tenant', true) AS tenant`)).rows[0].tenant
      await plain.query('BEGIN')
      await plain.query(`SET LOCAL ROLE ${role}`)
      if (tenant) await plain.query(`SELECT set_config('app.tenant', $1, true)`, [tenant])
      return (await plain.query(text)).rows
    } finally {
      await plain.query('ROLLBACK')
      plain.release()
    }
  }

  async function expectCached(client: pg.Client, text: string): Promise<void> {
    await app.ask(text, [], client)
    const again = await app.ask(text, [], client)
    expect([again.how, again.reason, again.rows]).toEqual(['hit', undefined, await truth(client, text)])
  }

  async function expectDropped(clients: readonly pg.Client[], text: string, write: string): Promise<void> {
    for (const client of clients) await expectCached(client, text)
    const before = await Promise.all(clients.map((client) => truth(client, text)))
    await other.pool.query(write)
    const after = await Promise.all(clients.map((client) => truth(client, text)))
    expect(after, 'the write changes an answer').not.toEqual(before)
    for (const [index, client] of clients.entries())
      expect((await app.ask(text, [], client)).rows).toEqual(after[index])
  }

  it('A6: each role has rows of its own, and a row that changes hands is dropped', async () => {
    await scene('CREATE POLICY own ON docs USING (owner = current_user)')
    const [ann, bob] = [await as('cacheops_ann'), await as('cacheops_bob')]
    await expectCached(ann, TITLES)
    await expectCached(bob, TITLES)
    await world.expectCached(app, TITLES)
    expect((await app.ask(TITLES, [], ann)).rows).toEqual([{ title: 'of ann' }, { title: 'other' }])
    // `owner` is a column that the query itself does not read.
    await expectDropped([ann, bob], TITLES, `UPDATE docs SET owner = 'cacheops_bob' WHERE id = 1`)
    await expectDropped(
      [ann, bob],
      'SELECT count(*)::int AS n FROM docs',
      `INSERT INTO docs VALUES (9, 'cacheops_ann', 1, 'new')`,
    )
    await expectDropped([bob], 'SELECT title FROM docs WHERE id = 2', 'DELETE FROM docs WHERE id = 2')
  })

  it.each([
    ['the table that a policy reads', `DELETE FROM members WHERE who = 'cacheops_ann'`],
    ['a new row of it', `INSERT INTO members VALUES (1, 'cacheops_bob', 1)`],
    ['what that joins', 'UPDATE levels SET reads = NOT reads'],
    ['the row that it is compared with', 'UPDATE docs SET org = 3 - org'],
  ])('A6: %s drops what reads the table under it', async (_, write) => {
    await scene(
      `CREATE POLICY seen ON docs FOR SELECT USING (org IN (SELECT m.org FROM members m JOIN levels l USING (level)
      WHERE m.who = current_user AND l.reads))`.replace('USING (level)', 'ON l.level = m.level'),
    )
    const clients = [await as('cacheops_ann'), await as('cacheops_bob')]
    await expectDropped(clients, 'SELECT d.title FROM docs d WHERE d.id < 9 ORDER BY d.id', write)
  })

  it('A6: policies that read tables under policies', async () => {
    await scene(`CREATE POLICY seen ON docs USING (EXISTS (SELECT 1 FROM members WHERE members.org = docs.org));
      ALTER TABLE members ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON members USING (who = current_user AND level IN (SELECT level FROM levels WHERE reads))`)
    const clients = [await as('cacheops_ann'), await as('cacheops_bob')]
    await expectDropped(clients, TITLES, 'UPDATE levels SET reads = NOT reads')
    await expectDropped(clients, TITLES, `UPDATE members SET who = 'cacheops_ann'`)
  })

  it('A6: policies that come round to their own table, through a view of another owner', async () => {
    await scene(`CREATE VIEW orgs AS SELECT org FROM members; ALTER VIEW orgs OWNER TO cacheops_bob;
      GRANT SELECT ON orgs TO cacheops_ann;
      CREATE POLICY seen ON docs TO cacheops_ann USING (EXISTS (SELECT 1 FROM orgs WHERE orgs.org = docs.org));
      ALTER TABLE members ENABLE ROW LEVEL SECURITY;
      CREATE POLICY via ON members TO cacheops_ann USING (EXISTS (SELECT 1 FROM docs d WHERE d.id = 3));
      CREATE POLICY raised ON members TO cacheops_bob USING (level > 0)`)
    const ann = await as('cacheops_ann')
    await expectDropped([ann], 'SELECT who FROM members WHERE org = 1', 'UPDATE members SET level = 0 WHERE org = 2')
  })

  it.each([
    ['changed', `ALTER POLICY own ON docs USING (owner <> current_user)`],
    ['added', `CREATE POLICY more ON docs USING (true)`],
    ['that only takes away', `CREATE POLICY less ON docs AS RESTRICTIVE USING (id > 1)`],
    ['for others', `ALTER POLICY own ON docs TO cacheops_group`],
    ['dropped', 'DROP POLICY own ON docs'],
    ['disabled with all others', 'ALTER TABLE docs DISABLE ROW LEVEL SECURITY'],
  ])('A6: a policy that is %s', async (_, ddl) => {
    await scene('CREATE POLICY own ON docs USING (owner = current_user)')
    await expectDropped([await as('cacheops_ann'), await as('cacheops_bob')], TITLES, ddl)
  })

  it('A6: whoever joins a role sees what it sees', async () => {
    await scene('CREATE POLICY grouped ON docs TO cacheops_group USING (true)')
    await world.plain.query('REVOKE cacheops_group FROM cacheops_ann')
    const ann = await as('cacheops_ann')
    await expectDropped([ann], TITLES, 'GRANT cacheops_group TO cacheops_ann')
    await expectDropped([ann], TITLES, 'REVOKE cacheops_group FROM cacheops_ann')
  })

  it('A6: FORCE, and an owner without it', async () => {
    await scene(`CREATE POLICY own ON docs USING (owner = current_user); ALTER TABLE docs OWNER TO cacheops_ann`)
    const ann = await as('cacheops_ann')
    await expectDropped([ann], TITLES, 'ALTER TABLE docs FORCE ROW LEVEL SECURITY')
    await expectDropped([ann], TITLES, `UPDATE docs SET owner = 'cacheops_bob' WHERE id = 1`)
  })

  it('A6, A10: under a view the rows are those of its owner, or of who asks', async () => {
    await scene(`CREATE POLICY own ON docs USING (owner = current_user);
      CREATE VIEW of_owner AS SELECT id, title FROM docs; ALTER VIEW of_owner OWNER TO cacheops_bob;
      CREATE VIEW of_asker WITH (security_invoker = true) AS SELECT id, title FROM docs;
      GRANT SELECT ON of_owner, of_asker TO cacheops_ann, cacheops_bob`)
    const clients = [await as('cacheops_ann'), await as('cacheops_bob')]
    for (const view of ['of_owner', 'of_asker']) {
      const read = `SELECT title FROM ${view} ORDER BY id`
      await expectDropped(
        clients,
        read,
        `UPDATE docs SET owner = CASE owner WHEN 'cacheops_ann' THEN 'cacheops_bob' ELSE 'cacheops_ann' END::name`,
      )
    }
  })

  it.each([
    ['a function of the user', 'allowed(id)', /function public\.allowed\(\)/],
    ['the clock', `now() > '2020-01-01'`, /now\(\) gives another answer/],
    ['a role that is looked up', `pg_has_role(current_user, 'cacheops_group', 'member')`, /function pg_has_role\(\)/],
    ['an operator of the user', 'id ### 1', /operator public\.###/],
  ])('A6, A10: a policy with %s passes by', async (_, using, reason) => {
    await scene(`CREATE FUNCTION allowed(integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 0 FROM public.levels WHERE reads AND level = $1';
      CREATE FUNCTION more(integer, integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 0 FROM public.levels WHERE reads';
      CREATE OPERATOR ### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = more);
      CREATE POLICY odd ON docs USING (${using})`)
    const ann = await as('cacheops_ann')
    for (let time = 0; time < 2; time++) {
      expect(await app.ask(TITLES, [], ann)).toMatchObject({ how: 'past', reason: expect.stringMatching(reason) })
    }
  })

  const TENANT = `CREATE POLICY tenant ON docs USING (org = nullif(current_setting('app.tenant', true), '')::integer)`

  it('A6, S8: a policy by a setting: each tenant has rows of its own', async () => {
    await scene(TENANT)
    const [one, two] = [
      await as('cacheops_ann', { 'app.tenant': '1' }),
      await as('cacheops_ann', { 'app.tenant': '2' }),
    ]
    await expectDropped([one, two], TITLES, `UPDATE docs SET title = title || '!'`)
    await expectDropped([one, two], TITLES, 'UPDATE docs SET org = 3 - org')
    // The same connection for another, as a pool's are.
    for (const tenant of ['2', '1', '', '7']) {
      await one.query(`SELECT set_config('app.tenant', $1, false)`, [tenant])
      await expectCached(one, TITLES)
    }
    await one.query('RESET app.tenant')
    await expectCached(one, TITLES)
  })

  it('A6, S8: a setting of the transaction ends with it', async () => {
    await scene(TENANT)
    const client = await as('cacheops_ann')
    const seen: unknown[] = []
    for (const tenant of ['1', '2', '1']) {
      for (const begin of [
        `SET LOCAL app.tenant = '${tenant}'`,
        `SELECT set_config('app.tenant', '${tenant}', true)`,
      ]) {
        await client.query('BEGIN')
        await client.query(begin)
        const inside = await app.ask(TITLES, [], client)
        await client.query('SAVEPOINT s')
        await client.query(`SET LOCAL app.tenant = '9'`)
        expect((await app.ask(TITLES, [], client)).rows).toEqual([])
        await client.query('ROLLBACK TO s')
        expect((await app.ask(TITLES, [], client)).rows).toEqual(inside.rows)
        await client.query('COMMIT')
        expect((await app.ask(TITLES, [], client)).rows).toEqual([])
        seen.push([tenant, inside.rows.length, inside.how])
      }
    }
    expect(seen).toEqual([
      ['1', 2, 'miss'],
      ['1', 2, 'hit'],
      ['2', 1, 'miss'],
      ['2', 1, 'hit'],
      ['1', 2, 'hit'],
      ['1', 2, 'hit'],
    ])
  })

  it('A6, S8: a setting that the connections of a pool begin with', async () => {
    await scene(TENANT)
    const seen = []
    for (const tenant of [1, 2]) {
      const pool = { options: `-c app.tenant=${tenant} -c role=cacheops_ann` }
      // Its first connection reads the catalog, and with it what to ask of the session.
      const one = world.app({ pool })
      for (let time = 0; time < 2; time++) {
        const { how, rows } = await one.ask(TITLES)
        seen.push([tenant, how, rows.length])
      }
    }
    expect(seen).toEqual([
      [1, 'miss', 2],
      [1, 'hit', 2],
      [2, 'miss', 1],
      [2, 'hit', 1],
    ])
  })

  it('A7, S8: a policy that begins to read a setting', async () => {
    await scene('CREATE POLICY tenant ON docs USING (true)')
    const [one, two] = [
      await as('cacheops_ann', { 'app.tenant': '1' }),
      await as('cacheops_ann', { 'app.tenant': '2' }),
    ]
    await expectDropped(
      [one, two],
      TITLES,
      `ALTER POLICY tenant ON docs USING (org = current_setting('app.tenant')::integer)`,
    )
    await expectCached(one, TITLES)
    await expectCached(two, TITLES)
  })

  it('A6, A10: a policy by functions that are only expressions, as claims of a token are', async () => {
    await scene(`CREATE SCHEMA IF NOT EXISTS auth; GRANT USAGE ON SCHEMA auth TO PUBLIC;
      CREATE OR REPLACE FUNCTION auth.claims() RETURNS jsonb STABLE LANGUAGE sql AS
        $$ SELECT nullif(current_setting('app.tenant', true), '')::jsonb $$;
      CREATE OR REPLACE FUNCTION auth.uid() RETURNS text STABLE LANGUAGE sql AS $$ SELECT auth.claims() ->> 'sub' $$;
      CREATE OR REPLACE FUNCTION auth.level() RETURNS integer STABLE LANGUAGE sql AS 'SELECT max(level) FROM public.levels';
      CREATE OR REPLACE FUNCTION auth.later() RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT now() > '2020-01-01' $$;
      CREATE POLICY own ON docs USING (owner = auth.uid())`)
    const claims = (sub: string) => ({ 'app.tenant': JSON.stringify({ sub }) })
    const clients = [
      await as('cacheops_group', claims('cacheops_ann')),
      await as('cacheops_group', claims('cacheops_bob')),
    ]
    await expectDropped(clients, TITLES, `UPDATE docs SET owner = 'cacheops_bob' WHERE id = 1`)
    for (const using of ['auth.level() = 2', 'auth.later()']) {
      await other.pool.query(`ALTER POLICY own ON docs USING (${using})`)
      expect(await app.ask(TITLES, [], clients[0])).toMatchObject({
        how: 'past',
        reason: expect.stringMatching(/is not known to be pure|now\(\)/),
      })
    }
    await other.pool.query(`CREATE OR REPLACE FUNCTION auth.uid() RETURNS text STABLE LANGUAGE sql AS $$ SELECT 'cacheops_ann' $$;
      ALTER POLICY own ON docs USING (owner = auth.uid())`)
    // What passes by finds out about new definitions after it.
    await app.ask(TITLES, [], clients[1])
    await expectCached(clients[1] as pg.Client, TITLES)
  })

  it('S8: CURRENT_USER in a query is of the session', async () => {
    await scene('ALTER TABLE docs DISABLE ROW LEVEL SECURITY')
    const text = 'SELECT id, CURRENT_USER AS me, SESSION_USER AS you FROM docs WHERE owner = CURRENT_USER ORDER BY id'
    for (const role of ROLES) await expectCached(await as(role), text)
    const client = await as('cacheops_ann')
    await client.query('SET ROLE cacheops_bob')
    expect((await app.ask(text, [], client)).rows).toMatchObject([{ id: 2, me: 'cacheops_bob' }])
  })
})
