import { randomBytes } from 'node:crypto'
import type { Hearing } from './client.js'
import type { Link } from './link.js'

/** How often this process publishes a beat, to hear it itself. */
const BEAT_MS = 1000
/** So long after the last beat was heard the news counts as broken: the server is stopped, or one direction is cut (A19). */
const SILENCE_MS = 3000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000

/** What is published: stamps that were dropped, and entries that were landed under a lock. */
export interface NewsListener {
  dropped(names: readonly string[]): void
  landed(entry: string): void
  /** Something may have been missed. */
  broken(): void
}

/** The first character of a message says what it is. Scripts publish the first kind. */
const DROPPED = 'd'
const LANDED = 'l'
const BEAT = 'b'

/**
 * What other processes publish, over a connection of its own. It is current only while the beats of this process come back, by
 * a clock that goes on while a process is stopped.
 */
export class News {
  readonly #link: Link
  readonly #channel: string
  readonly #wait: number
  readonly #listener: NewsListener
  readonly #id = randomBytes(9).toString('base64url')
  #started = false
  #closed = false
  #hearing: Hearing | undefined
  /** By the route of a master: when a beat was heard that went by it. */
  readonly #heard = new Map<string, number>()
  #routes: readonly string[] = []
  /** It was current since it listens. */
  #lasted = false
  #delay = FIRST_RETRY_MS
  #beat: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined

  /** @param wait - milliseconds that publishing may take */
  constructor(link: Link, channel: string, wait: number, listener: NewsListener) {
    this.#link = link
    this.#channel = channel
    this.#wait = wait
    this.#listener = listener
  }

  /** Whether nothing can have been missed for longer than the beats take. */
  get current(): boolean {
    if (this.#routes.length === 0) return false
    const latest = performance.now() - SILENCE_MS
    for (const route of this.#routes) if ((this.#heard.get(route) ?? Number.NEGATIVE_INFINITY) < latest) return false
    return true
  }

  /** Begins to listen, where it does not yet. */
  start(): void {
    if (this.#started || this.#closed) return
    this.#started = true
    this.#beat = setInterval(() => this.#tick(), BEAT_MS)
    this.#beat.unref()
    void this.#listen()
  }

  /** Tells the waiting processes that an entry is there, or will not be. */
  async land(entry: string): Promise<void> {
    await this.#link.send(this.#channel, ['PUBLISH', this.#channel, LANDED + entry], this.#wait)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#beat)
    clearTimeout(this.#retry)
    this.#lost()
  }

  async #listen(): Promise<void> {
    this.#retry = undefined
    let hearing: Hearing | undefined
    let over = false
    const lost = (): void => {
      over = true
      if (hearing !== undefined && this.#hearing === hearing) this.#lost()
    }
    try {
      hearing = await this.#link.hear(this.#channel, (message) => this.#received(message), lost)
      if (over || this.#closed) {
        hearing.close()
        this.#again()
        return
      }
      this.#hearing = hearing
      this.#delay = FIRST_RETRY_MS
      this.#tick()
    } catch {
      // Nothing is kept here meanwhile, which costs time and harms nobody.
      this.#again()
    }
  }

  #tick(): void {
    if (this.#hearing === undefined) return
    this.#routes = this.#link.publish(this.#channel, (route) => `${BEAT}${this.#id} ${route}`)
    // It may listen to a server that the others do not talk to any longer.
    if (this.#lasted && !this.current) this.#lost()
  }

  #received(message: string): void {
    const rest = message.slice(1)
    switch (message[0]) {
      case DROPPED:
        this.#listener.dropped(JSON.parse(rest) as string[])
        break
      case LANDED:
        this.#listener.landed(rest)
        break
      case BEAT:
        if (!rest.startsWith(`${this.#id} `)) break
        this.#heard.set(rest.slice(this.#id.length + 1), performance.now())
        this.#lasted ||= this.current
        break
    }
  }

  #lost(): void {
    const hearing = this.#hearing
    this.#hearing = undefined
    this.#heard.clear()
    this.#routes = []
    this.#lasted = false
    this.#listener.broken()
    hearing?.close()
    this.#again()
  }

  #again(): void {
    if (this.#closed || this.#retry) return
    this.#retry = setTimeout(() => void this.#listen(), this.#delay)
    this.#retry.unref()
    this.#delay = Math.min(this.#delay * 2, LAST_RETRY_MS)
  }
}
