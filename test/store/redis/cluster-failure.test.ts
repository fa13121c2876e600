import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RedisCluster, type RedisProcess, startCluster } from '../../../scripts/redis.js'
import { type RedisConnection, redis } from '../../../src/store/redis/index.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { type Find, fill, find, hits, insert, invalidate, read } from '../reader.js'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })
const PATIENCE = { timeout: 40_000, interval: 50 }
const SLOW = { readTimeout: '4s', writeTimeout: '4s' } as const

/** Finds in tables that are spread over all masters. */
const finds: readonly Find[] = Array.from({ length: 8 }, (_, index) =>
  find({ key: `find ${index}`, table: `public.t${index}`, where: { a: '1' }, read: ['b'] }),
)

describe('A12: a cluster of which a master is lost', () => {
  let cluster: RedisCluster
  const ends: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    cluster = await startCluster({ replicas: 1 })
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await cluster.stop()
  })

  const connections: Readonly<Record<string, () => Promise<RedisConnection>>> = {
    options: async () => ({ cluster: cluster.nodes }),
    'the ioredis of the application': async () => {
      const client = new Cluster([...cluster.nodes])
      client.on('error', () => undefined)
      ends.push(async () => client.disconnect())
      return client
    },
    'the node-redis of the application': async () => {
      const rootNodes = cluster.nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }))
      const client = createCluster({ rootNodes })
      client.on('error', () => undefined)
      await client.connect()
      ends.push(async () => client.destroy())
      return client
    },
  }

  async function open(how: string): Promise<RedisStore> {
    const store = redis(await (connections[how] as () => Promise<RedisConnection>)(), SLOW)
    ends.push(() => store.close())
    return store
  }

  const size = (server: RedisProcess) => server.ask('DBSIZE')

  it.each(Object.keys(connections))('to a replica that lacks invalidations serves none of it, by %s', async (how) => {
    const [store, other] = [await open(how), await open('options')]
    for (const asked of finds) await fill(store, asked, 'old')
    const [master, , , replica] = cluster.processes as [RedisProcess, RedisProcess, RedisProcess, RedisProcess]
    await vi.waitUntil(async () => (await size(replica)) === (await size(master)), PATIENCE)
    const before = await size(master)
    // What comes later does not reach the replica.
    replica.signal('SIGSTOP')
    await master.ask('CLIENT', 'KILL', 'TYPE', 'replica')
    for (let i = 0; i < finds.length; i++) await invalidate(other, insert({ a: '1' }, `public.t${i}`))
    await master.kill()
    replica.signal('SIGCONT')
    await vi.waitUntil(async () => (await replica.request(['INFO', 'replication'])).includes('role:master'), PATIENCE)
    expect(await size(replica)).toBe(before)
    for (const via of [store, other]) {
      for (const asked of finds) {
        const { kind } = await vi.waitFor(() => read(via, asked), PATIENCE)
        expect(kind, asked.key).toBe('miss')
      }
    }
    for (const asked of finds) await fill(store, asked, 'new')
    await vi.waitUntil(() => hits(other, finds[0] as Find), PATIENCE)
  })

  it.each(Object.keys(connections))(
    'finds masters that have changed places while nobody asked them, by %s',
    async (how) => {
      const store = await open(how)
      for (const asked of finds) await fill(store, asked, 'old')
      const [masters, replicas] = [cluster.processes.slice(0, 3), cluster.processes.slice(3)]
      for (const [index, replica] of replicas.entries()) {
        await vi.waitUntil(async () => (await size(replica)) === (await size(masters[index] as RedisProcess)), PATIENCE)
        await replica.ask('CLUSTER', 'FAILOVER')
      }
      for (const replica of replicas) {
        await vi.waitUntil(
          async () => (await replica.request(['INFO', 'replication'])).includes('role:master'),
          PATIENCE,
        )
      }
      // What it asks first when it is back is which servers these are: no command that would be sent on to another.
      for (const server of cluster.processes) await server.ask('CLIENT', 'KILL', 'TYPE', 'normal')
      for (const asked of finds) await vi.waitFor(() => read(store, asked), PATIENCE)
      for (const asked of finds) await fill(store, asked, 'new')
      expect(await hits(store, finds[0] as Find)).toBe(true)
    },
  )
})
