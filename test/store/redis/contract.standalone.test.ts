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
  'Redis, by URL',
  (options) => new Pair([servers.server.url, `unix://${servers.server.socket}`], servers.processes, options),
  { runs: 60 },
)
