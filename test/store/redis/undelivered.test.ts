import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RedisCluster, type RedisStandalone, startCluster, startRedis } from '../../../scripts/redis.js'
import { type RedisConnection, redis } from '../../../src/store/redis/index.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { fill, find, hits, insert, invalidate, posts, read } from '../reader.js'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

describe('A11: what a server refuses to drop, every process reads past', () => {
  let one: RedisStandalone
  let cluster: RedisCluster
  const ends: (() => unknown)[] = []
  beforeEach(async () => {
    ;[one, cluster] = await Promise.all([startRedis(), startCluster()])
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const end of ends.splice(0)) await end()
    await one.stop()
    await cluster.stop()
  })

  const connections: Readonly<Record<string, () => Promise<RedisConnection>>> = {
    'a URL': async () => one.server.url,
    ioredis: async () => {
      const client = new Redis(one.server.port)
      ends.push(() => client.disconnect())
      return client
    },
    'node-redis': async () => {
      const client = createClient({ url: one.server.url })
      await client.connect()
      ends.push(() => client.destroy())
      return client
    },
    'cluster options': async () => ({ cluster: cluster.nodes }),
    "ioredis's cluster": async () => {
      const client = new Cluster([...cluster.nodes])
      ends.push(() => client.disconnect())
      return client
    },
    "node-redis's cluster": async () => {
      const rootNodes = cluster.nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }))
      const client = createCluster({ rootNodes })
      await client.connect()
      ends.push(() => client.destroy())
      return client
    },
  }

  async function open(how: string): Promise<RedisStore> {
    const store = redis(await (connections[how] as () => Promise<RedisConnection>)(), { readTimeout: '5s' })
    ends.unshift(() => store.close())
    return store
  }

  /** How many listen, on any of the servers. */
  async function listeners(how: string): Promise<number> {
    let sum = 0
    for (const server of how.includes('cluster') ? cluster.processes : [one.server]) {
      const reply = await server.request(['PUBSUB', 'NUMSUB', 'cacheops:undelivered'])
      sum += Number(/:(\d+)\r\n$/.exec(reply)?.[1])
    }
    return sum
  }

  const config = async (...words: string[]) => {
    for (const each of [one.server, ...cluster.processes]) expect(await each.ask('CONFIG', 'SET', ...words)).toBe('+OK')
  }

  it.each(Object.keys(connections))('by %s', async (how) => {
    const [store, other] = [await open(how), await open(how)]
    const elsewhere = find({ key: 'u', table: 'public.u', where: {}, read: [] })
    for (const asked of [posts('1'), elsewhere]) {
      await fill(store, asked)
      expect(await hits(other, asked)).toBe(true)
    }
    await vi.waitUntil(async () => (await listeners(how)) === 2, PATIENCE)
    await config('min-replicas-to-write', '1')
    await expect(invalidate(other, insert({ a: '1' }))).rejects.toThrow(/NOREPLICAS/)
    await vi.waitFor(async () => {
      const reply = await read(store, posts('1'))
      expect(reply).toEqual({ kind: 'blocked', reason: 'the store refused an invalidation of public.t' })
    }, PATIENCE)
    expect(await hits(store, elsewhere)).toBe(true)
    await config('min-replicas-to-write', '0')
    await invalidate(other, insert({ a: '1' }))
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 60_000)
    expect((await read(store, posts('1'))).kind).toBe('miss')
    vi.restoreAllMocks()
  })

  it('a database, or everything', async () => {
    const [store, other] = [await open('a URL'), await open('a URL')]
    await fill(store, posts('1'))
    await vi.waitUntil(async () => (await listeners('a URL')) === 1, PATIENCE)
    await config('min-replicas-to-write', '1')
    await expect(other.invalidate('db2', [{ kind: 'database', catalog: false }])).rejects.toThrow(/NOREPLICAS/)
    expect(await hits(store, posts('1'))).toBe(true)
    await expect(invalidate(other, { kind: 'everything' })).rejects.toThrow(/NOREPLICAS/)
    await vi.waitUntil(async () => (await read(store, posts('1'))).kind === 'blocked', PATIENCE)
  })

  it('what others say on the channel is no matter', async () => {
    const store = await open('a URL')
    await fill(store, posts('1'))
    await vi.waitUntil(async () => (await listeners('a URL')) === 1, PATIENCE)
    for (const text of ['', '{}', '{"database":1}', '[]', 'null']) {
      expect(await one.server.ask('PUBLISH', 'cacheops:undelivered', text)).toBe(':1')
    }
    expect(await hits(store, posts('1'))).toBe(true)
  })

  it('a channel that is lost is listened to again', async () => {
    const store = await open('a URL')
    await fill(store, posts('1'))
    await vi.waitUntil(async () => (await listeners('a URL')) === 1, PATIENCE)
    await one.server.ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const message = JSON.stringify({ database: 'db', tables: ['public.t'] })
    await vi.waitUntil(async () => (await one.server.ask('PUBLISH', 'cacheops:undelivered', message)) === ':1', {
      timeout: 10_000,
    })
    await vi.waitUntil(async () => (await read(store, posts('1'))).kind === 'blocked', PATIENCE)
  })
})
