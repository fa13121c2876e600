import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisStandalone, startRedis } from '../../scripts/redis.js'
import { type RedisStore, redis } from '../../src/store/redis/index.js'
import { type App, World } from '../soundness/world.js'
import { gate, TABLES, told } from './support.js'

/** Functions of two processes that share a Redis. */
let servers: RedisStandalone
let world: World
let stores: RedisStore[]
let apps: App[]
let events: string[][]
let prefix = 0
beforeAll(async () => {
  servers = await startRedis()
  world = await World.open('functions_redis')
})
afterAll(async () => {
  await world.end()
  await servers.stop()
})
beforeEach(async () => {
  await world.reset(TABLES)
  prefix++
  stores = [1, 2].map(() => redis(servers.server.url, { prefix: `f${prefix}` }))
  apps = await Promise.all(stores.map((store) => world.ready({ store, defaults: { ttl: '1h' } })))
  events = apps.map(told)
})
afterEach(async () => {
  await world.reset()
  for (const store of stores) await store.close()
})

const both = <T>(define: (app: App) => T): [T, T] => apps.map(define) as [T, T]
const titles = async (app: App) =>
  (await app.pool.query('SELECT title FROM posts WHERE author_id = 1 ORDER BY id')).rows.map(
    ({ title }) => title as string,
  )
const finish = (app: App) => app.pool.query(`UPDATE posts SET title = 'Finished' WHERE id = 2`)

describe('functions of two processes', () => {
  it('computed: what one has computed answers the other, and a write of either drops it for both', async () => {
    const [here, there] = both((app) => app.cacheops.computed('page', () => titles(app)))
    expect(await here()).toEqual(['Notes', 'Drafts'])
    expect(await there()).toEqual(['Notes', 'Drafts'])
    await finish(apps[1] as App)
    expect(await here()).toEqual(['Notes', 'Finished'])
    expect(await there()).toEqual(['Notes', 'Finished'])
    expect(events).toEqual([
      ['page miss', 'page miss'],
      ['page hit', 'page hit'],
    ])
  })

  it('computed: nested, and what came from the cache inside', async () => {
    const [here, there] = both((app) => {
      const inner = app.cacheops.computed('inner', () => titles(app))
      return app.cacheops.computed('outer', async () => ({ inner: await inner() }))
    })
    await here()
    await titles(apps[1] as App)
    expect(await there()).toEqual({ inner: ['Notes', 'Drafts'] })
    await finish(apps[0] as App)
    expect(await there()).toEqual({ inner: ['Notes', 'Finished'] })
    expect(await here()).toEqual({ inner: ['Notes', 'Finished'] })
    expect(events[1]).toEqual(['outer hit', 'inner miss', 'outer miss'])
  })

  it('cachedAs: by its samples', async () => {
    let runs = 0
    const [here, there] = both((app) =>
      app.cacheops.cachedAs(
        'block',
        (author: number) => ({ model: 'posts', where: { author_id: author } }),
        () => ++runs,
      ),
    )
    expect([await here(1), await there(1), await there(2), await here(2)]).toEqual([1, 1, 2, 2])
    await finish(apps[1] as App)
    expect([await here(1), await there(1), await there(2), await here(2)]).toEqual([3, 3, 2, 2])
  })

  it('S4: a write of the other process between the start and the end keeps the result out', async () => {
    const read = gate()
    const go = gate()
    const [here, there] = both((app) =>
      app.cacheops.computed('page', async () => {
        const found = await titles(app)
        read.open()
        await go.opened
        return found
      }),
    )
    const first = here()
    await read.opened
    await finish(apps[1] as App)
    go.open()
    expect(await first).toEqual(['Notes', 'Drafts'])
    expect(await there()).toEqual(['Notes', 'Finished'])
  })

  it('B1: invalidate() in one process reaches a run in the other, in every variant', async () => {
    const read = gate()
    const go = gate()
    let runs = 0
    const [here, there] = both((app) =>
      app.cacheops.cached(
        'top',
        async () => {
          const own = ++runs
          read.open()
          await go.opened
          return own
        },
        { extra: app === apps[0] ? 'en' : 'de' },
      ),
    )
    const first = here()
    await read.opened
    await there.invalidate()
    go.open()
    expect([await first, await here(), await here(), await there()]).toEqual([1, 2, 2, 3])
    await there.invalidate()
    expect([await here(), await there()]).toEqual([4, 5])
  })

  it('simple: shared, with every type', async () => {
    const [here, there] = both((app) => app.cacheops.simple)
    const value = { at: new Date(5), map: new Map([[1n, Buffer.from([0, 255])]]), none: undefined }
    await here.set('a', value)
    expect(await there.get('a')).toStrictEqual(value)
    await there.delete('a')
    expect(await here.get('a')).toBeUndefined()
  })

  it('lock: one process computes, the other waits and is given the result', async () => {
    const begun = gate()
    const go = gate()
    let runs = 0
    const [here, there] = both((app) =>
      app.cacheops.computed(
        'page',
        async () => {
          runs++
          begun.open()
          await go.opened
          return titles(app)
        },
        { lock: true },
      ),
    )
    const first = here()
    await begun.opened
    const second = there()
    await titles(apps[1] as App)
    go.open()
    expect(await first).toEqual(await second)
    expect(runs).toBe(1)
    expect(events).toEqual([['page miss'], ['page joined']])
  })
})
