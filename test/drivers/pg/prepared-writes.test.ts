import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type App, World } from '../../soundness/world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, kind varchar(10), views integer DEFAULT 0);
  INSERT INTO posts (id, author, kind) SELECT i, i % 3, 'kind ' || i % 2 FROM generate_series(1, 9) i;`
const BY_AUTHOR = 'SELECT id, views FROM posts WHERE author = $1 ORDER BY id'
const BY_KIND = 'SELECT id, views FROM posts WHERE kind = $1 ORDER BY id'
const UPDATE = 'UPDATE posts SET views = views + 1 WHERE id = $1'

let world: World
beforeAll(async () => {
  world = await World.open('prepared_writes')
})
beforeEach(() => world.reset(SCHEMA))
afterAll(() => world.end())

/** An app with one connection, on which the update was run often enough to have a name. */
async function prepared(): Promise<App> {
  const app = await world.ready({ pool: { max: 1 } })
  await app.ask(BY_AUTHOR, [1])
  await app.ask(BY_KIND, ['kind 1'])
  for (let run = 0; run < 5; run++) await app.pool.query(UPDATE, [1])
  expect(await names(app)).toHaveLength(1)
  return app
}

async function names(app: App): Promise<readonly unknown[]> {
  const text = `SELECT name FROM pg_prepared_statements WHERE name LIKE 'cacheops\\_%'`
  return (await app.pool.query(text)).rows
}

async function updatesRight(app: App): Promise<void> {
  await world.expectCached(app, BY_AUTHOR, [1])
  await world.expectCached(app, BY_KIND, ['kind 0'])
  const { rowCount, rows } = await app.pool.query(UPDATE, [4])
  expect([rowCount, rows]).toEqual([1, []])
  await world.expectRight(app, BY_AUTHOR, [1])
  await world.expectRight(app, BY_KIND, ['kind 0'])
  // A row that neither of them holds leaves them where they are.
  await app.pool.query(UPDATE, [3])
  expect((await app.ask(BY_AUTHOR, [1])).how).toBe('hit')
}

it('a write by key that runs often is prepared, and drops what it did before', async () => {
  await updatesRight(await prepared())
})

it('names that were deallocated are done without', async () => {
  const app = await prepared()
  await app.pool.query('DEALLOCATE ALL')
  await updatesRight(app)
  expect(await names(app)).toEqual([])
})

it('definitions that change under the plan, past cacheops, fail no write', async () => {
  const app = await prepared()
  await world.plain.query('ALTER TABLE posts ALTER COLUMN kind TYPE text')
  await updatesRight(app)
})

it('a column that is dropped past cacheops fails no write', async () => {
  const app = await prepared()
  await world.plain.query('ALTER TABLE posts DROP COLUMN kind')
  await world.expectCached(app, BY_AUTHOR, [1])
  expect((await app.pool.query(UPDATE, [4])).rowCount).toBe(1)
  await world.expectRight(app, BY_AUTHOR, [1])
})

it('another search path means another table', async () => {
  await world.plain.query(
    'DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other; CREATE TABLE other.posts AS TABLE public.posts',
  )
  const app = await prepared()
  await app.pool.query('SET search_path = other, public')
  expect((await app.pool.query(UPDATE, [4])).rowCount).toBe(1)
  await app.pool.query('RESET search_path')
  expect(await world.truth('SELECT views FROM other.posts WHERE id = 4')).toEqual([{ views: 1 }])
  await updatesRight(app)
})

it('what runs in a transaction, or not by key, or once, has no name', async () => {
  const app = await world.ready({ pool: { max: 1 } })
  await app.ask(BY_AUTHOR, [1])
  await app.on(async (client) => {
    for (let run = 0; run < 6; run++) {
      await client.query('BEGIN')
      await client.query(UPDATE, [1])
      await client.query('COMMIT')
    }
  })
  for (let run = 0; run < 6; run++) await app.pool.query('UPDATE posts SET views = views + 1 WHERE author = $1', [2])
  for (let run = 0; run < 100; run++) await app.pool.query(`UPDATE posts SET views = ${run} WHERE id = $1`, [1])
  expect(await names(app)).toEqual([])
  await world.expectRight(app, BY_AUTHOR, [1])
})
