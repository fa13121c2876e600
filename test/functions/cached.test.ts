import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CacheMiss, createCacheops, memory } from '../../src/index.js'
import { type App, World } from '../soundness/world.js'
import { WrappedStore } from '../support/wrapped-store.js'
import { gate, TABLES, told } from './support.js'

let world: World
let app: App
let events: string[]
let runs: number
const start = (options: Parameters<World['ready']>[0] = {}) => world.ready({ defaults: { ttl: '1h' }, ...options })
beforeAll(async () => {
  world = await World.open('cached')
})
afterAll(() => world.end())
beforeEach(async () => {
  await world.reset(TABLES)
  app = await start()
  events = told(app)
  runs = 0
})

describe('cached', () => {
  it('keeps results for a time, whatever is written', async () => {
    const count = app.cacheops.cached(
      'count',
      async () => {
        runs++
        return (await app.pool.query('SELECT count(*)::int AS n FROM posts')).rows[0]?.n as number
      },
      { ttl: '1h' },
    )
    expect(await count()).toBe(3)
    await app.pool.query('DELETE FROM posts WHERE id = 3')
    expect(await count()).toBe(3)
    expect(runs).toBe(1)
    await count.invalidate()
    expect(await count()).toBe(2)
    expect(events).toEqual(['count miss', 'count hit', 'count miss'])
  })

  it('ends with its ttl', async () => {
    const short = app.cacheops.cached('short', () => ++runs, { ttl: '20ms' })
    await short()
    await vi.waitUntil(async () => (await short()) > 1, { timeout: 20_000, interval: 5 })
  })

  it('gives results of the types that they had, shared with nobody', async () => {
    const value = { at: new Date(0), map: new Map([[1n, Buffer.from('a')]]), set: new Set([undefined]) }
    const typed = app.cacheops.cached('typed', () => value)
    await typed()
    const [one, two] = [await typed(), await typed()]
    expect(one).toStrictEqual(value)
    one.map.clear()
    expect(two).toStrictEqual(value)
    expect(typed.name).not.toBe('typed')
  })

  it('works without any database', async () => {
    const cacheops = createCacheops({ store: memory(), defaults: { ttl: '1m' } })
    const twice = cacheops.cached('twice', (n: number) => {
      runs++
      return n * 2
    })
    expect([await twice(2), await twice(2), await twice(3)]).toEqual([4, 4, 6])
    expect(runs).toBe(2)
    await cacheops.close()
  })

  it('key(): get, set, delete', async () => {
    const top = app.cacheops.cached('top', (category: string) => `${category} ${++runs}`)
    expect(await top.key('news').get()).toBeUndefined()
    await top.key('news').set('mine', { ttl: '1h' })
    expect(await top.key('news').get()).toBe('mine')
    expect(await top('news')).toBe('mine')
    await top.key('news').delete()
    expect(await top('news')).toBe('news 1')
    await expect(top.key('news').set((() => 1) as never)).rejects.toThrow(/the value for top\("news"\): expected/)
    expect(await top('news')).toBe('news 1')
  })

  it('B1: a run that began before invalidate(), or before set(), is not kept after it', async () => {
    let go = gate()
    const slow = app.cacheops.cached('slow', async () => {
      const own = ++runs
      await go.opened
      return own
    })
    const first = slow()
    await vi.waitUntil(() => runs === 1)
    await slow.invalidate()
    const second = slow()
    go.open()
    expect([await first, await second]).toEqual([1, 2])
    expect(await slow()).toBe(2)
    await slow.invalidate()
    go = gate()
    const third = slow()
    await vi.waitUntil(() => runs === 3)
    await slow.key().set(99)
    go.open()
    expect([await third, await slow()]).toEqual([3, 99])
  })

  it('callers in one tick share a run; a run that fails is shared with nobody, and kept by nobody', async () => {
    const go = gate()
    const shared = app.cacheops.cached('shared', async () => {
      runs++
      await go.opened
      return runs
    })
    const failing = app.cacheops.cached('failing', async () => {
      runs++
      await go.opened
      throw new Error(`run ${runs}`)
    })
    const all = Promise.all([shared(), shared(), shared()])
    const failed = Promise.allSettled([failing(), failing()])
    go.open()
    expect(await all).toEqual([1, 1, 1].map(() => expect.any(Number)))
    expect(events.filter((event) => event.startsWith('shared'))).toEqual([
      'shared miss',
      'shared joined',
      'shared joined',
    ])
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(runs).toBe(3)
    await expect(failing()).rejects.toThrow('run 4')
  })

  it('inside of a computed one, that is not kept: it depends on time alone', async () => {
    const time = app.cacheops.cached('time', () => 1)
    const page = app.cacheops.computed('page', async () => {
      await app.pool.query('SELECT title FROM posts')
      return time()
    })
    const looks = app.cacheops.computed('looks', async () => {
      await app.pool.query('SELECT title FROM posts')
      return app.cacheops.simple.get('x')
    })
    await page()
    await page()
    await looks()
    expect(events.filter((event) => !event.startsWith('time'))).toEqual([
      'page(): a statement ran past the cache: time depends on time alone',
      'page(): a statement ran past the cache: time depends on time alone',
      `looks(): a statement ran past the cache: it looked for simple['x']`,
    ])
  })

  it('is dropped by invalidateAll, and not kept while caching is switched off', async () => {
    const one = app.cacheops.cached('one', () => ++runs)
    await one()
    await app.cacheops.invalidateAll()
    expect(await one()).toBe(2)
    await app.cacheops.withEnabled(false, async () => {
      expect([await one(), await one()]).toEqual([3, 4])
      expect(await one.key().get()).toBeUndefined()
    })
    expect(await one()).toBe(2)
  })

  it('S7: a store that fails costs the cache, not the call; what could not be dropped is said', async () => {
    const store = new WrappedStore(memory())
    app = await start({ store })
    const one = app.cacheops.cached('one', () => ++runs)
    await one()
    store.hook = (step) => {
      if (step === 'recall' || step === 'write' || step === 'drop') throw new Error('down')
    }
    expect(await one()).toBe(2)
    expect(await app.cacheops.simple.get('x')).toBeUndefined()
    await expect(one.invalidate()).rejects.toThrow('down')
    await expect(app.cacheops.simple.delete('x')).rejects.toThrow('down')
    await expect(app.cacheops.simple.set('x', 1)).rejects.toThrow('down')
    expect(app.failures.map(({ what }) => what)).toEqual(Array(5).fill('store'))
    store.hook = (step) => {
      if (step === 'write') throw new Error('down')
    }
    await app.cacheops.simple.set('x', 1)
    store.hook = undefined
    expect(await app.cacheops.simple.get('x')).toBeUndefined()
    expect(await one()).toBe(1)
    app = await start({ store, degradeOnFailure: false })
    store.hook = () => {
      throw new Error('down')
    }
    await expect(app.cacheops.cached('two', () => 1)()).rejects.toThrow('down')
  })

  it('a serializer of your own; what it makes of a result that it cannot read is a miss', async () => {
    const serializer = {
      serialize: (value: unknown) => {
        if (value === 'no') throw new Error('not this')
        return `v:${String(value)}`
      },
      deserialize: (text: string) => {
        if (text === 'v:damaged') throw new Error('damaged')
        return text.slice(2)
      },
    }
    app = await start({ serializer })
    events = told(app)
    const text = app.cacheops.cached('text', (value: string) => value)
    for (const value of ['yes', 'yes', 'no', 'damaged', 'damaged']) expect(await text(value)).toBe(value)
    expect(events).toEqual([
      'text miss',
      'text hit',
      'text("no"): its result cannot be kept',
      'text miss',
      'text("damaged"): what was kept cannot be read',
    ])
    expect(app.failures.map(({ what }) => what)).toEqual(['serializer', 'serializer'])
    expect(() => createCacheops({ store: memory(), serializer: {} as never })).toThrow(/serializer: expected an object/)
  })

  it('refuses what cannot be', () => {
    const cacheops = createCacheops({ store: memory() })
    expect(() => cacheops.cached('a', () => 1)).toThrow(/cached\('a'\): expected a ttl/)
    expect(() => cacheops.cached('a', () => 1, null as never)).toThrow(/expected options such as/)
    expect(() => cacheops.cached('a', () => 1, { ttl: '1m', lock: 1 as never })).toThrow(/lock: expected true or false/)
  })
})

describe('simple', () => {
  it('get, getOrThrow, set, delete', async () => {
    const { simple } = app.cacheops
    expect(await simple.get('a')).toBeUndefined()
    await expect(simple.getOrThrow('a')).rejects.toThrow(CacheMiss)
    await expect(simple.getOrThrow('a')).rejects.toMatchObject({ code: 'CACHEOPS_MISS', key: 'a' })
    await simple.set('a', { at: new Date(5) }, { ttl: '1m' })
    await simple.set('b', undefined, { ttl: '1m' })
    expect(await simple.get<{ at: Date }>('a')).toStrictEqual({ at: new Date(5) })
    expect(await simple.getOrThrow('b')).toBeUndefined()
    await simple.set('a', 2)
    expect(await simple.get('a')).toBe(2)
    await simple.delete('a')
    await simple.delete('a')
    expect(await simple.get('a')).toBeUndefined()
  })

  it('is not affected by writes or transactions, shared by processes, and apart by prefix', async () => {
    const { simple } = app.cacheops
    await simple.set('a', 1)
    await app.on(async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE notes SET line = 'y'`)
      expect(await simple.get('a')).toBe(1)
      await simple.set('b', 2)
      await client.query('ROLLBACK')
    })
    await app.pool.query('DELETE FROM notes')
    expect(await (await start()).cacheops.simple.get('b')).toBe(2)
    expect(await (await start({ prefix: 'p' })).cacheops.simple.get('b')).toBeUndefined()
  })

  it('refuses what cannot be', async () => {
    const { simple } = createCacheops({ store: memory() })
    await expect(simple.set('a', 1)).rejects.toThrow(/simple\['a'\]: expected a ttl/)
    await expect(simple.set('a', 1, { ttl: 60 as never })).rejects.toThrow(/ttl: expected a duration/)
    await expect(simple.set('a', () => 1, { ttl: '1m' })).rejects.toThrow(/the value for simple\['a'\]: expected/)
    await expect(simple.get(1 as never)).rejects.toThrow(TypeError)
  })
})
