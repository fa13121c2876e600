import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type RedisProcess,
  type RedisSentinel,
  type RedisStandalone,
  startRedis,
  startSentinel,
} from '../../../scripts/redis.js'
import { redis } from '../../../src/store/redis/index.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { entry, fill, hits, insert, invalidate, lease, posts, read } from '../reader.js'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

/** What a read comes to, once the store answers again. */
async function answer(store: RedisStore): Promise<string> {
  return vi.waitFor(async () => (await read(store, posts('1'))).kind, PATIENCE)
}

describe('A12: a server that was started again', () => {
  let servers: RedisStandalone
  let server: RedisProcess
  let store: RedisStore
  let other: RedisStore
  beforeEach(async () => {
    servers = await startRedis(['--dbfilename', 'old.rdb'])
    server = servers.server
    store = redis(server.url, { readTimeout: '10s' })
    other = redis(server.url)
  })
  afterEach(async () => {
    await store.close()
    await other.close()
    await servers.stop()
  })

  /** From the state of the last SAVE. */
  async function restart(): Promise<void> {
    await server.kill()
    await server.start()
  }

  it('from an old state serves nothing of it, to those who knew it and to those who did not', async () => {
    await fill(store, posts('1'), 'old')
    await server.ask('SAVE')
    await invalidate(other, insert({ a: '1' }))
    await restart()
    const late = redis(server.url)
    expect(await server.ask('EXISTS', '{cacheops}:stamp')).toBe(':1')
    for (const each of [late, store, other]) expect(await answer(each)).toBe('miss')
    await fill(late, posts('1'), 'new')
    expect(await answer(store)).toBe('hit')
    await late.close()
  })

  it('lets no lease of before be stored, and no memo of before count', async () => {
    await lease(store, posts('1')) // registers the scheme, which the old state lacks
    await server.ask('FLUSHALL')
    await fill(store, posts('2'), 'table stamp only')
    await server.ask('SAVE')
    const early = await lease(store, posts('1'))
    await invalidate(other, insert({ a: '1' }))
    await restart()
    expect(await answer(store)).toBe('miss')
    await store.write(early, entry('old'), 60_000)
    expect(await hits(store, posts('1'))).toBe(false)
    await fill(store, posts('1'), 'new')
    await invalidate(other, insert({ a: '1' }))
    expect(await hits(store, posts('1'))).toBe(false)
  })

  it('uses no reply to a command that the client sent again behind our back', async () => {
    const client = new Redis(server.port, { maxRetriesPerRequest: null })
    const given = redis(client, { readTimeout: '20s' })
    await fill(given, posts('1'), 'old')
    const { database, key, tables, dependencies } = posts('1')
    const catalogStamp = await given.catalogStamp(database)
    await server.ask('SAVE')
    await invalidate(other, insert({ a: '1' }))
    await server.ask('CLIENT', 'PAUSE', '60000')
    const reply = given.read({ key, database, tables, catalogStamp, dependencies: () => dependencies })
    const outcome = Promise.resolve(reply).then(
      ({ kind }) => kind,
      (error: Error) => error.message,
    )
    await restart()
    expect(await outcome).toMatch(/connection to Redis changed/)
    expect(await answer(given)).toBe('miss')
    await given.close()
    client.disconnect()
  })

  it('knows a server again that only lost its connections', async () => {
    await fill(store, posts('1'))
    await server.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    expect(await answer(store)).toBe('hit')
    expect(await answer(other)).toBe('hit')
  })
})

describe('A12: two servers, one of which becomes master', () => {
  let first: RedisStandalone
  let second: RedisStandalone
  const clients: Redis[] = []
  beforeEach(async () => {
    first = await startRedis()
    second = await startRedis(['--replicaof', '127.0.0.1', String(first.server.port)])
    await follows()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    await first.stop()
    await second.stop()
  })

  const follows = () =>
    vi.waitUntil(
      async () => (await second.server.request(['INFO', 'replication'])).includes('master_link_status:up'),
      PATIENCE,
    )
  const equal = () =>
    vi.waitUntil(async () => (await second.server.ask('DBSIZE')) === (await first.server.ask('DBSIZE')), PATIENCE)
  const storeAt = (server: RedisProcess): { store: RedisStore; move: (to: RedisProcess) => void } => {
    const client = new Redis(server.port)
    client.on('error', () => undefined)
    clients.push(client)
    return {
      store: redis(client),
      move(to) {
        client.options.port = to.port
        client.disconnect(true)
      },
    }
  }

  it('reads from no replica', async () => {
    const { store } = storeAt(second.server)
    await expect(fill(store, posts('1'))).rejects.toThrow(/is a replica/)
  })

  it('notices a master that has become a replica by its refusal', async () => {
    const { store } = storeAt(first.server)
    await fill(store, posts('1'))
    await second.server.ask('REPLICAOF', 'NO', 'ONE')
    await first.server.ask('REPLICAOF', '127.0.0.1', String(second.server.port))
    await expect(invalidate(store, insert({ a: '1' }))).rejects.toThrow(/READONLY|LOADING|MASTERDOWN/)
    await expect(hits(store, posts('1'))).rejects.toThrow(/is a replica/)
  })

  it('drops everything when a process moves to a server that others know: what it told the old one may be lost', async () => {
    const [moving, there] = [storeAt(first.server), storeAt(second.server)]
    await fill(moving.store, posts('1'), 'old')
    await equal()
    await second.server.ask('REPLICAOF', 'NO', 'ONE')
    // Another process is there first, and what it stores is from before the write whose invalidation follows.
    await fill(there.store, posts('1'), 'old')
    expect(await hits(there.store, posts('1'))).toBe(true)
    await invalidate(moving.store, insert({ a: '1' }))
    moving.move(second.server)
    await vi.waitUntil(async () => !(await hits(moving.store, posts('1')).catch(() => true)), PATIENCE)
    expect(await hits(there.store, posts('1'))).toBe(false)
  })

  it('notices the way there and back', async () => {
    const { store, move } = storeAt(first.server)
    await fill(store, posts('1'), 'old')
    await equal()
    await second.server.ask('REPLICAOF', 'NO', 'ONE')
    await invalidate(store, insert({ a: '1' }))
    // The first takes over what the second has, old stamps among it, and is master again: the same process, another past.
    await first.server.ask('REPLICAOF', '127.0.0.1', String(second.server.port))
    await vi.waitUntil(
      async () => (await first.server.request(['INFO', 'replication'])).includes('master_link_status:up'),
      PATIENCE,
    )
    await first.server.ask('REPLICAOF', 'NO', 'ONE')
    move(first.server)
    await vi.waitUntil(async () => !(await hits(store, posts('1')).catch(() => true)), PATIENCE)
    const late = storeAt(first.server)
    expect(await hits(late.store, posts('1'))).toBe(false)
  })
})

describe('A12: sentinels that fail over', () => {
  let servers: RedisSentinel
  beforeAll(async () => {
    servers = await startSentinel()
  })
  afterAll(() => servers.stop())

  it('to a replica that lacks an invalidation: it is not served there', async () => {
    const by = { sentinels: servers.sentinels, name: servers.name }
    const [store, other] = [redis(by), redis(by)]
    await fill(store, posts('1'), 'old')
    const master = await servers.master()
    const replica = servers.processes.find((each) => each !== master) as RedisProcess
    await vi.waitUntil(async () => (await replica.ask('DBSIZE')) === (await master.ask('DBSIZE')), PATIENCE)
    // What comes later does not reach the replica.
    replica.signal('SIGSTOP')
    await master.ask('CLIENT', 'KILL', 'TYPE', 'replica')
    await invalidate(other, insert({ a: '1' }))
    expect(await hits(store, posts('1'))).toBe(false)
    await master.kill()
    replica.signal('SIGCONT')
    await vi.waitUntil(async () => (await servers.master()) === replica, { timeout: 30_000, interval: 50 })
    expect(await replica.ask('EXISTS', '{cacheops}:stamp')).toBe(':1')
    for (const each of [store, other]) expect(await answer(each)).toBe('miss')
    await fill(store, posts('1'), 'new')
    expect(await answer(other)).toBe('hit')
    await store.close()
    await other.close()
  }, 90_000)
})
