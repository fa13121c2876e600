import { Redis as IoRedis } from 'ioredis'
import { Redis as IoValkey } from 'iovalkey'
import { createClient } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { type RedisStandalone, startRedis } from '../../../scripts/redis.js'
import { storeContract } from '../contract.js'
import { Pair } from './servers.js'

let servers: RedisStandalone
beforeAll(async () => {
  servers = await startRedis()
})
afterAll(() => servers.stop())

storeContract(
  "Redis, by the application's ioredis and iovalkey",
  async (options) => {
    const clients = [new IoRedis(servers.server.port), new IoValkey(servers.server.port)] as const
    const pair = new Pair(clients, servers.processes, options)
    return ended(pair, async () => {
      for (const client of clients) await client.quit()
    })
  },
  { runs: 15 },
)

storeContract(
  "Redis, by the application's node-redis",
  async (options) => {
    const clients = [
      createClient({ url: servers.server.url }),
      createClient({ url: servers.server.url, RESP: 2 }),
    ] as const
    for (const client of clients) await client.connect()
    const pair = new Pair(clients, servers.processes, options)
    return ended(pair, async () => {
      for (const client of clients) await client.close()
    })
  },
  { runs: 15 },
)

/** The store leaves a client that it was given open. */
function ended(pair: Pair, close: () => Promise<void>) {
  return {
    store: pair.store,
    other: pair.other,
    loseStamps: () => pair.loseStamps(),
    async end() {
      await pair.end()
      await close()
    },
  }
}
