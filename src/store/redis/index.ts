import { connector } from './connect.js'
import { checkOptions, type RedisConnection, type RedisOptions } from './options.js'
import { RedisStore } from './store.js'

export type {
  RedisAddress,
  RedisClusterOptions,
  RedisConnection,
  RedisOptions,
  RedisSentinelOptions,
  RedisServerOptions,
  RedisUserClient,
} from './options.js'
export { StoreError } from './store-error.js'
export type { RedisStore }

/**
 * A store that all processes share: Redis 6.2 or later, or Valkey; one server, sentinels, or a cluster. Connects when it is first
 * needed.
 *
 * @param connection - a URL, options, or a client of ioredis, iovalkey or redis, which stays the caller's to close
 * @throws ConfigError that names what was given and what was expected
 * @example
 * createCacheops({ store: redis(process.env.REDIS_URL) })
 * createCacheops({ store: redis({ sentinels: [{ host: 'a', port: 26379 }], name: 'main' }) })
 * createCacheops({ store: redis({ cluster: [{ host: 'a', port: 7000 }] }, { prefix: 'shop' }) })
 * createCacheops({ store: redis(new Redis()) })
 */
export function redis(connection: RedisConnection | undefined, options: RedisOptions = {}): RedisStore {
  const config = checkOptions(options)
  return new RedisStore(connector(connection), config)
}
