import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** `npm run demo -- …args`, without npm. */
export class BlogProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #output = ''
  #heard: () => void = () => {}

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', 'examples/blog/main.ts', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#heard()
      })
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code) => {
        resolve(code)
        this.#heard()
      })
    })
  }

  /** All that it has written. */
  get output(): string {
    return this.#output
  }

  /** Its exit code, once it has ended; null where a signal ended it. */
  get ended(): Promise<number | null> {
    return this.#ended
  }

  /** Where the web application answers, once it does. */
  async url(): Promise<string> {
    for (;;) {
      const [url] = /http:\/\/[\d.]+:\d+/.exec(this.#output) ?? []
      if (url) return url
      if (this.#child.exitCode !== null) throw new Error(`The blog has ended:\n${this.#output}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.#ended
  }
}
