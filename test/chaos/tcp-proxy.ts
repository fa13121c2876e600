import { connect, createServer, type Server, type Socket } from 'node:net'

type Mode = 'open' | 'cut' | 'answers lost' | 'stalled'

/** A TCP proxy in front of a server, whose lines can be cut, both ways or one way. */
export class TcpProxy {
  readonly port: number
  readonly #server: Server
  readonly #lines = new Set<{ readonly near: Socket; readonly far: Socket }>()
  #mode: Mode = 'open'

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static async open(target: number): Promise<TcpProxy> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
    const proxy = new TcpProxy(server, address.port)
    server.on('connection', (near) => proxy.#join(near, target))
    return proxy
  }

  /** Connections break, and new ones break at once. */
  cut(): void {
    this.#mode = 'cut'
    this.#break()
  }

  /** Connections break; new ones do not. */
  cutOnce(): void {
    this.#break()
  }

  /** Requests arrive, and no answer comes back. */
  loseAnswers(): void {
    this.#mode = 'answers lost'
  }

  /** Nothing moves in either direction; all of it arrives when the proxy is mended. */
  stall(): void {
    this.#mode = 'stalled'
    for (const { near, far } of this.#lines) {
      near.pause()
      far.pause()
    }
  }

  mend(): void {
    const before = this.#mode
    this.#mode = 'open'
    // A stream that lacks a part of its answers does not go on.
    if (before === 'answers lost') this.#break()
    for (const { near, far } of this.#lines) {
      near.resume()
      far.resume()
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#break()
    await closed
  }

  #join(near: Socket, target: number): void {
    near.on('error', () => near.destroy())
    if (this.#mode === 'cut') {
      near.destroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    const line = { near, far }
    this.#lines.add(line)
    far.on('error', () => far.destroy())
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => {
      if (this.#mode !== 'answers lost') near.write(data)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('close', () => {
        other.destroy()
        this.#lines.delete(line)
      })
    }
    if (this.#mode === 'stalled') {
      near.pause()
      far.pause()
    }
  }

  #break(): void {
    for (const { near, far } of this.#lines) {
      near.destroy()
      far.destroy()
    }
    this.#lines.clear()
  }
}
