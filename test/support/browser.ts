import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--remote-debugging-pipe',
]

interface Reply {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** One page of a headless Chromium, spoken to over its debugging pipe: no package is needed for it. */
export class Browser {
  readonly #child: ChildProcess
  readonly #profile = mkdtempSync(join(tmpdir(), 'cacheops-chromium-'))
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #session: string | undefined
  #last = 0
  #rest = ''

  private constructor(executable: string) {
    this.#child = spawn(executable, [...FLAGS, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    this.#child.once('error', (error) => this.#fail(error))
    this.#child.once('close', () => this.#fail(new Error('The browser has ended')))
    const replies = this.#child.stdio[4] as Readable
    replies.setEncoding('utf8').on('data', (text: string) => this.#receive(text))
  }

  static async start(executable = process.env.CHROMIUM ?? '/usr/bin/chromium'): Promise<Browser> {
    const browser = new Browser(executable)
    const { targetId } = (await browser.#send('Target.createTarget', { url: 'about:blank' })) as { targetId: string }
    const attached = await browser.#send('Target.attachToTarget', { targetId, flatten: true })
    browser.#session = (attached as { sessionId: string }).sessionId
    await browser.#send('Page.enable')
    return browser
  }

  async open(url: string): Promise<void> {
    await this.#send('Page.navigate', { url })
    await this.until(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`)
  }

  /** The value of a JavaScript expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = (await this.#send('Runtime.evaluate', { expression, returnByValue: true })) as {
      result: { value?: unknown }
    }
    return result.value
  }

  /** Whether the expression becomes true in that time. */
  async until(expression: string, milliseconds = 5000): Promise<boolean> {
    const end = Date.now() + milliseconds
    while (Date.now() < end) {
      // A page that is on its way elsewhere has nothing to say.
      if ((await this.evaluate(expression).catch(() => false)) === true) return true
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return false
  }

  async show(width: number, height: number, scheme: 'light' | 'dark' = 'light'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.#send('Emulation.setEmulatedMedia', { features })
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  }

  async screenshot(file: string): Promise<void> {
    const { data } = (await this.#send('Page.captureScreenshot')) as { data: string }
    writeFileSync(file, Buffer.from(data, 'base64'))
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#session = undefined
    await this.#send('Browser.close').catch(() => this.#child.kill())
    await ended
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#last
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const requests = this.#child.stdio[3] as Writable
      requests.write(`${JSON.stringify(message)}\0`)
    })
  }

  #receive(text: string): void {
    const messages = (this.#rest + text).split('\0')
    this.#rest = messages.pop() ?? ''
    for (const message of messages) {
      const reply = JSON.parse(message) as Reply
      const waiting = this.#waiting.get(reply.id ?? 0)
      this.#waiting.delete(reply.id ?? 0)
      if (reply.error) waiting?.reject(new Error(reply.error.message))
      else waiting?.resolve(reply.result)
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
