import type { Hearing, RedisClient } from '../client.js'
import { slotOf } from '../slot.js'
import { StoreError } from '../store-error.js'

// biome-ignore lint/suspicious/noExplicitAny: as node's own emitters are typed, which these are
type Listener = (...args: any[]) => void

interface Emitter {
  readonly status: string
  on(event: string, listener: Listener): unknown
  once(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  call(command: string, args: string[]): Promise<unknown>
}

/** What of a connection of ioredis or iovalkey is used; the two are of one origin. */
export interface IoRedis extends Emitter {
  readonly options: object
  readonly isCluster: boolean
  duplicate(override: object): IoRedis
  subscribe(channel: string): Promise<unknown>
}

export interface IoRedisCluster extends Emitter {
  readonly isCluster: boolean
  readonly options: object
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(role: 'all' | 'master'): readonly IoRedisNode[]
  refreshSlotsCache(callback: () => void): void
}

type IoRedisNode = Pick<IoRedis, 'duplicate'> &
  Emitter & {
    readonly options: {
      readonly host?: string | undefined
      readonly port?: number | undefined
      readonly readOnly?: boolean | undefined
    }
  }

/** One master, reached directly or through sentinels. */
export class IoRedisClient implements RedisClient {
  readonly name: string
  readonly cluster = false
  readonly #redis: IoRedis
  readonly #own: boolean

  /** @param own - made by us: ours to close */
  constructor(redis: IoRedis, name: string, own: boolean) {
    this.#redis = redis
    this.name = name
    this.#own = own
    if (own) letGo(redis)
  }

  send(_key: string, command: string[]): Promise<unknown> {
    return this.#redis.call(command[0] as string, command.slice(1))
  }

  route(): string {
    return ''
  }

  ready(): Promise<void> {
    return ready(this.#redis, this.name)
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    return new Map([['', String(await this.#redis.call('INFO', []))]])
  }

  onUncertain(listener: () => void): void {
    this.#redis.on('close', listener)
  }

  hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    return hear(this.#redis, channel, listener, lost)
  }

  publish(channel: string, message: (route: string) => string): readonly string[] {
    // What is not published is not heard.
    this.#redis.call('PUBLISH', [channel, message('')]).catch(() => undefined)
    return ['']
  }

  /** Where it is connected, as `address:port`. */
  address(): string {
    const { stream } = this.#redis as {
      readonly stream?: { readonly remoteAddress?: string; readonly remotePort?: number }
    }
    return `${stream?.remoteAddress}:${stream?.remotePort}`
  }

  renew(): void {
    // Also one that has been accepted by a server that hangs, and waits for its first reply.
    const { status } = this.#redis
    if (this.#own && (status === 'ready' || status === 'connect')) this.#redis.disconnect(true)
  }

  async close(): Promise<void> {
    if (this.#own) this.#redis.disconnect()
  }
}

export class IoRedisClusterClient implements RedisClient {
  readonly name: string
  readonly cluster = true
  readonly #redis: IoRedisCluster
  readonly #own: boolean
  /** Not all masters answered as such when they were asked last. */
  #doubtful = false

  constructor(redis: IoRedisCluster, name: string, own: boolean) {
    this.#redis = redis
    this.name = name
    this.#own = own
    if (own) {
      for (const node of redis.nodes('all')) letGo(node)
      redis.on('+node', letGo)
      redis.on('error', () => undefined)
    }
  }

  send(_key: string, command: string[]): Promise<unknown> {
    return this.#redis.call(command[0] as string, command.slice(1))
  }

  /** Whatever sends a command elsewhere, a redirection too, writes so into these slots first. */
  route(key: string): string {
    return this.#redis.slots[slotOf(key)]?.[0] ?? ''
  }

  ready(): Promise<void> {
    return ready(this.#redis, this.name)
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    // The library learns of another master by a redirection. Who only asks the old one what it is gets none.
    if (this.#doubtful) this.#redis.refreshSlotsCache(() => undefined)
    this.#doubtful = true
    const infos = this.#redis.nodes('master').map(async (node): Promise<[string, string]> => {
      return [routeOf(node), String(await node.call('INFO', []))]
    })
    const all = new Map(await Promise.all(infos))
    this.#doubtful = [...all.values()].some((info) => info.includes('role:slave'))
    return all
  }

  onUncertain(listener: () => void): void {
    // Nothing is asked of a replica; where it becomes master, its route is one that was not checked.
    const lost = (node: IoRedisNode) => {
      if (node.options.readOnly !== true) listener()
    }
    const hear = (node: IoRedisNode) => void node.on('close', () => lost(node))
    for (const node of this.#redis.nodes('all')) hear(node)
    this.#redis.on('+node', hear)
    this.#redis.on('-node', lost)
    this.#redis.on('close', listener)
  }

  hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    const [node] = this.#redis.nodes('master')
    if (node === undefined) return Promise.reject(new StoreError(`${this.name}: it knows no master.`))
    return hear(node, channel, listener, lost)
  }

  publish(channel: string, message: (route: string) => string): readonly string[] {
    return this.#redis.nodes('master').map((node) => {
      const route = routeOf(node)
      node.call('PUBLISH', [channel, message(route)]).catch(() => undefined)
      return route
    })
  }

  /** Each node's connection is made anew by the cluster itself. */
  renew(route: string): void {
    if (!this.#own) return
    for (const node of this.#redis.nodes('all')) {
      if (node.status === 'ready' && (route === '' || routeOf(node) === route)) node.disconnect(true)
    }
  }

  async close(): Promise<void> {
    if (this.#own) this.#redis.disconnect()
  }
}

function routeOf({ options: { host, port } }: IoRedisNode): string {
  return `${host}:${port}`
}

/** One connection and no other: what is missed between two would be missed unseen. */
async function hear(
  from: Pick<IoRedis, 'duplicate'>,
  channel: string,
  listener: (message: string) => void,
  lost: () => void,
): Promise<Hearing> {
  const redis = from.duplicate({
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  })
  letGo(redis)
  redis.on('message', (on: string, message: string) => {
    if (on === channel) listener(message)
  })
  try {
    await redis.connect()
    redis.once('close', lost)
    await redis.subscribe(channel)
  } catch (error) {
    redis.off('close', lost)
    redis.disconnect()
    throw error
  }
  return { close: () => redis.disconnect() }
}

/** Rejects at the first sign that it does not come up: whoever waits would wait for a server that is down. */
function ready(redis: Emitter, name: string): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve, reject) => {
    let last: unknown
    const settle = (done: () => void) => {
      redis.off('ready', up)
      redis.off('close', down)
      redis.off('end', down)
      redis.off('error', note)
      done()
    }
    const up = () => settle(resolve)
    const note = (error: unknown) => {
      last = error
    }
    const down = () =>
      settle(() => reject(new StoreError(`${name}: no connection (${reasonOf(last)}).`, { cause: last })))
    redis.once('ready', up)
    redis.once('close', down)
    redis.once('end', down)
    redis.on('error', note)
    if (redis.status === 'wait') redis.connect().catch(note)
    if (redis.status === 'end') down()
  })
}

function reasonOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: string; code?: string }
  return message || code || 'it is closed'
}

/** Nothing of ours keeps a process alive that wants to end: a command that is under way has a timer that does. */
export function letGo(redis: Emitter): void {
  const inside = redis as unknown as {
    readonly stream?: { unref(): void }
    readonly reconnectTimeout?: NodeJS.Timeout | null
  }
  redis.on('connect', () => inside.stream?.unref())
  redis.on('reconnecting', () => inside.reconnectTimeout?.unref())
  // Failures are told to whoever asked; without a listener they would also be printed.
  redis.on('error', () => undefined)
}
