import { Cluster as IoRedisCluster } from 'ioredis'
import { Cluster as IoValkeyCluster } from 'iovalkey'
import { createCluster } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { type RedisCluster, startCluster } from '../../../scripts/redis.js'
import { storeContract } from '../contract.js'
import { Pair } from './servers.js'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

storeContract(
  'Redis Cluster, by options, and by iovalkey',
  async (options) => {
    const own = new IoValkeyCluster([...cluster.nodes])
    const pair = new Pair([{ cluster: cluster.nodes }, own], cluster.processes, options)
    return { ...methods(pair), end: () => pair.end().then(() => void own.disconnect()) }
  },
  { runs: 10 },
)

storeContract(
  'Redis Cluster, by ioredis and node-redis',
  async (options) => {
    const one = new IoRedisCluster([...cluster.nodes])
    const rootNodes = cluster.nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }))
    const two = createCluster({ rootNodes })
    await two.connect()
    const pair = new Pair([one, two], cluster.processes, options)
    return {
      ...methods(pair),
      async end() {
        await pair.end()
        one.disconnect()
        await two.close()
      },
    }
  },
  { runs: 10 },
)

function methods(pair: Pair) {
  return { store: pair.store, other: pair.other, loseStamps: () => pair.loseStamps() }
}
