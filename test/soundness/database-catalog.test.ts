import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stopAt, until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text, author integer);
  CREATE TABLE audit (id serial PRIMARY KEY, post integer);
  INSERT INTO posts SELECT i, 'title ' || i, i % 3 FROM generate_series(1, 5) i;
  DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other;
  CREATE TABLE other.posts (id integer PRIMARY KEY, title text, author integer);
  INSERT INTO other.posts VALUES (1, 'other', 1);`
const POST = 'SELECT title FROM posts WHERE id = $1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'
const AUDIT = 'SELECT count(*)::int AS n FROM audit'
const AUDITED = `
  CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (post) VALUES (NEW.id); RETURN NEW; END $$;
  CREATE TRIGGER audited AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION audited()`

describe('what the database does behind the text: definitions', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('database_catalog')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  it("A7: definitions that another process changed count in this one's reads and writes", async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    await world.expectCached(app, 'SELECT * FROM posts WHERE id = 1')
    await world.expectCached(other, AUDIT)
    await other.pool.query('ALTER TABLE posts ADD COLUMN extra text')
    await world.expectRight(app, 'SELECT * FROM posts WHERE id = 1')
    for (const text of AUDITED.split(/(?<=\$\$;)/)) await other.pool.query(text)
    await world.expectCached(other, AUDIT)
    await app.pool.query(SET, [1, 'new'])
    await world.expectRight(other, AUDIT)
  })

  it('A7: so do those that several statements, a query object and a cursor meet', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    const client = await world.client(app)
    await client.query('SELECT 1')
    const writes = [
      () => client.query(`SELECT 1; UPDATE posts SET title = 'a' WHERE id = 1`),
      () =>
        new Promise((end) =>
          client.query(new app.pg.Query(`UPDATE posts SET title = 'b' WHERE id = 1`)).on('end', end),
        ),
    ]
    for (const write of writes) {
      await world.expectCached(app, POST, [1])
      await other.pool.query(AUDITED)
      await world.expectDropped([other], AUDIT, [], write)
      await other.pool.query('DROP FUNCTION audited CASCADE')
    }
  })

  it('A7: a trigger that is made between the plan of a write and its run is not missed', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    await app.pool.query(SET, [1, 'warm'])
    const stop = stopAt(app, 'before-database', (what) => what.startsWith('UPDATE'))
    const write = app.pool.query(SET, [1, 'new'])
    await stop.reached
    await other.pool.query(AUDITED)
    await world.expectCached(other, AUDIT)
    stop.go()
    await write
    expect(await world.truth(AUDIT)).toEqual([{ n: 1 }])
    await world.expectRight(other, AUDIT)
  })

  it('A7: neither is one that is made while a transaction that wrote is open', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE audit SET post = 0`)
      const stop = stopAt(app, 'before-database', (what) => what.startsWith('UPDATE posts'))
      const write = client.query(SET, [1, 'new'])
      await stop.reached
      await other.pool.query(AUDITED)
      stop.go()
      await write
      await world.expectCached(other, AUDIT)
      await client.query('COMMIT')
    })
    expect(await world.truth(AUDIT)).toEqual([{ n: 1 }])
    await world.expectRight(other, AUDIT)
  })

  it('A7: a function may change definitions; what it changed counts', async () => {
    await world.plain.query(`CREATE FUNCTION migrate() RETURNS void LANGUAGE plpgsql AS $migrate$
      BEGIN EXECUTE $x$ ${AUDITED} $x$; END $migrate$`)
    const [app, other] = [await world.ready(), await world.ready()]
    await world.expectCached(app, POST, [1])
    await other.pool.query('SELECT migrate()')
    await world.expectDropped([other], AUDIT, [], () => app.pool.query(SET, [1, 'new']))
  })

  it('A7: a function that another process has made a writer is one', async () => {
    await world.plain.query('CREATE FUNCTION grown() RETURNS integer VOLATILE LANGUAGE sql AS $$ SELECT 1 $$')
    const [app, other] = [await world.ready(), await world.ready()]
    await app.pool.query('SELECT grown()')
    await other.pool.query(`CREATE OR REPLACE FUNCTION grown() RETURNS integer VOLATILE LANGUAGE sql AS
      $$ INSERT INTO audit (post) VALUES (1) RETURNING id $$`)
    await world.expectDropped([other], AUDIT, [], () => app.pool.query('SELECT grown()'))
  })

  it('A7: a catalog that a transaction read is not taken for everybody’s where its snapshot is old', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    const client = await world.client(app)
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await client.query('SELECT count(*) FROM posts')
    await other.pool.query(AUDITED)
    // Its catalog is older now than the one in the store, and so is all that it sees.
    await app.cacheops.invalidateModel('audit')
    app.engine.forgetCatalog([...app.engine.databases][0]?.id as string)
    await client.query('SELECT count(*) FROM audit')
    await client.query('UPDATE audit SET post = 1 WHERE id = 0')
    await client.query('ROLLBACK')
    await world.expectDropped([other], AUDIT, [], () => app.pool.query(SET, [1, 'new']))
  })

  it('A7: definitions that are rolled back, or not yet committed, are nobody else’s', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    const client = await world.client(app)
    await client.query('BEGIN')
    await client.query('CREATE TABLE fresh (id integer)')
    await world.expectPast(app, 'SELECT count(*) FROM fresh', [], undefined, client)
    await client.query('ROLLBACK')
    await expect(app.pool.query('SELECT count(*) FROM fresh')).rejects.toMatchObject({ code: '42P01' })
    await client.query('BEGIN; ALTER TABLE posts ADD COLUMN extra integer')
    await client.query('SELECT * FROM posts WHERE id = 1')
    await world.plain.query('SELECT 1')
    await client.query('COMMIT')
    await world.expectRight(other, 'SELECT * FROM posts WHERE id = 1')
    await world.expectRight(app, 'SELECT * FROM posts WHERE id = 1')
  })

  it('A7: what is changed behind our back shows in the fields of results, and is not stored', async () => {
    const app = await world.ready()
    await world.expectCached(app, 'SELECT * FROM posts WHERE id = 1')
    await world.plain.query('ALTER TABLE posts ALTER COLUMN author TYPE text')
    expect((await app.ask('SELECT * FROM posts WHERE id = 2')).how).toBe('miss')
    expect(app.failures.map(({ what }) => what)).toContain('catalog')
    await world.expectCached(app, 'SELECT * FROM posts WHERE id = 2')
    // Under the catalog of before the values would have been compared as integers.
    await world.expectDropped([app], 'SELECT count(*)::int FROM posts WHERE author = $1', ['1'], () =>
      app.pool.query(`UPDATE posts SET author = '1' WHERE id = 2`),
    )
    await world.plain.query('ALTER TABLE posts DROP COLUMN author')
    await world.expectRight(app, 'SELECT * FROM posts WHERE id = 3')
    await until('it is cached again', async () => (await app.ask('SELECT * FROM posts WHERE id = 3')).how === 'hit')
  })

  it('A7: a statement whose table was swapped by DDL is read anew', async () => {
    const [app, other] = [await world.ready(), await world.ready()]
    await world.expectCached(app, POST, [1])
    await other.pool.query(`DROP TABLE posts; ALTER TABLE other.posts SET SCHEMA public`)
    for (let time = 0; time < 2; time++) expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'other' }])
  })
})
