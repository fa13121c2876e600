import { type Duration, parseDuration, show } from '../../base/duration.js'
import { ConfigError } from '../../base/errors.js'
import type { IoRedis, IoRedisCluster } from './clients/ioredis.js'
import type { NodeRedis, NodeRedisCluster, NodeRedisSentinel } from './clients/node-redis.js'

/** Where a server listens. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

interface Credentials {
  readonly username?: string
  readonly password?: string
  /** `true`, or what `tls.connect` takes. */
  readonly tls?: boolean | object
}

/** One server. */
export interface RedisServerOptions extends Credentials {
  readonly host?: string
  readonly port?: number
  /** A unix socket, instead of host and port. */
  readonly path?: string
  readonly db?: number
}

/** The master that sentinels name. */
export interface RedisSentinelOptions extends Credentials {
  readonly sentinels: readonly RedisAddress[]
  /** What the sentinels call the master. */
  readonly name: string
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  readonly db?: number
}

/** Some nodes of a cluster; the others are found through them. */
export interface RedisClusterOptions extends Credentials {
  readonly cluster: readonly RedisAddress[]
}

/** A client that the application has already: of ioredis, iovalkey or node-redis (`redis`). It stays the application's to close. */
export type RedisUserClient = IoRedis | IoRedisCluster | NodeRedis | NodeRedisSentinel | NodeRedisCluster

export type RedisConnection = string | RedisServerOptions | RedisSentinelOptions | RedisClusterOptions | RedisUserClient

export interface RedisOptions {
  /** The first part of every key; default `cacheops`. Stores of another prefix know nothing of each other. */
  readonly prefix?: string
  /** How long a read waits for the store before it goes to the database; default `500ms`. */
  readonly readTimeout?: Duration
  /** How long a write's invalidation waits before it is kept and retried; default `2s`. */
  readonly writeTimeout?: Duration
  /** The most schemes of one table; a further one becomes "any row of the table". Default 128. */
  readonly maxSchemes?: number
  /** With `lock`, how long one caller may compute while the others wait; default `10s`. */
  readonly lockTimeout?: Duration
  /** The most bytes that entries kept in this process take, where a model asks for `local`; default 64 MiB. */
  readonly localBytes?: number
}

/** The options, checked. Times are in milliseconds. */
export interface RedisConfig {
  readonly prefix: string
  readonly readTimeout: number
  readonly writeTimeout: number
  readonly maxSchemes: number
  readonly lockTimeout: number
  readonly localBytes: number
}

const NAMES = ['prefix', 'readTimeout', 'writeTimeout', 'maxSchemes', 'lockTimeout', 'localBytes']

/** @throws ConfigError that names the option and what was expected */
export function checkOptions(options: RedisOptions): RedisConfig {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(`redis: expected options such as { prefix: 'shop' }, got ${show(options)}.`)
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      throw new ConfigError(`redis: there is no option '${name}'. Expected one of ${NAMES.join(', ')}.`)
    }
  }
  const { prefix = 'cacheops', maxSchemes = 128, localBytes = 64 * 1024 * 1024 } = options
  // The hash tags of a cluster are in braces.
  if (typeof prefix !== 'string' || !/^[^{}\s]+$/.test(prefix)) {
    throw new ConfigError(
      `redis: prefix: expected a string without braces and spaces, such as 'shop', got ${show(prefix)}.`,
    )
  }
  if (!Number.isInteger(maxSchemes) || maxSchemes < 1) {
    throw new ConfigError(`redis: maxSchemes: expected a positive whole number, got ${show(maxSchemes)}.`)
  }
  if (typeof localBytes !== 'number' || !(localBytes > 0)) {
    throw new ConfigError(`redis: localBytes: expected a positive number of bytes, got ${show(localBytes)}.`)
  }
  return {
    prefix,
    maxSchemes,
    localBytes,
    lockTimeout: parseDuration(options.lockTimeout ?? '10s', 'redis: lockTimeout'),
    readTimeout: parseDuration(options.readTimeout ?? '500ms', 'redis: readTimeout'),
    writeTimeout: parseDuration(options.writeTimeout ?? '2s', 'redis: writeTimeout'),
  }
}

/** @throws ConfigError where it is not a URL that leads to a server */
export function parseUrl(text: string): RedisServerOptions {
  let url: URL
  try {
    url = new URL(text)
  } catch (error) {
    throw new ConfigError(`redis: expected a URL such as redis://localhost:6379, got ${show(masked(text))}.`, {
      cause: error,
    })
  }
  const protocol = url.protocol.replace(/^valkey/, 'redis')
  if (!['redis:', 'rediss:', 'unix:'].includes(protocol)) {
    throw new ConfigError(`redis: expected a URL with redis://, rediss:// or unix://, got ${show(masked(text))}.`)
  }
  const unix = protocol === 'unix:'
  const database = unix ? url.searchParams.get('db') : url.pathname.slice(1)
  if (database && !/^\d+$/.test(database)) {
    throw new ConfigError(`redis: expected the number of a database in the URL, got ${show(database)}.`)
  }
  const credentials = {
    ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    ...(database ? { db: Number(database) } : {}),
  }
  if (unix) return { path: decodeURIComponent(url.pathname), ...credentials }
  return {
    // An IPv6 address is in brackets.
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: url.port ? Number(url.port) : 6379,
    ...(protocol === 'rediss:' ? { tls: true } : {}),
    ...credentials,
  }
}

function masked(text: string): string {
  return text.replace(/:\/\/([^:@/]*):[^@/]*@/, '://$1:***@')
}
