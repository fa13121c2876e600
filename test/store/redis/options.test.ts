import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/base/errors.js'
import { redis } from '../../../src/store/redis/index.js'
import { parseUrl } from '../../../src/store/redis/options.js'

describe('redis(): a URL', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379 }],
    [
      'redis://me:p%40ss@cache.example:7000/2',
      { host: 'cache.example', port: 7000, username: 'me', password: 'p@ss', db: 2 },
    ],
    ['rediss://:secret@[::1]:6380', { host: '::1', port: 6380, tls: true, password: 'secret' }],
    ['unix:///run/redis.sock?db=1', { path: '/run/redis.sock', db: 1 }],
    ['valkeys://cache', { host: 'cache', port: 6379, tls: true }],
  ])('%s', (url, expected) => {
    expect(parseUrl(url)).toEqual(expected)
  })

  it.each(['', 'localhost:6379', 'http://localhost', 'redis://localhost/main'])('refuses %j', (url) => {
    expect(() => redis(url)).toThrow(ConfigError)
  })

  it('shows no password', () => {
    expect(() => redis('http://me:secret@localhost')).toThrow(/http:\/\/me:\*\*\*@localhost/)
  })

  it('says what is missing', () => {
    expect(() => redis(undefined)).toThrow(/environment variable/)
  })
})

describe('redis(): options', () => {
  it.each([
    [{ prefix: 'a{b}' }, /prefix/],
    [{ prefix: '' }, /prefix/],
    [{ readTimeout: 500 }, /readTimeout.*'500ms'/],
    [{ writeTimeout: '2' }, /writeTimeout/],
    [{ maxSchemes: 0 }, /maxSchemes/],
    [{ ttl: '1h' }, /no option 'ttl'/],
  ])('refuses %j', (options, message) => {
    expect(() => redis('redis://localhost', options as never)).toThrow(message)
  })

  it.each([
    [{ host: 'a', keyPrefix: 'x' }, /no connection option 'keyPrefix'/],
    [{ sentinels: [], name: 'main' }, /sentinels/],
    [{ sentinels: [{ host: 'a', port: 1 }] }, /name/],
    [{ cluster: ['redis://a'] }, /cluster/],
    [{ cluster: [{ host: 'a', port: 1 }], scaleReads: 'all' }, /scaleReads/],
  ])('refuses the connection %j', (connection, message) => {
    expect(() => redis(connection as never)).toThrow(message)
  })
})

describe('redis(): a client', () => {
  it("A4: with a key prefix of its own is refused, as others' stamps would have other names", () => {
    const clients = [
      new Redis({ lazyConnect: true, keyPrefix: 'app:' }),
      new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true, keyPrefix: 'app:' }),
      new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true, redisOptions: { keyPrefix: 'app:' } }),
      createClient({ keyPrefix: 'app:' }),
      createCluster({ rootNodes: [], keyPrefix: 'app:' }),
      createSentinel({ name: 'main', sentinelRootNodes: [], keyPrefix: 'app:' }),
    ]
    for (const client of clients) expect(() => redis(client)).toThrow(/key prefix of its own \('app:'\)/)
  })

  it('A12: that reads from replicas is refused', () => {
    for (const scaleReads of ['all', 'slave'] as const) {
      const client = new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true, scaleReads })
      expect(() => redis(client)).toThrow(/replicas/)
    }
    const sentinels = [{ host: 'a', port: 1 }]
    const replica = new Redis({ lazyConnect: true, sentinels, name: 'main', role: 'slave' })
    expect(() => redis(replica)).toThrow(/replicas/)
  })

  it('that is a pool is refused: which connection answers is not known', () => {
    expect(() => redis(createClientPool() as never)).toThrow(/pool/)
  })

  it('that is not connected says so', async () => {
    await expect(redis(createClient()).catalogStamp('db')).rejects.toThrow(/client\.connect\(\)/)
  })
})
