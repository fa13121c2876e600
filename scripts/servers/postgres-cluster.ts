import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Binaries } from './postgres-binaries.js'
import {
  type Account,
  expectSuccess,
  freePort,
  isRunning,
  message,
  removeDirectory,
  removeLeftovers,
  serverAccount,
  serverDirectory,
  stopWithProcess,
} from './processes.js'

const DIRECTORY_PREFIX = 'cacheops-postgres-'
const LONGEST_START_MS = 60_000

/** What a private server is set to, unless it is told otherwise: nothing of it has to outlive the machine. */
const SETTINGS: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  fsync: 'off',
  full_page_writes: 'off',
  max_prepared_transactions: '20',
}

type Settings = Readonly<Record<string, string>>

/** How a server is stopped: `immediate` is a crash, from which the next start recovers. */
export type StopMode = 'smart' | 'fast' | 'immediate'

/** A PostgreSQL server of our own, with its data in a directory of its own; gone when this process ends. */
export class PostgresCluster {
  readonly binaries: Binaries
  readonly url: string
  readonly #port: number
  readonly #settings: Settings
  readonly #directory: string
  readonly #account: Account | undefined
  readonly #forget: () => void
  #child: ChildProcess | undefined

  private constructor(
    binaries: Binaries,
    port: number,
    settings: Settings,
    directory: string,
    account: Account | undefined,
  ) {
    this.binaries = binaries
    this.#port = port
    this.#settings = settings
    this.#directory = directory
    this.#account = account
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`
    this.#forget = stopWithProcess(() => this.#end())
  }

  /** An empty server that answers. */
  static create(binaries: Binaries, settings: Settings = {}): Promise<PostgresCluster> {
    return PostgresCluster.#make(binaries, settings, (data) => [
      binaries.initdb,
      ...['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    ])
  }

  /** A streaming replica of this server that answers. */
  standby(settings: Settings = {}): Promise<PostgresCluster> {
    const copy = join(this.binaries.directory, 'pg_basebackup')
    return PostgresCluster.#make(this.binaries, settings, (data) => [
      copy,
      ...['-D', data, '-d', this.url, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
    ])
  }

  static async #make(
    binaries: Binaries,
    settings: Settings,
    fill: (data: string) => readonly string[],
  ): Promise<PostgresCluster> {
    removeLeftovers(DIRECTORY_PREFIX, quit)
    // PostgreSQL refuses to run as root.
    const account = serverAccount()
    const directory = serverDirectory(DIRECTORY_PREFIX, account)
    const cluster = new PostgresCluster(binaries, await freePort(), { ...SETTINGS, ...settings }, directory, account)
    try {
      cluster.#run(fill(cluster.#data))
      await cluster.start()
    } catch (error) {
      cluster.remove()
      throw error
    }
    return cluster
  }

  get description(): string {
    return `private, from ${this.binaries.directory}, in ${this.#directory}`
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }

  get #environment() {
    const identity = this.#account ? { uid: this.#account.uid, gid: this.#account.gid } : {}
    return { cwd: this.#directory, env: { ...process.env, HOME: this.#directory, LC_ALL: 'C' }, ...identity }
  }

  #run([file, ...args]: readonly string[]): void {
    expectSuccess(spawnSync(file as string, args, { encoding: 'utf8', ...this.#environment }), file as string)
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    chmodSync(this.#data, 0o700)
    const log = join(this.#directory, 'server.log')
    const output = openSync(log, 'a')
    const settings = Object.entries(this.#settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    // A process group of its own: an interrupt from the terminal reaches the tests first, and they stop it.
    const child = spawn(this.binaries.postgres, ['-D', this.#data, '-p', String(this.#port), ...settings], {
      ...this.#environment,
      detached: true,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    child.unref()
    this.#child = child
    const deadline = performance.now() + LONGEST_START_MS
    for (;;) {
      try {
        return await answers(this.url)
      } catch (error) {
        if (!isRunning(child) || performance.now() > deadline) {
          const said = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''
          throw new Error(
            `A private PostgreSQL from ${this.binaries.directory} did not start: ${message(error)}\n${said}\n` +
              'Set DATABASE_URL to use another server.',
            { cause: error },
          )
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  stop(mode: StopMode): void {
    this.#run([this.binaries.pgCtl, 'stop', '-D', this.#data, '-m', mode, '-w', '-t', '60'])
  }

  /** Makes a standby the primary of its own timeline. */
  promote(): void {
    this.#run([this.binaries.pgCtl, 'promote', '-D', this.#data, '-w', '-t', '60'])
  }

  /** Stops it and removes its data. */
  remove(): void {
    this.#forget()
    this.#end()
  }

  /** Synchronous and without errors, so that it also works while the process exits. */
  #end(): void {
    if (this.#child && isRunning(this.#child)) {
      spawnSync(this.binaries.pgCtl, ['stop', '-D', this.#data, '-m', 'immediate', '-w', '-t', '20'], {
        stdio: 'ignore',
        ...this.#environment,
      })
    }
    removeDirectory(this.#directory)
  }
}

async function answers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  await client.connect()
  await client.end()
}

/** The server of a process that was killed. */
function quit(directory: string): void {
  const postmaster = Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10)
  // The number may be another process's by now. A server whose files are gone ends by itself within a minute.
  const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(postmaster)], { encoding: 'utf8' })
  if (stdout?.includes(directory)) process.kill(postmaster, 'SIGQUIT')
}
