/**
 * A PostgreSQL server for tests and benchmarks: the one that `DATABASE_URL` names, else the one on the default port,
 * else a private one from installed binaries, else (root on Debian) installed first. It is never skipped: where there
 * is none, `providePostgres` rejects with the words of what to install.
 */
import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import pg from 'pg'
import { type Binaries, LOWEST_VERSION, provideBinaries } from './servers/postgres-binaries.js'
import { PostgresCluster } from './servers/postgres-cluster.js'
import { message } from './servers/processes.js'

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
    const binaries = provideBinaries(env, platform, tell)
    if (binaries) return privateServer(binaries, tell)
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

async function privateServer(binaries: Binaries, tell: (line: string) => void): Promise<PostgresServer> {
  tell(`Starting a private PostgreSQL ${binaries.major} from ${binaries.directory}`)
  const cluster = await PostgresCluster.create(binaries)
  const version = await serverVersion(cluster.url)
  return {
    url: cluster.url,
    description: `PostgreSQL ${version} at ${cluster.url} (${cluster.description})`,
    stop: async () => cluster.remove(),
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

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0'
}

function isRefused(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/([^:@/]*):[^@/]*@/, '://$1:***@')
}
