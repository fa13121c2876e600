import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** Where a connection is cut: before the server gets the message, or after, so that its answer is lost. */
export type Cut = 'before' | 'after'

/** A way to the server over TCP that can be cut for good in the middle of a conversation. */
export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: URL
  #cut: { readonly text: string; readonly where: Cut; readonly done: () => void } | undefined

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, (client) => this.#pass(client))
  }

  static async before(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target))
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as { port: number }).port)
    return url.href
  }

  /** New connections lead to another server. */
  retarget(target: string): void {
    this.#target = new URL(target)
  }

  #pass(client: Socket): void {
    const { hostname: host, port } = this.#target
    const server = dial({ host, port: Number(port || 5432), noDelay: true })
    let cut = false
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    client.on('data', (data) => {
      if (cut) return
      const order = this.#cut
      if (!order || !data.includes(order.text)) return void server.write(data)
      this.#cut = undefined
      cut = true
      client.resetAndDestroy()
      // The server notices only once it has worked through what it was sent.
      if (order.where === 'after') server.end(data, order.done)
      else server.end(order.done)
    })
    server.on('data', (data) => void (cut || client.write(data)))
    client.on('close', () => void (cut || server.end()))
    server.on('close', () => void (cut || client.end()))
  }

  /** Cuts the connection that sends the text next. Resolves when it is cut. */
  cut(text: string, where: Cut): Promise<void> {
    return new Promise((done) => {
      this.#cut = { text, where, done }
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
