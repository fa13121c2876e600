import { expect, it } from 'vitest'
import { startCluster, startRedis } from '../../scripts/redis.js'
import { type RedisConnection, redis } from '../../src/store/redis/index.js'
import { pgWorlds } from './pg-worlds.js'
import { prove, timeOf } from './prove.js'
import type { Worlds } from './world.js'

const RUNS = 25
/** A machine that is busy is no server that is gone. */
const PATIENT = { readTimeout: '20s', writeTimeout: '20s' } as const

/** Worlds whose two engines meet in Redis, in each case under a prefix that was not there before. */
async function redisWorlds(name: string, connection: RedisConnection): Promise<Worlds> {
  let cases = 0
  return pgWorlds(name, ({ maxSchemes }) => {
    const options = { ...PATIENT, maxSchemes, prefix: `case${++cases}` }
    const stores = [redis(connection, options), redis(connection, options)] as const
    return {
      stores,
      async end() {
        for (const store of stores) await store.close()
      },
    }
  })
}

it(
  'answers as an uncached database would, whatever is asked and written (Redis)',
  async () => {
    const servers = await startRedis(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
    try {
      const tally = await prove(() => redisWorlds('Redis', servers.server.url), { steps: 60, runs: RUNS })
      expect(tally.hitShare).toBeGreaterThan(0.15)
    } finally {
      await servers.stop()
    }
  },
  timeOf(),
)

it(
  'answers as an uncached database would, whatever is asked and written (Redis Cluster)',
  async () => {
    const servers = await startCluster({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] })
    try {
      const connection = { cluster: servers.nodes }
      const tally = await prove(() => redisWorlds('Redis Cluster', connection), { steps: 60, runs: RUNS })
      expect(tally.hitShare).toBeGreaterThan(0.15)
    } finally {
      await servers.stop()
    }
  },
  timeOf(),
)
