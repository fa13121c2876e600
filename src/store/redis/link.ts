import { ConfigError } from '../../base/errors.js'
import { Circuit } from './circuit.js'
import type { Hearing, RedisClient } from './client.js'
import { parseInfo, type ServerInfo } from './info.js'
import type { Names } from './names.js'
import type { Script } from './scripts/script.js'
import { serversScript } from './scripts/servers.js'
import { settled } from './settled.js'
import { placesBySlot } from './slot.js'
import { ConnectionChanged, StoreError } from './store-error.js'

/** An error reply begins with a word in capitals; what a client says of itself does not. */
const ERROR_REPLY = /^[A-Z]{2,}\b/
/** Replies of a server that cannot be used at the moment. */
const UNUSABLE = /^(LOADING|CLUSTERDOWN|MASTERDOWN|BUSY)\b/
const REPLACED = /^(READONLY|LOADING|MASTERDOWN)\b/
/** How long the servers behind a new connection may take to say who they are. */
const CHECK_MS = 5000
/** Connections of a cluster come and go while it is found. */
const MOST_CHECKS = 5
const OLDEST = [6, 2]

/**
 * The way to the servers: every command within its time, none to a server that is down, and no reply of a server whose past is not
 * known (A12). Whoever gets a reply here may rely on it.
 */
export class Link {
  readonly #connect: () => Promise<RedisClient>
  readonly #names: Names
  readonly #circuits = new Map<string, Circuit>()
  #client: RedisClient | undefined
  /** Routes to the masters that have been checked; undefined where it is not certain any longer which server answers. */
  #checked: ReadonlySet<string> | undefined
  #checking: Promise<void> | undefined
  /** Grows when certainty is lost: a reply to what was asked before is not used. */
  #epoch = 0
  /** Ids of the masters that were checked last. */
  #ids: ReadonlySet<string> | undefined
  /** Called where something that this process knows of the servers' data may not hold any longer. */
  onLost: () => void = () => {}

  constructor(connect: () => Promise<RedisClient>, names: Names) {
    this.#connect = connect
    this.#names = names
  }

  /** Resolves when it is known which servers answer. */
  ready(wait: number): Promise<void> {
    return this.#checked === undefined ? (this.#within(wait, '', () => this.#check()) as Promise<void>) : READY
  }

  /**
   * The reply to a command about the key.
   *
   * @param wait - milliseconds
   * @throws StoreError where no reply came, or one that may not be used; the client's error for an error reply
   */
  send(key: string, command: string[], wait: number): Promise<unknown> {
    const client = this.#client
    if (client === undefined || this.#checked === undefined) {
      return this.ready(wait).then(() => this.send(key, command, wait))
    }
    return this.#within(wait, client.route(key), () => this.#ask(client, key, command))
  }

  /** The same for a script. All its keys are in the slot of the first. */
  async run(script: Script, keys: readonly string[], args: readonly string[], wait: number): Promise<unknown> {
    const key = keys[0] as string
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.send(key, ['EVALSHA', script.sha, ...rest], wait)
    } catch (error) {
      if (!isNoScript(error)) throw error
      return await this.send(key, ['EVAL', script.lua, ...rest], wait)
    }
  }

  /** The values of keys, in one trip: in a cluster one command a slot, side by side. */
  async values(keys: readonly string[], wait: number): Promise<(string | null)[]> {
    if (this.#client === undefined) await this.ready(wait)
    if (this.#client?.cluster !== true) {
      return (await this.send(keys[0] as string, ['MGET', ...keys], wait)) as (string | null)[]
    }
    const values = new Array<string | null>(keys.length).fill(null)
    const asked = placesBySlot(keys).map(async (places) => {
      const some = places.map((place) => keys[place] as string)
      const replies = (await this.send(some[0] as string, ['MGET', ...some], wait)) as (string | null)[]
      for (const [index, place] of places.entries()) values[place] = replies[index] as string | null
    })
    await settled(asked)
    return values
  }

  /** What the masters say of themselves. */
  async info(wait: number): Promise<readonly ServerInfo[]> {
    await this.ready(wait)
    const client = this.#client as RedisClient
    const infos = (await this.#within(wait, '', () => client.info())) as ReadonlyMap<string, string>
    return [...infos.values()].map(parseInfo)
  }

  /** Hears a channel, over a connection of its own. */
  async hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    await this.ready(CHECK_MS)
    const client = this.#client
    if (client === undefined) throw changed()
    return client.hear(channel, listener, lost)
  }

  /** Publishes by way of every master, and gives their routes. */
  publish(channel: string, message: (route: string) => string): readonly string[] {
    return this.#checked === undefined ? [] : (this.#client?.publish(channel, message) ?? [])
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#uncertain()
    await client?.close()
  }

  #within(wait: number, route: string, start: () => Promise<unknown>): Promise<unknown> {
    const circuit = this.#circuit(route)
    if (circuit.open && !circuit.admitsTry(performance.now())) {
      return Promise.reject(new StoreError('Redis did not answer a moment ago: nothing is sent to it for a while.'))
    }
    return new Promise((resolve, reject) => {
      let late = false
      // Not unref'd: a process that waits for an answer is kept alive by it, and connections need not do so.
      const timer = setTimeout(() => {
        late = true
        this.#failed(circuit, route)
        reject(new StoreError(`Redis did not answer within ${wait} ms.`))
      }, wait)
      start().then(
        (reply) => {
          if (late) return
          clearTimeout(timer)
          circuit.succeeded()
          resolve(reply)
        },
        (error: unknown) => {
          if (late) return
          clearTimeout(timer)
          // Another connection may be as good: it says nothing of the server, and must not make it be given up in its turn.
          if (error instanceof ConnectionChanged) circuit.undecided()
          else this.#refused(circuit, route, error)
          reject(error)
        },
      )
    })
  }

  #circuit(route: string): Circuit {
    let circuit = this.#circuits.get(route)
    if (circuit === undefined) {
      circuit = new Circuit()
      this.#circuits.set(route, circuit)
    }
    return circuit
  }

  #refused(circuit: Circuit, route: string, error: unknown): void {
    const message = error instanceof Error ? error.message : ''
    // A11: it answers, though not as wished.
    if (ERROR_REPLY.test(message) && !UNUSABLE.test(message)) circuit.succeeded()
    else this.#failed(circuit, route)
    if (REPLACED.test(message)) {
      // A12: it has become a replica, or takes over another's data.
      this.#uncertain()
      this.#client?.renew(route)
    }
  }

  #failed(circuit: Circuit, route: string): void {
    // The server may hang, and its successor be elsewhere.
    if (circuit.failed(performance.now())) this.#client?.renew(route)
  }

  async #ask(client: RedisClient, key: string, command: string[]): Promise<unknown> {
    const epoch = this.#epoch
    const checked = this.#checked
    const reply = await client.send(key, command)
    if (epoch !== this.#epoch) throw changed()
    if (client.cluster && !checked?.has(client.route(key))) {
      this.#uncertain()
      throw changed()
    }
    return reply
  }

  #uncertain(): void {
    this.#epoch++
    this.#checked = undefined
    this.#checking = undefined
  }

  /** A12: before the first use of a connection, the servers behind it are compared with those that are known. */
  #check(): Promise<void> {
    if (this.#checking === undefined) {
      const checking = this.#checkNow().finally(() => {
        if (this.#checking === checking) this.#checking = undefined
      })
      this.#checking = checking
    }
    return this.#checking
  }

  async #checkNow(): Promise<void> {
    if (this.#client === undefined) {
      const client = await this.#connect()
      if (this.#client === undefined) {
        this.#client = client
        client.onUncertain(() => this.#uncertain())
      } else {
        await client.close()
      }
    }
    const client = this.#client
    for (let tries = 0; tries < MOST_CHECKS; tries++) {
      const epoch = this.#epoch
      const { ids, routes } = await this.#compare(client)
      if (client !== this.#client) break
      if (epoch !== this.#epoch) continue
      this.#ids = ids
      this.#checked = routes
      return
    }
    throw changed()
  }

  async #compare(
    client: RedisClient,
  ): Promise<{ readonly ids: ReadonlySet<string>; readonly routes: ReadonlySet<string> }> {
    await deadline(client.ready())
    const infos = await deadline(client.info())
    const servers = [...infos.values()].map(parseInfo)
    for (const server of servers) refuseUnusable(server, client)
    const ids = servers.map(({ id }) => id).filter((id) => id !== undefined)
    // What this process has dropped may be lost with the server that it told so, although another process knows the new one.
    const known = this.#ids
    const lost = known !== undefined && (ids.length < servers.length || ids.some((id) => !known.has(id)))
    if (lost) this.onLost()
    await deadline(this.#tell(client, ids, lost))
    return { ids: new Set(ids), routes: new Set(infos.keys()) }
  }

  async #tell(client: RedisClient, ids: readonly string[], lost: boolean): Promise<void> {
    const { servers, global, news } = this.#names
    const rest = ['2', servers, global, lost ? '1' : '0', news, ...ids]
    try {
      await client.send(servers, ['EVALSHA', serversScript.sha, ...rest])
    } catch (error) {
      if (!isNoScript(error)) throw error
      await client.send(servers, ['EVAL', serversScript.lua, ...rest])
    }
  }
}

const READY = Promise.resolve()

/** Whether the server answered, with an error. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && ERROR_REPLY.test(error.message)
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function changed(): ConnectionChanged {
  return new ConnectionChanged('The connection to Redis changed while a command was under way.')
}

function refuseUnusable(server: ServerInfo, client: RedisClient): void {
  if (server.replica) {
    throw new StoreError(
      `${client.name}: the server is a replica, which may lag behind. Expected the master: cacheops never reads from replicas.`,
    )
  }
  if (server.clusterMode && !client.cluster) {
    throw new ConfigError(
      `redis: the server is part of a cluster, and ${client.name} is a connection to one node. Pass { cluster: [{ host, port }] }, or a cluster client.`,
    )
  }
  const [major = 0, minor = 0] = server.version.split('.').map(Number)
  if (
    server.version !== '' &&
    (major < (OLDEST[0] as number) || (major === OLDEST[0] && minor < (OLDEST[1] as number)))
  ) {
    throw new ConfigError(`redis: the server is version ${server.version}. Expected 6.2 or later, or Valkey.`)
  }
}

/** What is asked of all servers ends, so that the next one who asks begins anew. */
function deadline<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StoreError(`Redis did not answer within ${CHECK_MS} ms.`)), CHECK_MS)
    timer.unref()
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
