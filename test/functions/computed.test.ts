import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memory } from '../../src/index.js'
import { type App, World } from '../soundness/world.js'
import { gate, TABLES, told } from './support.js'

let world: World
beforeAll(async () => {
  world = await World.open('computed')
})
afterAll(() => world.end())

let app: App
let events: string[]
let runs: number

async function start(options: Parameters<World['ready']>[0] = {}): Promise<void> {
  app = await world.ready(options)
  events = told(app)
}
beforeEach(async () => {
  await world.reset(TABLES)
  runs = 0
  await start()
})

const titles = async (author: number, on: { query: App['pool']['query'] } = app.pool): Promise<string[]> => {
  const { rows } = await on.query('SELECT title FROM posts WHERE author_id = $1 ORDER BY id', [author])
  return rows.map(({ title }) => title as string)
}

describe('computed', () => {
  it('keeps a result until something that its queries read changes, and no longer', async () => {
    const page = app.cacheops.computed('page', async (author: number) => {
      runs++
      const { rows } = await app.pool.query('SELECT name FROM authors WHERE id = $1', [author])
      return { name: rows[0]?.name as string, titles: await titles(author) }
    })
    const ada = { name: 'Ada', titles: ['Notes', 'Drafts'] }
    expect(await page(1)).toEqual(ada)
    const again = await page(1)
    expect(again).toEqual(ada)
    again.titles.push('mine')
    expect(await page(1)).toEqual(ada)
    expect(runs).toBe(1)

    await app.pool.query(`INSERT INTO posts VALUES (4, 2, 'Nanoseconds')`)
    await app.pool.query('UPDATE posts SET views = views + 1')
    await app.pool.query(`UPDATE notes SET line = 'x'`)
    await page(1)
    expect(runs).toBe(1)

    await app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)
    expect((await page(1)).titles).toEqual(['Notes', 'Finished'])
    await app.pool.query(`UPDATE authors SET name = 'Lovelace' WHERE id = 1`)
    expect((await page(1)).name).toBe('Lovelace')
    expect(runs).toBe(3)
    expect(events).toEqual(['page miss', 'page hit', 'page hit', 'page hit', 'page miss', 'page miss'])
    expect((await app.cacheops.stats()).functions).toEqual({ hits: 3, misses: 3 })
  })

  it('A21: what came from the cache inside hands on the stamps under which it was verified', async () => {
    const inner = app.cacheops.computed('inner', (author: number) => titles(author))
    const outer = app.cacheops.computed('outer', async (author: number) => {
      runs++
      return { titles: await inner(author), list: await titles(author) }
    })
    await titles(1)
    await inner(1)
    expect((await outer(1)).titles).toEqual(['Notes', 'Drafts'])
    await outer(1)
    expect(events).toEqual(['inner miss', 'inner hit', 'outer miss', 'outer hit'])
    await app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)
    const fresh = ['Notes', 'Finished']
    expect(await outer(1)).toEqual({ titles: fresh, list: fresh })
    await inner.invalidate(1)
    expect(runs).toBe(2)
    await outer(1)
    expect(runs).toBe(3)
  })

  it('A21: a write between a hit inside and the end keeps the result out', async () => {
    const read = gate()
    const go = gate()
    const page = app.cacheops.computed(
      'page',
      async () => {
        runs++
        const found = await titles(1)
        read.open()
        await go.opened
        return found
      },
      { batches: false },
    )
    await titles(1)
    const first = page()
    await read.opened
    await app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)
    go.open()
    expect(await first).toEqual(['Notes', 'Drafts'])
    expect(await page()).toEqual(['Notes', 'Finished'])
    expect(runs).toBe(2)
  })

  it('is kept for itself, whatever the policy says of its queries; but a table that is never cached is not', async () => {
    await start({
      models: { posts: 'manual', authors: { ops: 'get', ttl: '1m' }, notes: false },
      defaults: { ttl: '1h' },
    })
    const page = app.cacheops.computed('page', async () => ({
      titles: await titles(1),
      authors: (await app.pool.query('SELECT name FROM authors ORDER BY id')).rows,
    }))
    const notes = app.cacheops.computed('notes', async () => (await app.pool.query('SELECT line FROM notes')).rows)
    await page()
    await page()
    await notes()
    await notes()
    expect(events).toEqual([
      'page miss',
      'page hit',
      'notes(): a statement ran past the cache: public.notes is configured as never cached',
      'notes(): a statement ran past the cache: public.notes is configured as never cached',
    ])
    const statements = await app.cacheops.stats()
    expect([statements.hits, statements.misses]).toEqual([0, 0])
    await app.pool.query(`UPDATE authors SET name = 'Lovelace' WHERE id = 1`)
    expect((await page()).authors[0]).toEqual({ name: 'Lovelace' })
  })

  const past: readonly (readonly [string, string, string])[] = [
    ['a volatile function', 'SELECT now() AS x, title FROM posts', 'now'],
    ['a write', `UPDATE notes SET line = 'y' RETURNING line`, 'it writes'],
    ['locks', 'SELECT title FROM posts FOR UPDATE', 'it locks rows'],
    ['a system table', 'SELECT relname FROM pg_class LIMIT 1', 'pg_class'],
    ['several statements', 'SELECT 1; SELECT title FROM posts', 'several statements in one string'],
    ['a comment', '/* cacheops: off */ SELECT title FROM posts', 'it asked for no cache'],
    ['a setting', 'SHOW work_mem', 'it shows what the session holds'],
  ]
  it.each(past)('is not kept with %s in it', async (_, sql, reason) => {
    const page = app.cacheops.computed('page', async () => {
      runs++
      await app.pool.query(sql)
      return titles(1)
    })
    await page()
    await page()
    expect(runs).toBe(2)
    for (const event of events) expect(event).toMatch(/^page\(\): a statement ran past the cache: /)
    expect(events[0]).toContain(reason)
    expect((await app.cacheops.stats()).functions).toEqual({ hits: 0, misses: 0 })
  })

  it('is not kept with a statement in it that failed, and an error is passed on unchanged', async () => {
    const caught = app.cacheops.computed('caught', async () => {
      await app.pool.query('SELECT nothing FROM posts').catch(() => undefined)
      return titles(1)
    })
    const error = new Error('mine')
    const thrown = app.cacheops.computed('thrown', async () => {
      runs++
      await titles(1)
      throw error
    })
    await caught()
    await caught()
    for (let time = 0; time < 2; time++) await expect(thrown()).rejects.toBe(error)
    expect(runs).toBe(2)
    expect(events).toEqual(Array(2).fill('caught(): a statement ran past the cache: it failed'))
  })

  it('is not kept without any statement, or with nocache() around it or in it', async () => {
    const none = app.cacheops.computed('none', () => 1)
    const inside = app.cacheops.computed('inside', () => app.cacheops.nocache(() => titles(1)))
    const around = app.cacheops.computed('around', () => titles(1))
    await none()
    await inside()
    await app.cacheops.nocache(() => around())
    await app.cacheops.withEnabled(false, () => around())
    expect(events).toEqual([
      'none(): unattributed: no statement ran in it',
      'inside(): a statement ran past the cache: it asked for no cache',
      'around(): it asked for no cache',
      'around(): caching is switched off',
    ])
  })

  it('may run its queries in a transaction that does not write; with writes, locks or another isolation it is not kept', async () => {
    const within = (name: string, begin: string, sql?: string) =>
      app.cacheops.computed(name, () =>
        app.on(async (client) => {
          await client.query(begin)
          if (sql) await client.query(sql)
          const found = await titles(1, client)
          await client.query('COMMIT')
          return found
        }),
      )
    for (const page of [
      within('plain', 'BEGIN READ ONLY'),
      within('wrote', 'BEGIN', `UPDATE notes SET line = 'y'`),
      within('locked', 'BEGIN', 'LOCK TABLE notes'),
      within('snapshot', 'BEGIN ISOLATION LEVEL REPEATABLE READ'),
    ]) {
      await page()
      await page()
    }
    expect(events.slice(0, 2)).toEqual(['plain miss', 'plain hit'])
    for (const event of events.slice(2)) expect(event).toMatch(/^(wrote|locked|snapshot)\(\): a statement ran past/)
    await app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)
    expect(events).toHaveLength(8)
  })

  it('S6: in a transaction that has written to its tables, the result is not taken from the cache', async () => {
    const page = app.cacheops.computed('page', (on?: 'client') => titles(1, on ? client : undefined))
    let client: Parameters<Parameters<App['on']>[0]>[0]
    await page()
    await app.on(async (own) => {
      client = own
      await own.query('BEGIN')
      await own.query(`UPDATE notes SET line = 'y'`)
      await page()
      await own.query(`UPDATE posts SET title = 'Mine' WHERE id = 1`)
      expect(await page()).toEqual(['Notes', 'Drafts'])
      expect(await page('client')).toEqual(['Mine', 'Drafts'])
      await own.query('ROLLBACK')
    })
    await page()
    expect(events.slice(0, 4)).toEqual([
      'page miss',
      'page hit',
      'page(): a transaction of this process has written to public.posts',
      'page("client"): a statement ran past the cache: the transaction has written',
    ])
    expect(events.at(-1)).toBe('page hit')
  })

  it('two callers in one tick: one runs, the other is given what it brings', async () => {
    const page = app.cacheops.computed('page', async () => {
      runs++
      return titles(1)
    })
    const [one, two] = await Promise.all([page(), page()])
    expect(one).toEqual(two)
    expect(one).not.toBe(two)
    expect(runs).toBe(1)
    expect(events).toEqual(['page miss', 'page joined'])
  })

  it('S4: who joins a run is not given what a write has replaced since', async () => {
    const read = gate()
    const go = gate()
    const page = app.cacheops.computed(
      'page',
      async () => {
        runs++
        const found = await titles(1)
        read.open()
        await go.opened
        return found
      },
      { batches: false },
    )
    const first = page()
    await read.opened
    await app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)
    const second = page()
    await new Promise((resolve) => setImmediate(resolve))
    go.open()
    expect(await first).toEqual(['Notes', 'Drafts'])
    expect(await second).toEqual(['Notes', 'Finished'])
    expect(runs).toBe(2)
  })

  it('with a pool of one connection, parallel branches and calls in calls come to an end and are kept', async () => {
    await start({ pool: { max: 1 } })
    const block = app.cacheops.computed('block', (author: number) => titles(author))
    const page = app.cacheops.computed('page', async () => Promise.all([block(1), block(2), block(1), titles(2)]))
    const all = [['Notes', 'Drafts'], ['Compilers'], ['Notes', 'Drafts'], ['Compilers']]
    expect(await Promise.all([page(), page(), block(2)])).toEqual([all, all, ['Compilers']])
    events.length = 0
    expect(await page()).toEqual(all)
    expect(events).toEqual(['page hit'])
    await app.pool.query(`UPDATE posts SET title = 'COBOL' WHERE id = 3`)
    expect((await page())[1]).toEqual(['COBOL'])
  })

  it('a call inside of itself does not wait for itself', async () => {
    const page: (depth: number) => Promise<string[]> = app.cacheops.computed('page', async (_: number) => {
      runs++
      return runs === 1 ? page(0) : titles(1)
    })
    expect(await page(0)).toEqual(['Notes', 'Drafts'])
    expect(runs).toBe(2)
  })

  it("an error in a call inside of itself is its caller's alone", async () => {
    const page: (again: number) => Promise<string> = app.cacheops.computed('page', async (_: number) => {
      if (runs++ > 0) throw new Error('inside')
      return page(0).catch((error: Error) => error.message)
    })
    expect(await page(0)).toBe('inside')
    // An error that nobody has heard would end the process.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('A22: with another prefix, session or database nothing is shared; another process of the same is served', async () => {
    const define = (of: App) => of.cacheops.computed('page', () => titles(1, of.pool))
    const store = memory()
    const worlds = [
      await world.ready({ store }),
      await world.ready({ store, prefix: 'other' }),
      await world.ready({ store, pool: { options: '-c search_path=public,pg_catalog' } }),
      await world.ready({ store, driver: { database: 'copy' } }),
    ]
    for (const each of worlds) {
      const lines = told(each)
      await define(each)()
      expect(lines).toEqual(['page miss'])
    }
    const peer = await world.ready({ store })
    const lines = told(peer)
    await define(peer)()
    expect(lines).toEqual(['page hit'])
  })

  it('in a process with several kinds of sessions, a result of sessions that another does not have is not served', async () => {
    const one = await world.ready()
    const two = new one.pg.Pool({ connectionString: world.url, options: '-c search_path=public,pg_catalog' })
    try {
      await two.query('SELECT 1 FROM posts LIMIT 1')
      const lines = told(one)
      const page = one.cacheops.computed('page', () => titles(1, two))
      await page()
      await page()
      expect(lines).toEqual(['page miss', 'page hit'])
      const role = one.cacheops.computed('role', () =>
        one.on(async (client) => {
          await client.query('SET search_path TO public, pg_temp')
          return titles(1, client)
        }),
      )
      await role()
      expect(lines.at(-1)).toMatch(/^role\(\): a statement ran past the cache/)
    } finally {
      await two.end()
    }
  })

  it('is not kept where more statements ran in it than a result should hang on', async () => {
    const many = app.cacheops.computed('many', async (count: number) => {
      for (let id = 0; id < count; id++) await app.pool.query('SELECT title FROM posts WHERE id = $1', [id])
    })
    await many(1000)
    await many(1001)
    expect(events).toEqual(['many miss', 'many(1001): more than 1000 statements ran in it'])
  })

  it('keys: arguments by value, in any order of members; extra; vary', async () => {
    let tenant = 'a'
    await start({ vary: ({ fn }) => (fn === undefined ? '' : tenant) })
    let language = 'en'
    const page = app.cacheops.computed(
      'page',
      async (_: object) => {
        runs++
        return titles(1)
      },
      { extra: () => language },
    )
    const when = new Date(0)
    await page({ when, ids: new Set([1n, 2n]) })
    await page({ ids: new Set([2n, 1n]), when: new Date(0) })
    expect(runs).toBe(1)
    language = 'de'
    await page({ when, ids: new Set([1n, 2n]) })
    tenant = 'b'
    await page({ when, ids: new Set([1n, 2n]) })
    expect(runs).toBe(3)
    await page.invalidate({ when, ids: new Set([1n, 2n]) })
    for (language of ['en', 'de']) await page({ when, ids: new Set([1n, 2n]) })
    expect(runs).toBe(5)
    const cycle: { self?: object } = {}
    cycle.self = cycle
    await expect(page(cycle)).rejects.toThrow(/^page: arguments\[0\]\.self: expected .*a cycle/)
    await expect(page(async () => 1)).rejects.toThrow(TypeError)
    expect(runs).toBe(5)
  })

  it('key(): looks and drops without running it', async () => {
    const page = app.cacheops.computed('page', (author: number) => titles(author))
    expect(await page.key(1).get()).toBeUndefined()
    await page(1)
    expect(await page.key(1).get()).toEqual(['Notes', 'Drafts'])
    expect(await page.key(2).get()).toBeUndefined()
    await page.key(1).delete()
    expect(await page.key(1).get()).toBeUndefined()
  })

  it('a result that cannot be kept exactly is given, told of, and not kept', async () => {
    const page = app.cacheops.computed('page', async () => {
      await titles(1)
      return { render: () => 'x' }
    })
    expect((await page()).render()).toBe('x')
    expect(events).toEqual(['page(): its result cannot be kept'])
    expect(app.failures).toMatchObject([{ what: 'serializer', message: expect.stringContaining('page().render') }])
  })

  it('explain() tells of the call and of what ran in it', async () => {
    const page = app.cacheops.computed('page', (author: number) => titles(author), { ttl: '1m' })
    const first = await app.cacheops.explain(() => page(1))
    expect(first.map(({ kind, hit }) => [kind, hit])).toEqual([
      ['read', false],
      ['function', false],
    ])
    expect(await app.cacheops.explain(() => page(1))).toEqual([
      {
        sql: 'page(1)',
        kind: 'function',
        cached: true,
        hit: true,
        ttl: 60_000,
        tables: ['public.posts'],
        dependencies: [],
      },
    ])
  })

  it('refuses what cannot be', () => {
    const { cacheops } = app
    cacheops.computed('page', () => 1)
    expect(() => cacheops.computed('page', () => 2)).toThrow(/there is a function of this name already/)
    expect(() => cacheops.computed('', () => 2)).toThrow(/expected a name/)
    expect(() => cacheops.computed('a', 1 as never)).toThrow(/computed\('a'\): expected a function/)
    expect(() => cacheops.computed('a', () => 1, { ttl: 5 as never })).toThrow(/ttl: expected a duration/)
    expect(() => cacheops.computed('a', () => 1, { batch: true } as never)).toThrow(/Did you mean 'batches'/)
  })
})
