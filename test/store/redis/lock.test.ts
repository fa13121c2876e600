import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RedisCluster, type RedisStandalone, startCluster, startRedis } from '../../../scripts/redis.js'
import { redis } from '../../../src/store/redis/index.js'
import type { RedisConnection, RedisOptions } from '../../../src/store/redis/options.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { type App, World } from '../../soundness/world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text);
  INSERT INTO posts SELECT i, i % 3, 'title ' || i FROM generate_series(1, 9) i;`
const BY_AUTHOR = 'SELECT id, title FROM posts WHERE author = $1 ORDER BY id'
const PATIENCE = { timeout: 20_000, interval: 20 }

describe('lock: one computes, the others wait', () => {
  let servers: RedisStandalone
  let cluster: RedisCluster
  let world: World
  beforeAll(async () => {
    ;[servers, cluster, world] = await Promise.all([startRedis(), startCluster(), World.open('redis_lock')])
  }, 60_000)
  afterAll(() => Promise.all([servers.stop(), cluster.stop(), world.end()]))

  const stores: RedisStore[] = []
  let prefix: string
  beforeEach(async () => {
    prefix = `t${randomBytes(6).toString('hex')}`
    await world.reset(SCHEMA)
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()))
  })

  function app(connection: RedisConnection, options: RedisOptions = {}): Promise<App> {
    const store = redis(connection, { prefix, readTimeout: '5s', writeTimeout: '5s', ...options })
    stores.push(store)
    return world.ready({ store, models: { '*': { ops: 'all', ttl: '1h', lock: true } } })
  }

  async function waiting(): Promise<number> {
    const text = `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE d.datname = current_database() AND NOT l.granted`
    return Number((await world.truth(text))[0]?.n)
  }

  /** Every read of the table waits until the end of `during`. */
  async function heldUp<T>(during: () => Promise<T>): Promise<T> {
    const client = await world.plain.connect()
    try {
      await client.query('BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE')
      return await during()
    } finally {
      await client.query('COMMIT')
      client.release()
    }
  }

  it.each<[string, () => RedisConnection]>([
    ['one server', () => servers.server.url],
    ['a cluster', () => ({ cluster: cluster.nodes })],
  ])('callers of two processes ask the database once: %s', async (_name, connection) => {
    const apps = await Promise.all([app(connection()), app(connection())])
    const reads = await heldUp(async () => {
      const asked = apps.flatMap((each) => Array.from({ length: 6 }, () => each.pool.query(BY_AUTHOR, [1])))
      await vi.waitFor(async () => expect(await waiting()).toBe(1), PATIENCE)
      // The others have had the time to ask, too, and did not: a lock that was let go would be seen in the counts below.
      return asked
    })
    const truth = await world.truth(BY_AUTHOR, [1])
    for (const { rows } of await Promise.all(reads)) expect(rows).toEqual(truth)
    const stats = await Promise.all(apps.map((each) => each.cacheops.stats()))
    expect(stats.map(({ misses }) => misses).sort()).toEqual([0, 1])
    expect(stats.reduce((sum, { hits }) => sum + hits, 0)).toBe(11)
  })

  it('who waits holds no connection', async () => {
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    const reads = await heldUp(async () => {
      const first = one.pool.query(BY_AUTHOR, [1])
      await vi.waitFor(async () => expect(await waiting()).toBe(1), PATIENCE)
      const others = Array.from({ length: 20 }, () => two.pool.query(BY_AUTHOR, [1]))
      // More wait than the pool has connections.
      expect((await two.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      expect(await waiting()).toBe(1)
      return [first, ...others]
    })
    await Promise.all(reads)
  })

  it("the holder's death frees it, and nobody waits longer than the lock lives", async () => {
    const dead = redis(servers.server.url, { prefix, lockTimeout: '300ms' })
    stores.push(dead)
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    const leases: Parameters<RedisStore['turn']>[0][] = []
    const store = stores.at(-1) as RedisStore
    const turn = store.turn.bind(store)
    vi.spyOn(store, 'turn').mockImplementation(async (lease) => {
      // A holder that takes its turn and is never heard of again.
      if (leases.push(lease) === 1) expect((await dead.turn(lease)).mine).toBe(true)
      return turn(lease)
    })
    const truth = await world.truth(BY_AUTHOR, [1])
    expect((await two.pool.query(BY_AUTHOR, [1])).rows).toEqual(truth)
    expect(leases).toHaveLength(1)
    expect((await one.ask(BY_AUTHOR, [1])).how).toBe('hit')
  })

  it('a write in between is seen by all who waited', async () => {
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    const [first, second] = await heldUp(async () => {
      const asked = [one.pool.query(BY_AUTHOR, [1]), two.pool.query(BY_AUTHOR, [1])] as const
      await vi.waitFor(async () => expect(await waiting()).toBe(1), PATIENCE)
      return asked
    })
    await one.pool.query('UPDATE posts SET title = $1 WHERE author = 1', ['written'])
    await Promise.all([first, second])
    for (const each of [one, two]) await world.expectRight(each, BY_AUTHOR, [1])
  })

  it('a lock that fails keeps nobody from the database', async () => {
    const one = await app(servers.server.url)
    const store = stores.at(-1) as RedisStore
    vi.spyOn(store, 'turn').mockRejectedValue(new Error('no lock'))
    expect((await one.ask(BY_AUTHOR, [1])).rows).toEqual(await world.truth(BY_AUTHOR, [1]))
    expect((await one.ask(BY_AUTHOR, [1])).how).toBe('hit')
  })
})
