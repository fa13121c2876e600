import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCluster, startRedis } from '../../../scripts/redis.js'
import type { RedisClient } from '../../../src/store/redis/client.js'
import { connector } from '../../../src/store/redis/connect.js'
import { checkOptions, type RedisConnection } from '../../../src/store/redis/options.js'
import { RedisStore } from '../../../src/store/redis/store.js'
import { type Asked, entry, type Find, fill, find, insert, invalidate, posts } from '../reader.js'

/** Counts round trips: the longest chain of commands, each sent after another's reply. */
class Counter {
  commands: string[] = []
  #done = 0

  over(client: RedisClient): RedisClient {
    return {
      name: client.name,
      cluster: client.cluster,
      route: (key) => client.route(key),
      ready: () => client.ready(),
      info: () => client.info(),
      onUncertain: (listener) => client.onUncertain(listener),
      renew: (route) => client.renew(route),
      hear: (...args) => client.hear(...args),
      publish: (...args) => client.publish(...args),
      close: () => client.close(),
      send: async (key, command) => {
        this.commands.push(command[0] as string)
        const trip = this.#done + 1
        try {
          return await client.send(key, command)
        } finally {
          this.#done = Math.max(this.#done, trip)
        }
      },
    }
  }

  async of(work: () => unknown): Promise<number> {
    this.#done = 0
    this.commands = []
    await work()
    return this.#done
  }
}

const join: Find = {
  key: 'join',
  database: 'db',
  tables: ['public.t', 'public.u', 'public.v'],
  dependencies: ['public.t', 'public.u', 'public.v'].flatMap(
    (table) => find({ key: '', table, where: { a: '1' }, read: ['b'] }).dependencies,
  ),
}

describe.each(['one server', 'a cluster'] as const)('round trips to %s', (kind) => {
  let stop: () => Promise<void>
  let store: RedisStore
  const counter = new Counter()
  beforeEach(async () => {
    let connection: RedisConnection
    if (kind === 'one server') {
      const servers = await startRedis()
      stop = servers.stop
      connection = servers.server.url
    } else {
      const servers = await startCluster()
      stop = servers.stop
      connection = { cluster: servers.nodes }
    }
    const connect = connector(connection)
    store = new RedisStore(
      async () => counter.over(await connect()),
      checkOptions({ readTimeout: '5s', writeTimeout: '5s' }),
    )
    // The scripts are known to every server, and the database above its tables is.
    await fill(store, join)
    await invalidate(store, insert({ a: '1' }))
    await store.invalidate('db', [
      { kind: 'table', table: 'public.u' },
      { kind: 'table', table: 'public.v' },
    ])
  })
  afterEach(async () => {
    await store.close()
    await stop()
  })

  async function read(asked: Asked) {
    const { key, database, tables, dependencies } = asked
    const catalogStamp = await store.catalogStamp(database, true)
    return store.read({ key, database, tables, catalogStamp, dependencies: () => dependencies })
  }

  it('a first miss takes three, a miss of known stamps two, a hit one', async () => {
    for (const asked of [posts('1'), join]) {
      expect(await counter.of(() => fillBy(asked))).toBe(3)
      expect(await counter.of(() => fillBy({ ...asked, key: `${asked.key} again` }))).toBe(2)
      expect(await counter.of(() => read(asked))).toBe(1)
      if (kind === 'one server') expect(counter.commands).toEqual(['MGET'])
      else expect(counter.commands).toEqual(Array(2 + asked.tables.length).fill('MGET'))
    }
  })

  async function fillBy(asked: Asked): Promise<void> {
    const reply = await read(asked)
    if (reply.kind !== 'miss') throw new Error(`expected a miss, not ${reply.kind}`)
    await store.write(reply.lease, entry('x'), 60_000)
  }

  it('an invalidation takes one, whatever the number of entries and tables; two where the registry is new', async () => {
    for (let i = 0; i < 50; i++) await fill(store, posts('1', `key ${i}`))
    await fill(store, join)
    const all = () =>
      invalidate(store, insert({ a: '1' }), insert({ a: '1' }, 'public.u'), insert({ a: '1' }, 'public.v'))
    expect(await counter.of(all)).toBe(2)
    await fill(store, join)
    expect(await counter.of(all)).toBe(1)
    expect(counter.commands).toHaveLength(4)
    // The script is sent once.
    await invalidate(store, { kind: 'everything' })
    for (const change of [
      { kind: 'table', table: 'public.t' },
      { kind: 'database', catalog: true },
      { kind: 'everything' },
    ] as const) {
      expect(await counter.of(() => invalidate(store, change))).toBe(1)
    }
  })

  it('what is known costs none: the schemes for a write, the last catalog stamp', async () => {
    await fill(store, posts('1'))
    await invalidate(store, insert({ a: '1' }))
    expect(await counter.of(() => store.schemes('db', 'public.t'))).toBe(0)
    expect(await counter.of(() => store.catalogStamp('db', true))).toBe(0)
    expect(await counter.of(() => store.catalogStamp('db'))).toBe(1)
    expect(await counter.of(() => store.schemes('db', 'public.other'))).toBe(1)
    expect(await counter.of(() => store.schemes('db', 'public.other'))).toBe(0)
  })

  it('the result of a function takes one where what it depends on is known, else two', async () => {
    const begun = await store.recall('f')
    const parts = [begun.lease, await leaseOf(posts('1'))]
    await store.write(store.combine('f', parts), entry('f'), 60_000)
    expect(await counter.of(() => store.recall('f'))).toBe(2)
    expect(await counter.of(() => store.recall('f'))).toBe(1)
    expect(await counter.of(() => store.drop('f'))).toBe(1)
  })

  async function leaseOf(asked: Asked) {
    const reply = await read(asked)
    if (reply.kind !== 'miss') throw new Error(`expected a miss, not ${reply.kind}`)
    return reply.lease
  }
})
