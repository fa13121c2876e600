import type { Hearing, RedisClient } from '../client.js'
import { keyOf, slotOf } from '../slot.js'
import { StoreError } from '../store-error.js'

/** Replies as text, whatever the user's own commands are mapped to. */
const OPTIONS = { typeMapping: {} }

// biome-ignore lint/suspicious/noExplicitAny: as node's own emitters are typed, which these are
type Listener = (...args: any[]) => void

interface Emitter {
  on(event: string, listener: Listener): unknown
  readonly isOpen: boolean
}

/** What of node-redis's client is used. */
export interface NodeRedis extends Emitter {
  readonly isReady: boolean
  sendCommand(command: string[], options?: object): Promise<unknown>
  readonly options?: { readonly socket?: object }
  duplicate(override?: object): NodeRedis
  connect(): Promise<unknown>
  destroy(): void
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  off(event: string, listener: Listener): unknown
}

export interface NodeRedisSentinel extends Emitter {
  sendCommand(readonly: boolean, command: string[], options?: object): Promise<unknown>
}

interface Master {
  readonly address: string
}

export interface NodeRedisCluster extends Emitter {
  readonly slots: readonly ({ readonly master: Master } | undefined)[]
  readonly masters: readonly Master[]
  nodeClient(master: Master): NodeRedis | Promise<NodeRedis>
  sendCommand(key: string, readonly: boolean, command: string[], options?: object): Promise<unknown>
}

/** One connection to one master. */
export class NodeRedisClient implements RedisClient {
  readonly name = 'redis'
  readonly cluster = false
  readonly #redis: NodeRedis

  constructor(redis: NodeRedis) {
    this.#redis = redis
  }

  send(_key: string, command: string[]): Promise<unknown> {
    return this.#redis.sendCommand(command, OPTIONS)
  }

  route(): string {
    return ''
  }

  ready(): Promise<void> {
    return opened(this.#redis)
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    return new Map([['', String(await this.#redis.sendCommand(['INFO'], OPTIONS))]])
  }

  onUncertain(listener: () => void): void {
    for (const event of ['error', 'reconnecting', 'end']) this.#redis.on(event, listener)
  }

  hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    return hear(this.#redis, channel, listener, lost)
  }

  publish(channel: string, message: (route: string) => string): readonly string[] {
    // What is not published is not heard.
    this.#redis.sendCommand(['PUBLISH', channel, message('')], OPTIONS).catch(() => undefined)
    return ['']
  }

  renew(): void {}

  async close(): Promise<void> {}
}

/** The master that sentinels name. */
export class NodeRedisSentinelClient implements RedisClient {
  readonly name = 'redis (sentinel)'
  readonly cluster = false
  readonly #redis: NodeRedisSentinel

  constructor(redis: NodeRedisSentinel) {
    this.#redis = redis
  }

  send(_key: string, command: string[]): Promise<unknown> {
    // Not as a read, which might go to a replica.
    return this.#redis.sendCommand(false, command, OPTIONS)
  }

  route(): string {
    return ''
  }

  ready(): Promise<void> {
    return opened(this.#redis)
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    return new Map([['', String(await this.#redis.sendCommand(false, ['INFO'], OPTIONS))]])
  }

  onUncertain(listener: () => void): void {
    for (const event of ['error', 'reconnecting', 'end', 'client-error', 'topology-change'])
      this.#redis.on(event, listener)
  }

  /** Its own subscription moves to another master unseen. */
  hear(): Promise<Hearing> {
    return Promise.reject(new StoreError(`${this.name}: it does not tell when messages may have been missed.`))
  }

  publish(): readonly string[] {
    return []
  }

  renew(): void {}

  async close(): Promise<void> {}
}

export class NodeRedisClusterClient implements RedisClient {
  readonly name = 'redis (cluster)'
  readonly cluster = true
  readonly #redis: NodeRedisCluster

  constructor(redis: NodeRedisCluster) {
    this.#redis = redis
  }

  send(key: string, command: string[]): Promise<unknown> {
    return this.#redis.sendCommand(key, false, command, OPTIONS)
  }

  /** A redirected command is sent again only after these are read anew. */
  route(key: string): string {
    return this.#redis.slots[slotOf(key)]?.master.address ?? ''
  }

  ready(): Promise<void> {
    return opened(this.#redis)
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    const infos = this.#redis.masters.map(async (master): Promise<[string, string]> => {
      const client = await this.#redis.nodeClient(master)
      const info = String(await client.sendCommand(['INFO'], OPTIONS))
      if (info.includes('role:slave')) await this.#askElsewhere(master)
      return [master.address, info]
    })
    return new Map(await Promise.all(infos))
  }

  onUncertain(listener: () => void): void {
    for (const event of ['error', 'node-error', 'node-reconnecting', 'node-disconnect', 'disconnect']) {
      this.#redis.on(event, listener)
    }
  }

  /** The library learns of another master by a redirection: it gets one for a key of a slot that was this one's. */
  async #askElsewhere(master: Master): Promise<void> {
    const slot = this.#redis.slots.findIndex((each) => each?.master === master)
    if (slot < 0) return
    const key = keyOf(slot)
    await this.#redis.sendCommand(key, false, ['EXISTS', key], OPTIONS)
  }

  async hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    const [master] = this.#redis.masters
    if (master === undefined) throw new StoreError(`${this.name}: it knows no master.`)
    return hear(await this.#redis.nodeClient(master), channel, listener, lost)
  }

  publish(channel: string, message: (route: string) => string): readonly string[] {
    return this.#redis.masters.map((master) => {
      const command = ['PUBLISH', channel, message(master.address)]
      // What is not published is not heard.
      Promise.resolve(this.#redis.nodeClient(master))
        .then((client) => client.sendCommand(command, OPTIONS))
        .catch(() => undefined)
      return master.address
    })
  }

  renew(): void {}

  async close(): Promise<void> {}
}

/** One connection and no other: what is missed between two would be missed unseen. */
async function hear(
  from: NodeRedis,
  channel: string,
  listener: (message: string) => void,
  lost: () => void,
): Promise<Hearing> {
  const redis = from.duplicate({ socket: { ...from.options?.socket, reconnectStrategy: false } })
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    lost()
  }
  const close = (): void => {
    over = true
    if (redis.isOpen) redis.destroy()
  }
  redis.on('error', end)
  redis.on('end', end)
  try {
    await redis.connect()
    await redis.subscribe(channel, listener)
  } catch (error) {
    close()
    throw error
  }
  return { close }
}

function opened(redis: Emitter): Promise<void> {
  if (redis.isOpen) return Promise.resolve()
  return Promise.reject(new StoreError('redis: the client is not connected. Call `await client.connect()` first.'))
}
