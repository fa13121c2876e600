import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ChaosRecord, Log } from './records.js'
import { PATIENCE_MS, until } from './until.js'
import type { Order, Progress, Report, Settings } from './worker-messages.js'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

type Command = Order extends infer One ? (One extends Order ? Omit<One, 'id'> : never) : never

/** A process that works on the hot rows. */
export class WorkerProcess {
  readonly settings: Settings
  readonly #child: ChildProcess
  readonly #answers = new Map<number, { resolve(): void; reject(error: Error): void }>()
  #orders = 0
  #output = ''
  #ready = false
  #killed = false
  #ended = false
  progress: Progress = { reads: 0, hits: 0, writes: 0, storeErrors: 0, undelivered: 0 }

  constructor(settings: Settings) {
    this.settings = settings
    this.#child = fork(WORKER, [], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, CACHEOPS_CHAOS: JSON.stringify(settings) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
    this.#child.on('message', (report: Report) => this.#hear(report))
    this.#child.on('close', () => {
      this.#ended = true
      for (const { reject } of this.#answers.values()) reject(new Error(`${settings.name} has ended:\n${this.#output}`))
      this.#answers.clear()
    })
  }

  get name(): string {
    return this.settings.name
  }

  get alive(): boolean {
    return !this.#ended
  }

  get killed(): boolean {
    return this.#killed
  }

  async ready(): Promise<void> {
    await until(`${this.name} is ready`, () => {
      if (this.#ended) throw new Error(`${this.name} has ended:\n${this.#output}`)
      return this.#ready
    })
  }

  /** Resolves when it is carried out. */
  order(command: Command): Promise<void> {
    const id = ++this.#orders
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error(`${this.name} has ended:\n${this.#output}`))
      const timer = setTimeout(() => {
        reject(new Error(`${this.name} did not ${command.kind} in ${PATIENCE_MS / 1000} s: ${this.#described()}`))
      }, PATIENCE_MS)
      const over = (settle: () => void) => {
        clearTimeout(timer)
        settle()
      }
      this.#answers.set(id, { resolve: () => over(resolve), reject: (error) => over(() => reject(error)) })
      this.#child.send({ ...command, id } as Order)
    })
  }

  /** Resolves when it has killed itself, between a commit and its invalidation. */
  async die(): Promise<void> {
    this.#killed = true
    await this.order({ kind: 'die' })
    await until(`${this.name} is dead`, () => this.#ended)
  }

  /** Ends it by SIGKILL, wherever it is. */
  async kill(): Promise<void> {
    this.#killed = true
    this.#child.kill('SIGKILL')
    await until(`${this.name} is dead`, () => this.#ended)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  async end(): Promise<void> {
    if (this.#ended) return
    await this.order({ kind: 'end' })
    await until(`${this.name} has ended`, () => this.#ended)
  }

  /** For the case that a test has failed: ends it as it is. */
  async abandon(): Promise<void> {
    if (this.#ended) return
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGKILL')
    await until(`${this.name} has ended`, () => this.#ended)
  }

  log(): Log {
    const lines = readFileSync(this.settings.log, 'utf8').split('\n')
    // The last line of a killed process may be half.
    lines.pop()
    return { process: this.name, killed: this.#killed, records: lines.map((line) => JSON.parse(line) as ChaosRecord) }
  }

  #described(): string {
    return `${JSON.stringify(this.progress)}\n${this.#output}`
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'ready':
        this.#ready = true
        return
      case 'progress':
        this.progress = report
        return
      case 'done':
        this.#answers.get(report.id)?.resolve()
        this.#answers.delete(report.id)
        return
      case 'failed':
        this.#answers.get(report.id)?.reject(new Error(`${this.name}: ${report.message}`))
        this.#answers.delete(report.id)
    }
  }
}
