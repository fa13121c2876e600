import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memory } from '../../src/index.js'
import { type StoreStep, WrappedStore } from '../support/wrapped-store.js'
import { until, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text);
  CREATE TABLE logs (id integer PRIMARY KEY, line text);
  INSERT INTO posts SELECT i, i % 3, 'title ' || i FROM generate_series(1, 5) i;
  INSERT INTO logs VALUES (1, 'one');`
const POST = 'SELECT title FROM posts WHERE id = $1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'

/** A store of which some steps fail. */
function failing(inner = memory()): { readonly store: WrappedStore; readonly fails: Set<StoreStep> } {
  const store = new WrappedStore(inner)
  const fails = new Set<StoreStep>()
  store.hook = (step, moment) => {
    if (moment === 'before' && fails.has(step)) throw new Error(`the store is out of order: ${step}`)
  }
  return { store, fails }
}
const ALL: readonly StoreStep[] = [
  'read',
  'write',
  'catalogStamp',
  'stands',
  'invalidate',
  'schemes',
  'block',
  'unblock',
]

describe('rules of the store', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('rules_store')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  describe('S5: registries cannot be lost alone', () => {
    it('S5: a scheme that another process registered after a table was dropped whole is walked by the next write', async () => {
      const [one, two] = [await world.ready(), await world.ready()]
      const byAuthor = 'SELECT count(*) FROM posts WHERE author = $1'
      await world.expectCached(one, POST, [1])
      await one.cacheops.invalidateModel('posts')
      await world.expectCached(two, byAuthor, [1])
      await world.expectCached(one, POST, [1])
      await two.pool.query('UPDATE posts SET author = 2, title = $1 WHERE id = 1', ['new'])
      expect((await one.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
      await world.expectRight(two, byAuthor, [1])
    })

    it('S5: what a store has forgotten is a miss', async () => {
      const app = await world.ready()
      await world.expectCached(app, POST, [1])
      world.store.close()
      await app.pool.query(SET, [1, 'new'])
      await world.expectCached(app, POST, [1])
    })
  })

  describe('S7: a store that fails', () => {
    it('S7: reads fall back to the database, and an event says so', async () => {
      const { store, fails } = failing()
      const app = await world.ready({ store })
      for (const step of ['read', 'write', 'stands'] as const) {
        fails.clear()
        await app.cacheops.invalidateAll()
        app.failures.length = 0
        fails.add(step)
        for (let time = 0; time < 2; time++) {
          const all = await Promise.all([app.pool.query(POST, [2]), app.pool.query(POST, [2])])
          for (const { rows } of all) expect(rows).toEqual([{ title: 'title 2' }])
        }
        if (step !== 'stands') expect(app.failures.map(({ what }) => what)).toContain('store')
      }
    })

    it('S7: a store where nothing works fails no read and no write', async () => {
      const { store, fails } = failing()
      const app = await world.ready({ store })
      for (const step of ALL) fails.add(step)
      expect((await app.pool.query(POST, [1])).rows).toEqual([{ title: 'title 1' }])
      await app.pool.query(SET, [1, 'new'])
      await app.pool.query('UPDATE posts SET author = 9 WHERE id = 1')
      await app.pool.query('INSERT INTO logs VALUES (2, $1); DELETE FROM logs WHERE id = 1'.replace('$1', `'two'`))
      await app.on(async (client) => {
        await client.query('BEGIN')
        await client.query(SET, [2, 'new'])
        await client.query('COMMIT')
      })
      expect(await world.truth('SELECT title, author FROM posts WHERE id < 3 ORDER BY id')).toEqual([
        { title: 'new', author: 9 },
        { title: 'new', author: 2 },
      ])
    })

    it('S7: an app that starts while the store is down reads and writes', async () => {
      const { store, fails } = failing()
      for (const step of ALL) fails.add(step)
      const app = world.app({ store })
      expect((await app.pool.query(POST, [1])).rows).toEqual([{ title: 'title 1' }])
      await app.pool.query(SET, [1, 'new'])
      expect((await app.pool.query(POST, [1])).rows).toEqual([{ title: 'new' }])
      fails.clear()
      await until('the changes are delivered', () =>
        app.cacheops.close().then(
          () => true,
          () => false,
        ),
      )
      await world.expectCached(app, POST, [1])
    })

    it('S7: an invalidation that could not be delivered is kept and retried; this process reads past meanwhile', async () => {
      const { store, fails } = failing()
      const [app, other] = [await world.ready({ store }), await world.ready({ store: store.inner })]
      await world.expectCached(other, POST, [1])
      await world.expectCached(app, POST, [1])
      fails.add('invalidate')
      await app.pool.query(SET, [1, 'new'])
      expect(app.failures.some(({ what, message }) => what === 'store' && /kept/.test(message))).toBe(true)
      await world.expectPast(app, POST, [1], undefined)
      expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
      await app.pool.query(SET, [1, 'newer'])
      await app.pool.query(SET, [2, 'second'])
      fails.clear()
      await until('the retry', async () => (await other.ask(POST, [1])).rows[0]?.title === 'newer')
      await world.expectCached(app, POST, [1])
      await world.expectCached(app, POST, [2])
    })

    it('S7: two retries at once lose nothing that came between', async () => {
      const { store, fails } = failing()
      const [app, other] = [await world.ready({ store }), await world.ready({ store: store.inner })]
      for (const id of [1, 2]) await world.expectCached(other, POST, [id])
      fails.add('invalidate')
      await app.pool.query(SET, [1, 'new'])
      // Two flushes hold the same changes; between them another write fails.
      const waiting: (() => void)[] = []
      fails.delete('invalidate')
      store.hook = (step, moment) => {
        if (step === 'invalidate' && moment === 'before') return new Promise((resolve) => waiting.push(resolve))
      }
      const flushes = [app.engine.delivery.flush(), app.engine.delivery.flush()]
      await until('a flush is under way', () => waiting.length > 0)
      waiting.shift()?.()
      await new Promise((resolve) => setTimeout(resolve, 20))
      const free = store.hook
      store.hook = (step, moment) => {
        if (step === 'invalidate' && moment === 'before') throw new Error('out of order')
      }
      await app.pool.query(SET, [2, 'new'])
      store.hook = free
      for (const go of waiting) go()
      store.hook = undefined
      await Promise.all(flushes)
      await until('all is delivered', async () => (await other.ask(POST, [2])).rows[0]?.title === 'new')
    })

    it('S7: degradeOnFailure: false throws an error that says that the write happened', async () => {
      const { store, fails } = failing()
      const app = await world.ready({ store, degradeOnFailure: false })
      fails.add('invalidate')
      await expect(app.pool.query(SET, [1, 'new'])).rejects.toMatchObject({
        code: 'CACHEOPS_UNDELIVERED',
        message: expect.stringMatching(/was carried out/),
      })
      expect(await world.truth(POST, [1])).toEqual([{ title: 'new' }])
      await app.on(async (client) => {
        await client.query('BEGIN')
        await client.query(SET, [2, 'new'])
        await expect(client.query('COMMIT')).rejects.toMatchObject({ code: 'CACHEOPS_UNDELIVERED' })
      })
      expect(await world.truth(POST, [2])).toEqual([{ title: 'new' }])
      // What the database says comes first.
      await expect(app.pool.query(`INSERT INTO posts VALUES (1)`)).rejects.toMatchObject({ code: '23505' })
      const broken = failing()
      const reader = await world.ready({ store: broken.store, degradeOnFailure: false })
      broken.fails.add('read')
      await expect(reader.pool.query(POST, [1])).rejects.toThrow(/out of order/)
    })

    it('S7: close() delivers what is kept, and says what it could not', async () => {
      const { store, fails } = failing()
      const app = await world.ready({ store })
      fails.add('invalidate')
      await app.pool.query(SET, [1, 'new'])
      await expect(app.cacheops.close()).rejects.toMatchObject({ code: 'CACHEOPS_CONFIG' })
      fails.clear()
      await app.cacheops.close()
    })
  })
})
