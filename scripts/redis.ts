/**
 * Redis servers for tests and benchmarks: one machine, a cluster, or a master with a replica under sentinels. Each has a port and
 * a directory of its own and is removed at the end; what a killed run left behind, the next start removes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { canInstall, install, removeDirectory, removeLeftovers, serverDirectory } from './servers/processes.js'

const DIRECTORY_PREFIX = 'cacheops-redis-'
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
const PATIENCE_MS = 30_000

/** One server process that can be stopped, killed, paused and started again on the same port and data. */
export class RedisProcess {
  readonly port: number
  readonly directory: string
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  constructor(port: number, directory: string, args: readonly string[]) {
    this.port = port
    this.directory = directory
    this.#args = args
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** A path that a client may connect to instead of the port. */
  get socket(): string {
    return join(this.directory, 'redis.sock')
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it answers. `more` are further arguments, of this start only. */
  async start(...more: readonly string[]): Promise<void> {
    if (this.running) throw new Error(`the Redis server on port ${this.port} runs already`)
    const log = openSync(join(this.directory, 'server.log'), 'a')
    // A process group of its own: an interrupt from the terminal reaches the tests first, and they stop it.
    const child = spawn(redisServer(), [...this.#args, ...more], {
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.unref()
    child.on('error', () => undefined)
    this.#child = child
    if (child.pid !== undefined) writeFileSync(join(this.directory, 'server.pid'), String(child.pid))
    await until(`the Redis server on port ${this.port} answers`, () => {
      if (!this.running) throw new Error(`redis-server ended:\n${this.log()}`)
      return this.ask('PING').then((reply) => reply === '+PONG' || /^-(LOADING|NOAUTH|DENIED)/.test(reply))
    })
  }

  /** What it has written, its end. */
  log(): string {
    const file = join(this.directory, 'server.log')
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-3000) : ''
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child?.kill(signal)
  }

  /** Ends it at once, as a crash would; its data stays as it was last saved. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    child.ref()
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await ended
  }

  /** The first line of the reply to a command, over a connection of its own, or '' where there is none. */
  ask(...command: readonly string[]): Promise<string> {
    return this.request(command).then((reply) => reply.split('\r\n')[0] ?? '')
  }

  /** The reply to a command as the server sent it. */
  request(command: readonly string[]): Promise<string> {
    const text = `*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
    return new Promise((resolve) => {
      let reply = ''
      const socket = connect(this.port, '127.0.0.1', () => socket.end(text))
      socket.setTimeout(5000, () => socket.destroy())
      socket.setEncoding('utf8')
      socket.on('data', (data) => {
        reply += data
      })
      socket.on('error', () => resolve(''))
      socket.on('close', () => resolve(reply))
    })
  }
}

/** Several servers that are one thing to their clients. */
export interface RedisServers {
  readonly processes: readonly RedisProcess[]
  /** Kills them and removes their directories. */
  stop(): Promise<void>
}

export interface RedisStandalone extends RedisServers {
  readonly server: RedisProcess
}

/** A server without persistence. `args` are further arguments such as `['--maxmemory', '10mb']`. */
export async function startRedis(args: readonly string[] = []): Promise<RedisStandalone> {
  const place = new Place()
  try {
    const server = place.server(await freePort(), [...EPHEMERAL, ...args])
    await server.start()
    return { server, processes: [server], stop: () => place.stop() }
  } catch (error) {
    await place.stop()
    throw error
  }
}

export interface RedisCluster extends RedisServers {
  /** The first ones are masters; behind them the replica of each, where asked for. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
}

/** A cluster of three masters, each with so many replicas. */
export async function startCluster(
  options: { readonly replicas?: number; readonly args?: readonly string[] } = {},
): Promise<RedisCluster> {
  const place = new Place()
  const { replicas = 0, args = [] } = options
  try {
    const servers: RedisProcess[] = []
    for (let index = 0; index < 3 * (1 + replicas); index++) {
      const port = await freeClusterPort()
      const own = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '1000']
      servers.push(place.server(port, [...EPHEMERAL, ...own, '--cluster-require-full-coverage', 'no', ...args]))
    }
    await Promise.all(servers.map((server) => server.start()))
    await formCluster(servers, replicas)
    const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }))
    return { nodes, processes: servers, stop: () => place.stop() }
  } catch (error) {
    await place.stop()
    throw error
  }
}

export interface RedisSentinel extends RedisServers {
  readonly name: string
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** The one that is master now, by what the sentinels say. */
  master(): Promise<RedisProcess>
  /** Makes the replica master. Resolves when the sentinels say so. */
  failOver(): Promise<void>
}

/** A master with a replica, watched by three sentinels. */
export async function startSentinel(args: readonly string[] = []): Promise<RedisSentinel> {
  const place = new Place()
  const name = 'cacheops'
  try {
    const servers = [place.server(await freePort(), [...EPHEMERAL, ...args])]
    const first = servers[0] as RedisProcess
    await first.start()
    const replicaOf = ['--replicaof', '127.0.0.1', String(first.port)]
    servers.push(place.server(await freePort(), [...EPHEMERAL, ...args, ...replicaOf]))
    await servers[1]?.start()
    await until('the replica follows', async () =>
      (await first.request(['INFO', 'replication'])).includes('state=online'),
    )
    const sentinels: RedisProcess[] = []
    for (let index = 0; index < 3; index++) {
      const sentinel = place.sentinel(await freePort(), [
        `sentinel monitor ${name} 127.0.0.1 ${first.port} 2`,
        `sentinel down-after-milliseconds ${name} 1000`,
        `sentinel failover-timeout ${name} 3000`,
      ])
      sentinels.push(sentinel)
      await sentinel.start('--sentinel')
    }
    const address = async () => {
      const reply = await sentinels[0]?.request(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])
      return Number(reply?.split('\r\n')[4] ?? 0)
    }
    await until('the sentinels know each other and the replica', async () => {
      const known = await Promise.all(sentinels.map((each) => each.request(['SENTINEL', 'MASTER', name])))
      return known.every((reply) => {
        const lines = reply.split('\r\n')
        const value = (key: string) => lines[lines.indexOf(key) + 2]
        return value('num-other-sentinels') === '2' && value('num-slaves') === '1'
      })
    })
    return {
      name,
      sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      processes: servers,
      async master() {
        const port = await address()
        const master = servers.find((server) => server.port === port)
        if (!master) throw new Error(`the sentinels name port ${port}, which is none of ours`)
        return master
      },
      async failOver() {
        const before = await address()
        await until('the sentinels begin a failover', async () =>
          ((await sentinels[0]?.ask('SENTINEL', 'FAILOVER', name)) ?? '').startsWith('+OK'),
        )
        await until('another server is master', async () => (await address()) !== before)
      },
      stop: () => place.stop(),
    }
  } catch (error) {
    await place.stop()
    throw error
  }
}

/** Resolves when `holds` does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s, and not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const EPHEMERAL = [
  ...['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'],
  ...['--repl-diskless-load', 'swapdb', '--repl-diskless-sync-delay', '0'],
]

/** The directories and processes of one start; stopped also when this process ends. */
class Place {
  readonly #processes: RedisProcess[] = []
  readonly #onExit = () => this.#removeNow()
  readonly #onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens ends the process in an orderly way, and 'exit' follows.
    if (process.listenerCount(signal) > Place.#open) return
    this.#removeNow()
    process.kill(process.pid, signal)
  }
  static #open = 0

  constructor() {
    removeLeftovers(DIRECTORY_PREFIX, endLeftover)
    Place.#open++
    process.setMaxListeners(Math.max(process.getMaxListeners(), 10 + 2 * Place.#open))
    process.on('exit', this.#onExit)
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  server(port: number, args: readonly string[]): RedisProcess {
    const directory = this.#directory()
    const path = ['--unixsocket', join(directory, 'redis.sock')]
    return this.#add(new RedisProcess(port, directory, ['--port', String(port), '--dir', directory, ...path, ...args]))
  }

  sentinel(port: number, lines: readonly string[]): RedisProcess {
    const directory = this.#directory()
    const file = join(directory, 'sentinel.conf')
    writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, ...lines, ''].join('\n'))
    return this.#add(new RedisProcess(port, directory, [file]))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()))
    for (const { directory } of this.#processes) removeDirectory(directory)
    this.#forget()
  }

  #add(one: RedisProcess): RedisProcess {
    this.#processes.push(one)
    return one
  }

  #directory(): string {
    return serverDirectory(DIRECTORY_PREFIX, undefined)
  }

  #forget(): void {
    Place.#open--
    process.off('exit', this.#onExit)
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }

  /** Synchronous, so that it also works while the process exits. */
  #removeNow(): void {
    this.#forget()
    for (const one of this.#processes) {
      one.signal('SIGKILL')
      removeDirectory(one.directory)
    }
  }
}

/** Ends a server of a run that was killed before it could stop it. */
function endLeftover(directory: string): void {
  const server = Number.parseInt(readFileSync(join(directory, 'server.pid'), 'utf8'), 10)
  // The number may be another process's by now: its command names no directory then, but its working directory does.
  if (workingDirectory(server) === realpathSync(directory)) process.kill(server, 'SIGKILL')
}

/** @throws where there is no such process, or the platform does not say */
function workingDirectory(pid: number): string {
  if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`)
  const { stdout } = spawnSync('lsof', ['-a', '-p', String(pid), '-d', 'cwd', '-Fn'], { encoding: 'utf8' })
  return realpathSync(/^n(.*)$/m.exec(stdout)?.[1] ?? '')
}

async function formCluster(servers: readonly RedisProcess[], replicas: number): Promise<void> {
  const ids = await Promise.all(
    servers.map(async (server) => (await server.request(['CLUSTER', 'MYID'])).split('\r\n')[1] as string),
  )
  const ranges = [
    [0, 5460],
    [5461, 10922],
    [10923, 16383],
  ] as const
  for (const [index, [from, to]] of ranges.entries()) {
    await expectOk(servers[index], ['CLUSTER', 'ADDSLOTSRANGE', String(from), String(to)])
    await expectOk(servers[index], ['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)])
  }
  const [first, ...others] = servers
  for (const other of others) await expectOk(first, ['CLUSTER', 'MEET', '127.0.0.1', String(other.port)])
  await until('every node knows all', async () => {
    const infos = await Promise.all(servers.map((server) => server.request(['CLUSTER', 'INFO'])))
    return infos.every((info) => info.includes(`cluster_known_nodes:${servers.length}\r\n`))
  })
  for (let index = 0; index < 3 * replicas; index++) {
    const server = servers[3 + index]
    await until('a node becomes a replica', async () =>
      ((await server?.ask('CLUSTER', 'REPLICATE', ids[index % 3] as string)) ?? '').startsWith('+OK'),
    )
  }
  await until('the cluster is up, and replicas follow', async () => {
    const infos = await Promise.all(servers.map((server) => server.request(['CLUSTER', 'INFO'])))
    if (!infos.every((info) => info.includes('cluster_state:ok'))) return false
    const follow = await Promise.all(servers.slice(3).map((server) => server.request(['INFO', 'replication'])))
    return follow.every((info) => info.includes('master_link_status:up'))
  })
}

async function expectOk(server: RedisProcess | undefined, command: readonly string[]): Promise<void> {
  const reply = (await server?.ask(...command)) ?? ''
  if (reply !== '+OK') throw new Error(`${command.join(' ')}: ${reply}`)
}

let binary: string | undefined

/** `redis-server` or `valkey-server` from the PATH, or what `REDIS_SERVER` names; root on Debian has it installed. */
function redisServer(): string {
  binary ??= findServer() ?? installed()
  return binary
}

function findServer(): string | undefined {
  const names = process.env.REDIS_SERVER ? [process.env.REDIS_SERVER] : ['redis-server', 'valkey-server']
  return names.find((name) => spawnSync(name, ['--version']).status === 0)
}

function installed(): string {
  if (canInstall()) {
    install('redis-server', (line) => process.stderr.write(`${line}\n`))
    const found = findServer()
    if (found) return found
  }
  throw new Error(
    [
      'The tests need Redis 6.2 or later, or Valkey: no redis-server or valkey-server is on the PATH. Install one (it need not be',
      'started, the tests start their own):',
      '  Debian, Ubuntu:  sudo apt-get install -y redis-server',
      '  Fedora, RHEL:    sudo dnf install -y valkey',
      '  Homebrew:        brew install redis',
      'or name the binary in REDIS_SERVER. Then run the tests again.',
    ].join('\n'),
  )
}

const given = new Set<number>()

async function freePort(): Promise<number> {
  for (;;) {
    const port = await someFreePort(0)
    if (given.has(port)) continue
    given.add(port)
    return port
  }
}

/** The bus of a cluster's node listens 10,000 above its port. */
async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (given.has(port)) continue
    try {
      await someFreePort(port)
      await someFreePort(port + 10_000)
      given.add(port)
      return port
    } catch {
      // Taken.
    }
  }
}

function someFreePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port')),
      )
    })
  })
}
