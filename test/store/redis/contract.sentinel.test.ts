import { createSentinel } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { type RedisProcess, type RedisSentinel, startSentinel } from '../../../scripts/redis.js'
import { storeContract } from '../contract.js'
import { Pair } from './servers.js'

let servers: RedisSentinel
let master: RedisProcess
beforeAll(async () => {
  servers = await startSentinel()
  master = await servers.master()
})
afterAll(() => servers.stop())

storeContract(
  'Redis Sentinel, by options and by node-redis',
  async (options) => {
    const client = createSentinel({ name: servers.name, sentinelRootNodes: [...servers.sentinels] })
    await client.connect()
    const pair = new Pair([{ sentinels: servers.sentinels, name: servers.name }, client], [master], options)
    return {
      store: pair.store,
      other: pair.other,
      loseStamps: () => pair.loseStamps(),
      async end() {
        await pair.end()
        await client.close()
      },
    }
  },
  { runs: 10 },
)
