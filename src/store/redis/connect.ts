import { show } from '../../base/duration.js'
import { ConfigError } from '../../base/errors.js'
import type { RedisClient } from './client.js'
import { type IoRedis, IoRedisClient, type IoRedisCluster, IoRedisClusterClient, letGo } from './clients/ioredis.js'
import {
  type NodeRedis,
  NodeRedisClient,
  type NodeRedisCluster,
  NodeRedisClusterClient,
  type NodeRedisSentinel,
  NodeRedisSentinelClient,
} from './clients/node-redis.js'
import { SentinelClient } from './clients/sentinel.js'
import {
  parseUrl,
  type RedisClusterOptions,
  type RedisConnection,
  type RedisSentinelOptions,
  type RedisServerOptions,
} from './options.js'

/**
 * How to reach the servers. What can be wrong is told here; the connection is made when it is first needed.
 *
 * @throws ConfigError that names what was given and what was expected
 */
export function connector(connection: RedisConnection | undefined): () => Promise<RedisClient> {
  if (typeof connection === 'string') return server(parseUrl(connection))
  if (typeof connection !== 'object' || connection === null) {
    throw new ConfigError(
      `redis: expected a URL such as redis://localhost:6379, options, or a client, got ${show(connection)}. Is the environment variable set?`,
    )
  }
  const client = userClient(connection)
  if (client) return () => Promise.resolve(client)
  if ('sentinels' in connection) return sentinel(connection)
  if ('cluster' in connection) return cluster(connection)
  return server(connection as RedisServerOptions)
}

/** Nothing waits in a queue for a server that is down, and nothing is sent twice: whoever asked decides. */
const PLAIN = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
}
const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1000)

/** How long a sentinel may take to answer. */
const SENTINEL_MS = 1000

function server(options: RedisServerOptions): () => Promise<RedisClient> {
  known(options, ['host', 'port', 'path', 'username', 'password', 'tls', 'db'])
  const { path, host = 'localhost', port = 6379 } = options
  return async () => {
    const { Redis } = await library()
    const where = path === undefined ? { host, port } : { path }
    return new IoRedisClient(new Redis({ ...PLAIN, retryStrategy, ...where, ...shared(options) }), 'ioredis', true)
  }
}

function sentinel(options: RedisSentinelOptions): () => Promise<RedisClient> {
  const names = ['sentinels', 'name', 'sentinelUsername', 'sentinelPassword', 'username', 'password', 'tls', 'db']
  known(options, names)
  addresses(options.sentinels, 'sentinels')
  if (typeof options.name !== 'string' || options.name === '') {
    throw new ConfigError(`redis: name: expected what the sentinels call the master, got ${show(options.name)}.`)
  }
  const { sentinels, name, sentinelUsername, sentinelPassword } = options
  return async () => {
    const { Redis } = await library()
    const redis = new Redis({
      ...PLAIN,
      retryStrategy,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      name,
      ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
      ...(options.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(options.tls) } : {}),
      ...shared(options),
    })
    const asked = sentinels.map(({ host, port }) => {
      const sentinel = new Redis({
        ...PLAIN,
        retryStrategy,
        // The first question is what connects it, and waits for that.
        enableOfflineQueue: true,
        maxRetriesPerRequest: 1,
        connectTimeout: SENTINEL_MS,
        commandTimeout: SENTINEL_MS,
        host,
        port,
        ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
        ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
        ...(options.tls ? { tls: tlsOf(options.tls) } : {}),
      })
      letGo(sentinel)
      return sentinel
    })
    return new SentinelClient(new IoRedisClient(redis, 'ioredis (sentinel)', true), name, asked)
  }
}

function cluster(options: RedisClusterOptions): () => Promise<RedisClient> {
  known(options, ['cluster', 'username', 'password', 'tls'])
  addresses(options.cluster, 'cluster')
  return async () => {
    const { Cluster } = await library()
    const redis = new Cluster(
      options.cluster.map(({ host, port }) => ({ host, port })),
      { lazyConnect: true, scaleReads: 'master', redisOptions: shared(options) },
    )
    return new IoRedisClusterClient(redis, 'ioredis (cluster)', true)
  }
}

function shared(options: RedisServerOptions): {
  username?: string
  password?: string
  tls?: object
  db?: number
} {
  const { username, password, tls, db } = options
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: tlsOf(tls) } : {}),
    ...(db === undefined ? {} : { db }),
  }
}

function tlsOf(tls: boolean | object): object {
  return typeof tls === 'object' ? tls : {}
}

async function library(): Promise<Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>> {
  try {
    return await import('ioredis')
  } catch (error) {
    throw new ConfigError(
      'redis: the package ioredis is needed to connect by a URL or options, and could not be loaded. Install it (npm install ioredis), or pass a client of ioredis, iovalkey or redis.',
      { cause: error },
    )
  }
}

function known(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new ConfigError(
        `redis: there is no connection option '${name}'. Expected ${names.join(', ')}; for more pass a client of your own.`,
      )
    }
  }
}

function addresses(list: unknown, name: string): void {
  const right =
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((each) => typeof each?.host === 'string' && Number.isInteger(each?.port))
  if (!right) throw new ConfigError(`redis: ${name}: expected a list of { host, port }, got ${show(list)}.`)
}

/** The adapter of a client, by its looks: copies of a library are many, so its classes say nothing. */
function userClient(connection: object): RedisClient | undefined {
  const looks = connection as Partial<Record<string, unknown>>
  if (typeof looks.call === 'function' && typeof looks.duplicate === 'function') {
    const redis = connection as IoRedis | IoRedisCluster
    const options = redis.options as Partial<Record<string, unknown>> & { redisOptions?: { keyPrefix?: unknown } }
    refusePrefix(options?.keyPrefix || options?.redisOptions?.keyPrefix)
    if (looks.isCluster === true) {
      if ((options.scaleReads ?? 'master') !== 'master') refuseReplicas(`scaleReads: ${show(options.scaleReads)}`)
      return new IoRedisClusterClient(redis as IoRedisCluster, 'the cluster client', false)
    }
    if (options.role === 'slave') refuseReplicas("role: 'slave'")
    return new IoRedisClient(redis as IoRedis, 'the client', false)
  }
  if (typeof looks.sendCommand === 'function' && typeof looks.connect === 'function') {
    refusePrefix(looks._keyPrefix)
    if (typeof looks.nodeClient === 'function') return new NodeRedisClusterClient(connection as NodeRedisCluster)
    if (typeof looks.getMasterNode === 'function' || typeof looks.getSentinelNode === 'function') {
      return new NodeRedisSentinelClient(connection as NodeRedisSentinel)
    }
    if (typeof looks.isReady !== 'boolean') {
      throw new ConfigError(
        'redis: a pool of clients was given: which of its connections answers is not known. Pass one client.',
      )
    }
    return new NodeRedisClient(connection as NodeRedis)
  }
  return undefined
}

/** A4: processes must agree on the names of stamps, and scripts are given keys as they are. */
function refusePrefix(prefix: unknown): void {
  if (prefix === undefined || prefix === null || prefix === '') return
  throw new ConfigError(
    `redis: the client has a key prefix of its own (${show(prefix)}). Pass a client without one, and redis(client, { prefix: … }) instead.`,
  )
}

/** A12: a replica lags behind, and a hit there may be from before an acknowledged write. */
function refuseReplicas(how: string): never {
  throw new ConfigError(`redis: the client reads from replicas (${how}). Expected one that reads from masters only.`)
}
