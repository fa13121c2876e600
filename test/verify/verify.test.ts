import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCacheops, memory } from '../../src/index.js'
import { type App, World } from '../soundness/world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, views integer DEFAULT 0);
  INSERT INTO posts (id, author, title) SELECT i, i % 3, 'title ' || i FROM generate_series(1, 6) i;`
const POST = 'SELECT id, title FROM posts WHERE id = $1'
const BY_AUTHOR = 'SELECT id, title FROM posts WHERE author = $1'

type Verified = Awaited<ReturnType<App['cacheops']['stats']>>['verified']

describe('verify: hits are run again', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('verify')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  /** The counts, once so many hits were looked at. */
  async function verified(app: App, count: number): Promise<Verified> {
    return vi.waitFor(
      async () => {
        const { verified: counts } = await app.cacheops.stats()
        expect(counts.equal + counts.different + counts.skipped).toBe(count)
        return counts
      },
      { timeout: 20_000 },
    )
  }

  function differences(app: App) {
    const events: Parameters<Parameters<typeof app.cacheops.on<'difference'>>[1]>[0][] = []
    app.cacheops.on('difference', (event) => void events.push(event))
    return events
  }

  it('says nothing of a hit that is right', async () => {
    const app = await world.ready({ verify: 1 })
    const events = differences(app)
    await world.expectCached(app, POST, [1])
    expect(await verified(app, 1)).toEqual({ equal: 1, different: 0, skipped: 0 })
    expect(events).toEqual([])
  })

  it('tells of a write that went past cacheops, with the story of the entry', async () => {
    const app = await world.ready({ verify: 1 })
    const events = differences(app)
    const before = new Date()
    await app.ask(BY_AUTHOR, [1])
    await app.pool.query('UPDATE posts SET title = $1 WHERE id = 2', ['of another author'])
    await world.plain.query(`UPDATE posts SET title = 'from outside' WHERE id = 4`)
    expect((await app.ask(BY_AUTHOR, [1])).how).toBe('hit')
    expect(await verified(app, 1)).toEqual({ equal: 0, different: 1, skipped: 0 })
    const [event] = events
    expect(event).toMatchObject({
      sql: BY_AUTHOR,
      params: ['1'],
      tables: ['public.posts'],
      difference: 'rows',
      dependencies: [{ table: 'public.posts', conj: { author: '1' } }],
      onlyCached: [['4', 'title 4']],
      onlyDatabase: [['4', 'from outside']],
    })
    expect(event?.stored?.getTime()).toBeGreaterThanOrEqual(before.getTime())
    expect(event?.writes.map(({ cause }) => cause)).toEqual(['UPDATE posts SET title = $1 WHERE id = 2'])
  })

  it('a write through cacheops is no difference, whenever it comes', async () => {
    const app = await world.ready({ verify: 1 })
    const events = differences(app)
    for (let round = 0; round < 20; round++) {
      await app.ask(POST, [1])
      const hit = app.ask(POST, [1])
      const write = app.pool.query('UPDATE posts SET title = $1 WHERE id = 1', [`round ${round}`])
      await Promise.all([hit, write])
    }
    await vi.waitFor(
      async () => {
        const { hits, verified: counts } = await app.cacheops.stats()
        expect(counts.equal + counts.skipped).toBe(hits)
        expect(hits).toBeGreaterThan(0)
      },
      { timeout: 20_000 },
    )
    expect(events).toEqual([])
  })

  it('rows in another order are a difference only where an order was asked for', async () => {
    const app = await world.ready({ verify: 1 })
    const events = differences(app)
    const ordered = 'SELECT author FROM posts WHERE id IN (1, 2) ORDER BY title'
    for (const text of ['SELECT author FROM posts WHERE id IN (1, 2)', ordered]) await app.ask(text)
    await world.plain.query(`UPDATE posts SET title = 'zzz' WHERE id = 1`)
    for (const text of ['SELECT author FROM posts WHERE id IN (1, 2)', ordered]) {
      expect((await app.ask(text)).how).toBe('hit')
    }
    expect(await verified(app, 2)).toEqual({ equal: 1, different: 1, skipped: 0 })
    expect(events.map(({ sql, difference }) => [sql, difference])).toEqual([[ordered, 'order']])
  })

  it('a hit under settings of its own is not compared with what other settings say', async () => {
    const app = await world.ready({ verify: 1, pool: { max: 2 } })
    const events = differences(app)
    const when = `SELECT id, '2026-01-01 00:00:00+00'::timestamptz::text AS at FROM posts WHERE id = $1`
    await app.on(async (client) => {
      await client.query(`SET TimeZone = 'Asia/Tokyo'`)
      await app.ask(when, [1], client)
      await app.ask(when, [1], client)
      // The pool gives another connection while this one is held.
      expect((await app.cacheops.stats()).hits).toBe(1)
      expect(await verified(app, 1)).toEqual({ equal: 0, different: 0, skipped: 1 })
      await client.query('RESET TimeZone')
    })
    expect(events).toEqual([])
  })

  it('runs the share that was asked for', async () => {
    const app = await world.ready({ verify: 0 })
    await world.expectCached(app, POST, [1])
    await world.plain.query(`UPDATE posts SET title = 'from outside' WHERE id = 1`)
    expect((await app.ask(POST, [1])).how).toBe('hit')
    expect((await app.cacheops.stats()).verified).toEqual({ equal: 0, different: 0, skipped: 0 })
  })

  it.each([-0.1, 1.1, Number.NaN, '0.01'])('verify: %s is refused', (verify) => {
    expect(() => createCacheops({ store: memory(), verify: verify as number })).toThrow(
      /verify: expected the share of hits to run again, a number from 0 to 1 such as 0\.01, got/,
    )
  })
})
