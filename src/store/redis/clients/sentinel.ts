import type { Redis } from 'ioredis'
import type { Hearing, RedisClient } from '../client.js'
import { StoreError } from '../store-error.js'
import type { IoRedisClient } from './ioredis.js'

/** How often the sentinels are asked who is master. */
const BEAT_MS = 1000
/** How long what they said is relied on. */
const TRUST_MS = 3000

/** What of a connection to a sentinel is used. */
export type SentinelConnection = Pick<Redis, 'call' | 'disconnect'>

/**
 * The master that sentinels name. One that was replaced while it was paused or cut off goes on answering those who are still connected
 * to it, or connect when it wakes up: so its replies are used only while most of the sentinels say that it is the master (A12).
 */
export class SentinelClient implements RedisClient {
  readonly name: string
  readonly cluster = false
  readonly #master: IoRedisClient
  readonly #group: string
  readonly #sentinels: readonly SentinelConnection[]
  #server = ''
  #trusted = Number.NEGATIVE_INFINITY
  #uncertain: () => void = () => {}
  #timer: NodeJS.Timeout | undefined

  /** @param group - what the sentinels call the master */
  constructor(master: IoRedisClient, group: string, sentinels: readonly SentinelConnection[]) {
    this.#master = master
    this.#group = group
    this.#sentinels = sentinels
    this.name = master.name
  }

  send(key: string, command: string[]): Promise<unknown> {
    if (performance.now() <= this.#trusted) return this.#master.send(key, command)
    this.#uncertain()
    return Promise.reject(new StoreError(`${this.name}: the sentinels have not named the master for a while.`))
  }

  route(): string {
    return this.#master.route()
  }

  ready(): Promise<void> {
    return this.#master.ready()
  }

  async info(): Promise<ReadonlyMap<string, string>> {
    const infos = await this.#master.info()
    this.#server = /^run_id:(\w+)/m.exec(infos.get('') ?? '')?.[1] ?? ''
    if ((await this.#ask()) !== 'master') {
      this.#master.renew()
      throw new StoreError(
        `${this.name}: most of the sentinels do not say that the server it is connected to is the master.`,
      )
    }
    this.#timer ??= setInterval(() => void this.#beat(), BEAT_MS).unref()
    return infos
  }

  onUncertain(listener: () => void): void {
    this.#uncertain = listener
    this.#master.onUncertain(listener)
  }

  hear(channel: string, listener: (message: string) => void, lost: () => void): Promise<Hearing> {
    return this.#master.hear(channel, listener, lost)
  }

  publish(channel: string, message: (route: string) => string): readonly string[] {
    return this.#master.publish(channel, message)
  }

  renew(): void {
    this.#master.renew()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const sentinel of this.#sentinels) sentinel.disconnect()
    await this.#master.close()
  }

  /** One that is silent is no reason to stop before the time is over. */
  async #beat(): Promise<void> {
    if ((await this.#ask()) !== 'another') return
    this.#trusted = Number.NEGATIVE_INFINITY
    this.#uncertain()
    this.#master.renew()
  }

  async #ask(): Promise<'master' | 'another' | 'unknown'> {
    const asked = performance.now()
    const server = this.#server
    const address = this.#master.address()
    const answers = await Promise.all(
      this.#sentinels.map(async (sentinel) => {
        try {
          const master = fieldsOf(await sentinel.call('SENTINEL', ['MASTER', this.#group]))
          // Right after a restart they know its address, not yet its id; by another name of the machine, its id only.
          return master.get('runid') === server || `${master.get('ip')}:${master.get('port')}` === address
        } catch {
          return undefined
        }
      }),
    )
    const most = (answer: boolean) => answers.filter((each) => each === answer).length * 2 > this.#sentinels.length
    if (most(true) && server === this.#server) {
      this.#trusted = asked + TRUST_MS
      return 'master'
    }
    return most(false) ? 'another' : 'unknown'
  }
}

/** Names and values by turns. */
function fieldsOf(reply: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  const words = Array.isArray(reply) ? reply.map(String) : []
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(words[i] as string, words[i + 1] as string)
  return fields
}
