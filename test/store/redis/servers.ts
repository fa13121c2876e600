import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { RedisProcess } from '../../../scripts/redis.js'
import { redis } from '../../../src/store/redis/index.js'
import type { RedisConnection, RedisOptions } from '../../../src/store/redis/options.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import type { ContractOptions, StoreUnderTest } from '../contract.js'

/** A key prefix of its own: stores on one server that know nothing of each other. */
function freshPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`
}

/** Two stores, as two processes have them, and a way to lose what they keep. */
export class Pair implements StoreUnderTest {
  readonly store: RedisStore
  readonly other: RedisStore
  readonly prefix = freshPrefix()
  readonly #masters: readonly RedisProcess[]

  constructor(
    connections: readonly [RedisConnection, RedisConnection],
    masters: readonly RedisProcess[],
    options: ContractOptions & RedisOptions = {},
  ) {
    const own = { prefix: this.prefix, readTimeout: '5s', writeTimeout: '5s', ...options } as const
    this.store = redis(connections[0], own)
    this.other = redis(connections[1], own)
    this.#masters = masters
  }

  /** Every key but the blocks, as a server that evicts whatever it likes might. */
  async loseStamps(): Promise<void> {
    await this.lose((key) => !key.includes(':block'))
  }

  /** The keys of this pair that `which` names. */
  async keys(which: (key: string) => boolean = () => true): Promise<string[]> {
    const found = await Promise.all(this.#masters.map((master) => keysOf(master, this.prefix)))
    return found.flat().filter(which)
  }

  async lose(which: (key: string) => boolean): Promise<void> {
    for (const master of this.#masters) {
      const keys = (await keysOf(master, this.prefix)).filter(which)
      if (keys.length > 0) await master.request(['DEL', ...keys])
    }
  }

  async end(): Promise<void> {
    await Promise.all([this.store.close(), this.other.close()])
  }
}

async function keysOf(master: RedisProcess, prefix: string): Promise<string[]> {
  const client = new Redis(master.port, '127.0.0.1')
  try {
    // In the test only: the server is ours and small.
    return [...(await client.keys(`${prefix}:*`)), ...(await client.keys(`{${prefix}}:*`))]
  } finally {
    client.disconnect()
  }
}
