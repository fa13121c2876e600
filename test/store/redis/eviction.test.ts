import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisStandalone, startRedis } from '../../../scripts/redis.js'
import type { Store } from '../../../src/store/store.js'
import type { StoreUnderTest } from '../contract.js'
import { randomHistories } from '../histories.js'
import { entry, fill, hits, insert, invalidate, posts, read } from '../reader.js'
import { Pair } from './servers.js'

const SCHEME = '[\\w-]{43}'
/** Every kind of key that a server may lose, by its name behind the prefix. */
const KINDS: Readonly<Record<string, RegExp>> = {
  entry: /:q:/,
  'global stamp': /^\{\w+\}:stamp$/,
  'database stamp': /^\{\w+\}:.+:stamp$/,
  'catalog stamp': /:catalog$/,
  'table stamp': /^\w+:\{.+\}:stamp$/,
  registry: /:schemes$/,
  'scheme stamp': new RegExp(`\\}:${SCHEME}$`),
  'conj stamp': new RegExp(`\\}:${SCHEME}:`),
  'known servers': /:servers$/,
  'who blocks': /:blocks$/,
  'what a token blocks': /:block:/,
}

describe('S5, A1: a server that loses keys', () => {
  let servers: RedisStandalone
  let client: Redis
  beforeAll(async () => {
    servers = await startRedis()
    client = new Redis(servers.server.port)
  })
  afterAll(async () => {
    client.disconnect()
    await servers.stop()
  })

  it('keeps no key of another kind than those below', async () => {
    const pair = new Pair([servers.server.url, servers.server.url], servers.processes)
    await fill(pair.store, posts('1'))
    await pair.store.block('db', ['public.u'], 'token')
    const keys = await pair.keys()
    for (const [kind, name] of Object.entries(KINDS)) {
      expect(keys.filter((key) => name.test(key)).length, kind).toBeGreaterThan(0)
    }
    for (const key of keys) {
      expect(
        Object.values(KINDS).filter((name) => name.test(key)),
        key,
      ).toHaveLength(1)
    }
    await pair.store.unblock('db', 'token')
    await pair.end()
  })

  describe.each(Object.entries(KINDS))('of the kind: %s', (_, name) => {
    randomHistories((options) => {
      const pair = new Pair([servers.server.url, servers.server.url], servers.processes, options)
      return losing(pair, async (turn) => {
        const keys = await keysOf(client, pair.prefix)
        const kind = keys.filter((key) => name.test(key))
        const key = kind[turn % kind.length]
        if (key !== undefined) await client.del(key)
      })
    }, 25)
  })

  describe('whatever it likes', () => {
    randomHistories((options) => {
      const pair = new Pair([servers.server.url, servers.server.url], servers.processes, options)
      return losing(pair, async (turn) => {
        // Who blocks is known in two places, and one of them at a time is lost.
        const keys = (await keysOf(client, pair.prefix)).filter((key) => !key.includes(':block'))
        const some = keys.filter((_, index) => (turn * 7 + index) % 3 === 0)
        if (some.length > 0) await client.del(...some)
      })
    }, 50)
  })
})

describe('A2: a block that the server lost', () => {
  it('is put back by whoever waits for the outcome, and what came meanwhile is dropped', async () => {
    const servers = await startRedis()
    const pair = new Pair([servers.server.url, servers.server.url], servers.processes)
    try {
      await pair.store.block('db', ['public.t'], 'token')
      await pair.lose(() => true)
      await fill(pair.other, posts('1'), 'perhaps old')
      expect(await hits(pair.other, posts('1'))).toBe(true)
      await pair.store.renew()
      expect((await read(pair.other, posts('1'))).kind).toBe('blocked')
      await pair.other.unblock('db', 'token')
      expect(await hits(pair.other, posts('1'))).toBe(false)
    } finally {
      await pair.end()
      await servers.stop()
    }
  })
})

describe.each(['allkeys-lru', 'allkeys-random', 'volatile-lru', 'volatile-ttl', 'volatile-random'])(
  'a server that evicts by %s',
  (policy) => {
    let servers: RedisStandalone
    let client: Redis
    beforeAll(async () => {
      servers = await startRedis(['--maxmemory', '2500kb', '--maxmemory-policy', policy])
      client = new Redis(servers.server.port)
    })
    afterAll(async () => {
      expect(await evicted(client)).toBeGreaterThan(100)
      client.disconnect()
      await servers.stop()
    })

    randomHistories((options) => {
      const pair = new Pair([servers.server.url, servers.server.url], servers.processes, options)
      return losing(pair, async (turn) => {
        const junk = Array.from({ length: 20 }, (_, index) =>
          client.set(`junk ${turn} ${index}`, 'x'.repeat(2000), 'EX', 100),
        )
        await Promise.all(junk)
      })
    }, 8)

    it('never serves what was dropped, and keeps some', async () => {
      const pair = new Pair([servers.server.url, servers.server.url], servers.processes)
      let found = 0
      for (let round = 0; round < 300; round++) {
        const asked = posts(String(round % 10))
        // A stamp may go between the steps of one read: that is no entry then.
        const reply = await read(pair.store, asked)
        if (reply.kind === 'miss') await pair.store.write(reply.lease, entry(`${round} ${'x'.repeat(300)}`), 60_000)
        if (await hits(pair.other, asked)) found++
        await invalidate(pair.other, insert({ a: String(round % 10) }))
        expect(await hits(pair.store, asked)).toBe(false)
        await client.set(`junk ${round}`, 'x'.repeat(20_000), 'EX', 100)
      }
      expect(found).toBeGreaterThan(50)
      await pair.end()
    })
  },
)

/** Loses something after every other step of either process. */
function losing(pair: Pair, lose: (turn: number) => Promise<void>): StoreUnderTest {
  let turn = 0
  const over = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as unknown
        if (typeof method !== 'function' || name === 'combine') return method
        return async (...args: unknown[]) => {
          const result = await method.apply(target, args)
          if (++turn % 10 === 0) await lose(turn)
          return result
        }
      },
    })
  return {
    store: over(pair.store),
    other: over(pair.other),
    loseStamps: () => pair.loseStamps(),
    end: () => pair.end(),
  }
}

async function keysOf(client: Redis, prefix: string): Promise<string[]> {
  return [...(await client.keys(`${prefix}:*`)), ...(await client.keys(`{${prefix}}:*`))].sort()
}

async function evicted(client: Redis): Promise<number> {
  return Number(/evicted_keys:(\d+)/.exec(await client.info('stats'))?.[1])
}
