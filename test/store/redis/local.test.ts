import { randomBytes } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RedisCluster, type RedisStandalone, startCluster, startRedis } from '../../../scripts/redis.js'
import { redis } from '../../../src/store/redis/index.js'
import type { RedisConnection } from '../../../src/store/redis/options.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { type App, World } from '../../soundness/world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text);
  INSERT INTO posts SELECT i, i % 3, 'title ' || i FROM generate_series(1, 9) i;`
const POST = 'SELECT id, title FROM posts WHERE id = $1'
const BY_AUTHOR = 'SELECT id, title FROM posts WHERE author = $1 ORDER BY id'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'
const LOCAL = { models: { '*': { ops: 'all', ttl: '1h', local: true } } } as const
/** For what must come, however slow the machine is. */
const PATIENCE = { timeout: 20_000, interval: 20 }

let servers: RedisStandalone
let cluster: RedisCluster
let world: World
beforeAll(async () => {
  ;[servers, cluster, world] = await Promise.all([startRedis(), startCluster(), World.open('redis_local')])
}, 60_000)
afterAll(async () => {
  await Promise.all([servers.stop(), cluster.stop(), world.end()])
})

const stores: RedisStore[] = []
const closers: (() => unknown)[] = []
let prefix: string
beforeEach(async () => {
  prefix = `t${randomBytes(6).toString('hex')}`
  await world.reset(SCHEMA)
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  for (const close of closers.splice(0)) await close()
})

/** A process with a store of its own. */
function app(connection: RedisConnection, readTimeout: '500ms' | '5s' = '5s'): Promise<App> {
  const store = redis(connection, { prefix, readTimeout, writeTimeout: '5s' })
  stores.push(store)
  return world.ready({ store, ...LOCAL })
}

/** How often the server was asked for values. */
async function asked(): Promise<number> {
  const text = await servers.server.request(['INFO', 'commandstats'])
  return Number(/cmdstat_mget:calls=(\d+)/.exec(text)?.[1] ?? 0)
}

/** Reads until the answer comes without a trip. */
async function keptHere(from: App, text: string, values: readonly unknown[]): Promise<void> {
  await vi.waitFor(async () => {
    const before = await asked()
    const { how, rows } = await from.ask(text, values)
    expect([how, await asked()]).toEqual(['hit', before])
    expect(rows).toEqual(await world.truth(text, values))
  }, PATIENCE)
}

/** Reads until what others wrote is there; from then on nothing older may come. */
async function catchesUp(from: App, text: string, values: readonly unknown[]): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await from.ask(text, values)
    expect(rows).toEqual(await world.truth(text, values))
  }, PATIENCE)
  await world.expectRight(from, text, values)
}

describe('local: entries are kept in this process, too', () => {
  it('a local hit makes no trip, and own writes are seen at once', async () => {
    const one = await app(servers.server.url)
    await keptHere(one, POST, [1])
    await keptHere(one, BY_AUTHOR, [1])
    for (let round = 0; round < 20; round++) {
      await one.pool.query(SET, [1, `round ${round}`])
      await world.expectRight(one, POST, [1])
      await world.expectRight(one, BY_AUTHOR, [1])
    }
    await keptHere(one, BY_AUTHOR, [2])
    await one.pool.query(SET, [1, 'of another author'])
    const before = await asked()
    expect((await one.ask(BY_AUTHOR, [2])).how).toBe('hit')
    expect(await asked()).toBe(before)
  })

  it('writes of other processes arrive', async () => {
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    await keptHere(one, BY_AUTHOR, [1])
    await two.pool.query(SET, [1, 'from the other'])
    await catchesUp(one, BY_AUTHOR, [1])
    await keptHere(one, BY_AUTHOR, [1])
    await two.pool.query('INSERT INTO posts VALUES (10, 1, $1)', ['new'])
    await catchesUp(one, BY_AUTHOR, [1])
    await keptHere(one, BY_AUTHOR, [1])
    await two.pool.query('TRUNCATE posts')
    await catchesUp(one, BY_AUTHOR, [1])
    await keptHere(one, BY_AUTHOR, [1])
    await two.cacheops.invalidateAll()
    await two.pool.query('ALTER TABLE posts ADD COLUMN more text')
    await two.pool.query('INSERT INTO posts VALUES (1, 1, $1)', ['after'])
    await catchesUp(one, BY_AUTHOR, [1])
  })

  it('A19: stamps that the server lost do not keep what they held', async () => {
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    for (const which of ['stamp}', 'schemes', '*']) {
      await keptHere(one, POST, [1])
      const keys = (await servers.server.request(['KEYS', `*${prefix}*`])).match(/\S*t[0-9a-f]{12}\S*/g) ?? []
      const lost = keys.filter((key) => which === '*' || key.endsWith(which.replace('}', '')))
      expect(lost.length).toBeGreaterThan(0)
      await servers.server.request(['DEL', ...lost])
      // Another reader makes the stamps anew, and knows nothing of what the first one holds.
      await two.ask(BY_AUTHOR, [2])
      await two.pool.query(SET, [1, `without ${which}`])
      await catchesUp(one, POST, [1])
    }
  })

  it('A19: a broken connection, and a server that is restarted empty, drop all that is local', async () => {
    const [one, two] = await Promise.all([app(servers.server.url), app(servers.server.url)])
    await keptHere(one, POST, [1])
    await servers.server.request(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await two.pool.query(SET, [1, 'while nobody heard'])
    await catchesUp(one, POST, [1])
    await keptHere(one, POST, [1])
    await servers.server.kill()
    await servers.server.start()
    await vi.waitFor(() => two.pool.query(SET, [1, 'after the restart']), PATIENCE)
    await catchesUp(one, POST, [1])
    await keptHere(one, POST, [1])
  })

  it('A19: a server that is stopped is noticed by its silence', async () => {
    const one = await app(servers.server.url, '500ms')
    await keptHere(one, POST, [1])
    servers.server.signal('SIGSTOP')
    try {
      await vi.waitFor(async () => {
        const before = (await one.cacheops.stats()).hits
        await one.ask(POST, [1])
        expect((await one.cacheops.stats()).hits).toBe(before)
      }, PATIENCE)
    } finally {
      servers.server.signal('SIGCONT')
    }
    await keptHere(one, POST, [1])
  })

  it.each<[string, () => Promise<RedisConnection>]>([
    ['a client of ioredis', async () => own(new Redis(servers.server.url), (client) => client.disconnect())],
    [
      'a client of node-redis',
      async () => own(await createClient({ url: servers.server.url }).connect(), (client) => client.destroy()) as never,
    ],
  ])('%s of the application is enough', async (_name, connection) => {
    const [one, two] = [await app(await connection()), await app(await connection())]
    await keptHere(one, POST, [1])
    await two.pool.query(SET, [1, 'from the other'])
    await catchesUp(one, POST, [1])
    await keptHere(one, POST, [1])
  })

  it('a cluster tells by way of each of its masters', async () => {
    const connections: (() => RedisConnection)[] = [
      () => ({ cluster: cluster.nodes }),
      () => own(new Cluster([...cluster.nodes]), (client) => client.disconnect()),
    ]
    for (const connection of connections) {
      const [one, two] = await Promise.all([app(connection()), app(connection())])
      await one.ask(POST, [1])
      const store = stores.at(-2) as RedisStore
      await vi.waitFor(async () => {
        await one.ask(POST, [1])
        expect(store.local.size).toBeGreaterThan(0)
      }, PATIENCE)
      await two.pool.query(SET, [1, `by ${connections.indexOf(connection)}`])
      await catchesUp(one, POST, [1])
    }
  })
})

function own<T>(client: T, close: (client: T) => unknown): T {
  closers.push(() => close(client))
  return client
}
