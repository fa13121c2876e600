/**
 * A PostgreSQL server for tests and benchmarks: the one that `DATABASE_URL` names, else the one on the default port,
 * else a private one from installed binaries, else (root on Debian) installed first. It is never skipped: where there
 * is none, `providePostgres` rejects with the words of what to install.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'

/** `DROP DATABASE … WITH (FORCE)` is in it. */
const LOWEST_VERSION = 13

const DIRECTORY_PREFIX = 'cacheops-postgres-'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

export interface PostgresServer {
  /** Of a database to connect to for making others. */
  readonly url: string
  /** Which server it is and how it was found, for people. */
  readonly description: string
  /** Stops and removes a private server; does nothing to one that was there before. */
  stop(): Promise<void>
}

export interface PostgresDatabase {
  readonly name: string
  readonly url: string
  /** Also where connections to it are open. */
  drop(): Promise<void>
}

/** What a search for a server may use. Tests narrow it. */
export interface ProvideOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  /** Says what is going on; by default one line each on standard error. */
  readonly tell?: (line: string) => void
}

/**
 * A server that answers, with a user that may create databases.
 *
 * `CACHEOPS_TEST_NO_DEFAULT_SERVER=1` leaves out the server on the default port, `CACHEOPS_TEST_NO_BINARIES=1` the
 * installed binaries (and so the installation).
 */
export async function providePostgres(options: ProvideOptions = {}): Promise<PostgresServer> {
  const env = options.env ?? process.env
  const platform = options.platform ?? process.platform
  const tell = options.tell ?? ((line: string) => process.stderr.write(`${line}\n`))

  if (env.DATABASE_URL) return fromUrl(env.DATABASE_URL)

  if (!isSet(env.CACHEOPS_TEST_NO_DEFAULT_SERVER)) {
    const server = await fromDefaultPort(tell)
    if (server) return server
  }

  if (!isSet(env.CACHEOPS_TEST_NO_BINARIES)) {
    removeLeftovers()
    let binaries = findServerBinaries(env, platform)
    if (!binaries && canInstall(platform)) {
      install(tell)
      binaries = findServerBinaries(env, platform)
    }
    if (binaries) return startPrivateServer(binaries, tell)
  }

  throw new Error(whatToInstall(platform))
}

/** Makes an empty database on the server that `serverUrl` leads to. */
export async function createDatabase(serverUrl: string, name: string): Promise<PostgresDatabase> {
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`))
  const url = new URL(serverUrl)
  url.pathname = `/${encodeURIComponent(name)}`
  return { name, url: url.href, drop: () => dropDatabase(serverUrl, name) }
}

/** A name that no other run has: `cacheops_<run>_<hint>_<random>`. */
export function databaseName(run: string, hint: string): string {
  const readable = hint.toLowerCase().replace(/[^a-z0-9]+/g, '_')
  return `cacheops_${run}_${readable.slice(0, 30)}_${randomBytes(4).toString('hex')}`
}

/** Drops what a run left behind, as where a worker was killed. Gives the names. */
export async function dropDatabasesOf(run: string, serverUrl: string): Promise<string[]> {
  const names = await withClient(serverUrl, async (client) => {
    const { rows } = await client.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
      `cacheops_${run}_`,
    ])
    return rows.map((row) => String(row.datname))
  })
  for (const name of names) await dropDatabase(serverUrl, name)
  return names
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`),
  )
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

// ---------------------------------------------------------------- a server that is already there

async function fromUrl(url: string): Promise<PostgresServer> {
  const shown = withoutPassword(url)
  const version = await serverVersion(url).catch((error: unknown) => {
    throw new Error(
      `DATABASE_URL is set to ${shown}, but no PostgreSQL can be used there: ${message(error)}. ` +
        'Start that server, correct the address, or unset DATABASE_URL to let the tests find or start one.',
      { cause: error },
    )
  })
  return { url, description: `PostgreSQL ${version} at ${shown} (DATABASE_URL)`, stop: async () => {} }
}

async function fromDefaultPort(tell: (line: string) => void): Promise<PostgresServer | undefined> {
  for (const user of new Set(['postgres', userInfo().username])) {
    const url = `postgres://${encodeURIComponent(user)}@127.0.0.1:5432/postgres`
    try {
      const version = await serverVersion(url)
      return { url, description: `PostgreSQL ${version} at ${url} (the default port)`, stop: async () => {} }
    } catch (error) {
      if (isRefused(error)) return undefined
      tell(`PostgreSQL at ${url} cannot be used: ${message(error)}`)
    }
  }
  return undefined
}

/** The version, if the server is recent enough and its user may make databases; rejects otherwise. */
async function serverVersion(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
              current_user AS name, rolcreatedb OR rolsuper AS creates
         FROM pg_roles WHERE rolname = current_user`,
    )
    const row = rows[0]
    if (row.number < LOWEST_VERSION * 10_000) {
      throw new Error(`it is PostgreSQL ${row.version}, and the tests need ${LOWEST_VERSION} or later`)
    }
    if (!row.creates) {
      throw new Error(
        `its user ${row.name} may not create databases (ALTER ROLE ${pg.escapeIdentifier(row.name)} CREATEDB)`,
      )
    }
    return String(row.version).split(' ')[0] as string
  })
}

// ---------------------------------------------------------------- a private server

interface Binaries {
  readonly directory: string
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  readonly major: number
}

/** The newest installed server that is recent enough: on the PATH, or where each platform's packages put it. */
export function findServerBinaries(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): Binaries | undefined {
  const suffix = platform === 'win32' ? '.exe' : ''
  const found: Binaries[] = []
  for (const directory of new Set(candidateDirectories(env, platform))) {
    const [initdb, postgres, pgCtl] = ['initdb', 'postgres', 'pg_ctl'].map((name) =>
      join(directory, name + suffix),
    ) as [string, string, string]
    if (![initdb, postgres, pgCtl].every(isExecutable)) continue
    const version = spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout
    const major = Number(/(\d+)/.exec(version ?? '')?.[1] ?? 0)
    if (major >= LOWEST_VERSION) found.push({ directory, initdb, postgres, pgCtl, major })
  }
  return found.sort((a, b) => b.major - a.major)[0]
}

function candidateDirectories(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): readonly string[] {
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .flatMap((directory) => {
      // A link on the PATH leads to the folder that holds the whole server.
      const initdb = join(directory, platform === 'win32' ? 'initdb.exe' : 'initdb')
      return existsSync(initdb) ? [join(realpathSync(initdb), '..')] : []
    })
  const known =
    platform === 'win32'
      ? below('C:\\Program Files\\PostgreSQL', /^\d+$/, 'bin')
      : [
          ...below('/usr/lib/postgresql', /^\d+$/, 'bin'), // Debian, Ubuntu
          ...below('/usr', /^pgsql-\d+$/, 'bin'), // packages of postgresql.org for Red Hat and its kin
          ...below('/usr/libexec', /^postgresql\d*$/), // Alpine
          ...below('/usr/lib', /^postgresql\d+$/, 'bin'), // SUSE
          ...below('/opt/homebrew/opt', /^postgresql(@\d+)?$/, 'bin'), // Homebrew on Apple silicon
          ...below('/usr/local/opt', /^postgresql(@\d+)?$/, 'bin'), // Homebrew on Intel
          ...below('/home/linuxbrew/.linuxbrew/opt', /^postgresql(@\d+)?$/, 'bin'),
          ...below('/Applications/Postgres.app/Contents/Versions', /^\d+/, 'bin'),
          ...below('/opt/local/lib', /^postgresql\d+$/, 'bin'), // MacPorts
          '/usr/local/pgsql/bin', // built from source
          '/usr/bin',
          '/usr/local/bin',
        ]
  return [...onPath, ...known]
}

function below(parent: string, name: RegExp, ...rest: readonly string[]): string[] {
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .filter((entry) => name.test(entry))
    .map((entry) => join(parent, entry, ...rest))
}

async function startPrivateServer(binaries: Binaries, tell: (line: string) => void): Promise<PostgresServer> {
  // PostgreSQL refuses to run as root.
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined
  const identity = account ? { uid: account.uid, gid: account.gid } : {}
  const directory = mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`))
  if (account) chownSync(directory, account.uid, account.gid)
  const data = join(directory, 'data')
  const environment = { ...process.env, HOME: directory, LC_ALL: 'C' }

  tell(`Starting a private PostgreSQL ${binaries.major} from ${binaries.directory} in ${directory}`)
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  try {
    const init = spawnSync(
      binaries.initdb,
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      { encoding: 'utf8', cwd: directory, env: environment, ...identity },
    )
    expectSuccess(init, 'initdb')
  } catch (error) {
    remove()
    throw error
  }

  const port = await freePort()
  const log = join(directory, 'server.log')
  const output = openSync(log, 'a')
  // A process group of its own: an interrupt from the terminal reaches the tests first, and they stop it.
  const child = spawn(
    binaries.postgres,
    [
      ['-D', data],
      ['-p', String(port)],
      ['-c', 'listen_addresses=127.0.0.1'],
      ['-c', 'unix_socket_directories='],
      ['-c', 'max_connections=200'],
      ['-c', 'fsync=off'],
      ['-c', 'full_page_writes=off'],
      ['-c', 'max_prepared_transactions=20'],
    ].flat(),
    { cwd: directory, env: environment, detached: true, stdio: ['ignore', output, output], ...identity },
  )
  closeSync(output)
  child.unref()

  let stopped = false
  const stop = () => {
    if (stopped) return
    stopped = true
    process.off('exit', stop)
    for (const signal of SIGNALS) process.off(signal, onSignal)
    // Synchronous, so that it also works while the process exits.
    if (child.exitCode === null && child.signalCode === null) {
      spawnSync(binaries.pgCtl, ['stop', '-D', data, '-m', 'immediate', '-w', '-t', '20'], {
        cwd: directory,
        env: environment,
        stdio: 'ignore',
        ...identity,
      })
    }
    remove()
  }
  const onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens ends the process in an orderly way, and 'exit' follows.
    if (process.listenerCount(signal) > 1) return
    stop()
    process.kill(process.pid, signal)
  }
  process.on('exit', stop)
  for (const signal of SIGNALS) process.on(signal, onSignal)

  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      const version = await serverVersion(url)
      return {
        url,
        description: `PostgreSQL ${version} at ${url} (private, from ${binaries.directory})`,
        stop: async () => stop(),
      }
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        const said = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''
        stop()
        throw new Error(
          `A private PostgreSQL from ${binaries.directory} did not start: ${message(error)}\n${said}\n` +
            'Set DATABASE_URL to use another server.',
          { cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Servers of runs that were killed before they could stop them. The process id is in the folder's name. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(DIRECTORY_PREFIX) ? Number.parseInt(name.slice(DIRECTORY_PREFIX.length), 10) : 0
    if (!owner || isAlive(owner)) continue
    const directory = join(tmpdir(), name)
    try {
      const postmaster = Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10)
      // The number may be another process's by now. A server whose files are gone ends by itself within a minute.
      const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(postmaster)], { encoding: 'utf8' })
      if (stdout?.includes(directory)) process.kill(postmaster, 'SIGQUIT')
    } catch {
      // It is not running any more, or not ours to stop.
    }
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    } catch {
      // Another user's.
    }
  }
}

interface Account {
  readonly uid: number
  readonly gid: number
}

function unprivilegedAccount(): Account {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const fields = accounts.find((account) => account[0] === name)
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user postgres or nobody. Run the tests as another user.',
  )
}

// ---------------------------------------------------------------- installation

function canInstall(platform: NodeJS.Platform): boolean {
  return (
    platform === 'linux' &&
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    existsSync('/usr/bin/apt-get')
  )
}

function install(tell: (line: string) => void): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const command of [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'postgresql'],
  ] as const) {
    tell(`No PostgreSQL is installed: ${command.join(' ')}`)
    const [file, ...args] = command
    expectSuccess(spawnSync(file, args, { encoding: 'utf8', env }), command.join(' '))
  }
}

/** The words for somebody without a server. */
export function whatToInstall(platform: NodeJS.Platform): string {
  const commands: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
    linux: [
      'Debian, Ubuntu:  sudo apt-get install -y postgresql',
      'Fedora, RHEL:    sudo dnf install -y postgresql-server',
      'Arch:            sudo pacman -S --noconfirm postgresql',
      'Alpine:          sudo apk add postgresql',
      'openSUSE:        sudo zypper install -y postgresql-server',
    ],
    darwin: ['Homebrew:        brew install postgresql@17', 'MacPorts:        sudo port install postgresql17-server'],
    win32: ['winget:          winget install -e --id PostgreSQL.PostgreSQL.17'],
  }
  return [
    `The tests need PostgreSQL ${LOWEST_VERSION} or later, and none was found: DATABASE_URL is not set, no usable server`,
    'answers at 127.0.0.1:5432, and no server is installed where its packages put it. Install one (it need not be',
    'started, the tests start a private one):',
    ...(commands[platform] ?? ['see https://www.postgresql.org/download/']).map((line) => `  ${line}`),
    'or set DATABASE_URL, e.g. DATABASE_URL=postgres://user:password@host:5432/postgres, to a server where the user may',
    'create databases. Then run the tests again.',
  ].join('\n')
}

// ---------------------------------------------------------------- small things

function expectSuccess(result: SpawnSyncReturns<string>, what: string): void {
  if (result.error) throw new Error(`${what} could not run: ${result.error.message}`, { cause: result.error })
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout}${result.stderr}`)
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0'
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isRefused(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'
}

function message(error: unknown): string {
  // The error of several refused addresses carries its words inside.
  if (error instanceof AggregateError) return error.errors.map(message).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/([^:@/]*):[^@/]*@/, '://$1:***@')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port')),
      )
    })
  })
}
