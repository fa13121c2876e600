import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import {
  canInstall,
  freePort,
  install,
  isExecutable,
  isRunning,
  message,
  removeDirectory,
  removeLeftovers,
  serverAccount,
  serverDirectory,
  stopWithProcess,
} from './processes.js'

const DIRECTORY_PREFIX = 'cacheops-pgbouncer-'
const LONGEST_START_MS = 20_000

export interface PgBouncer {
  /** Of the same database, through it. */
  readonly url: string
  remove(): void
}

/**
 * A PgBouncer of our own before the server that a URL leads to, by default in transaction mode; gone when this process ends.
 * Where it is not installed, root on Debian installs it.
 *
 * @param settings - of `pgbouncer.ini`, beyond those that it needs
 * @throws with the words of what to install
 */
export async function startPgBouncer(
  server: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PgBouncer> {
  const program = provideProgram()
  removeLeftovers(DIRECTORY_PREFIX, (directory) => {
    process.kill(Number.parseInt(readFileSync(join(directory, 'pid'), 'utf8'), 10), 'SIGKILL')
  })
  // It refuses to run as root.
  const account = serverAccount()
  const directory = serverDirectory(DIRECTORY_PREFIX, account)
  const port = await freePort()
  const { hostname, port: serverPort, username, password, pathname } = new URL(server)
  const users = join(directory, 'users.txt')
  const config = join(directory, 'pgbouncer.ini')
  const log = join(directory, 'log')
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: 4,
    server_idle_timeout: 600,
    ignore_startup_parameters: 'extra_float_digits',
    pidfile: join(directory, 'pid'),
    ...settings,
  }
  const login = `user=${decodeURIComponent(username)}${password ? ` password=${decodeURIComponent(password)}` : ''}`
  writeFileSync(users, '')
  writeFileSync(
    config,
    `[databases]\n* = host=${hostname} port=${serverPort || 5432} ${login}\n[pgbouncer]\n${Object.entries(lines)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')}`,
  )
  if (account) for (const file of [users, config]) chownSync(file, account.uid, account.gid)
  const output = openSync(log, 'a')
  const child = spawn(program, [config], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', output, output],
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
  })
  closeSync(output)
  child.unref()
  const end = () => {
    if (isRunning(child)) child.kill('SIGKILL')
    removeDirectory(directory)
  }
  const forget = stopWithProcess(end)
  const remove = () => {
    forget()
    end()
  }
  const url = `postgres://${username}@127.0.0.1:${port}${pathname}`
  try {
    await untilItAnswers(url, child)
  } catch (error) {
    const said = readFileSync(log, 'utf8').slice(-2000)
    remove()
    throw new Error(`PgBouncer (${program}) did not start: ${message(error)}\n${said}`, { cause: error })
  }
  return { url, remove }
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + LONGEST_START_MS
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (!isRunning(child) || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function provideProgram(): string {
  const find = () =>
    [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
      .map((directory) => join(directory, 'pgbouncer'))
      .find(isExecutable)
  let program = find()
  if (!program && canInstall()) {
    install('pgbouncer', (line) => process.stderr.write(`${line}\n`))
    program = find()
  }
  if (program) return program
  throw new Error(
    [
      'These tests need PgBouncer, and none is installed. Install it (it need not be started):',
      '  Debian, Ubuntu:  sudo apt-get install -y pgbouncer',
      '  Fedora, RHEL:    sudo dnf install -y pgbouncer',
      '  Arch:            sudo pacman -S --noconfirm pgbouncer',
      '  Alpine:          sudo apk add pgbouncer',
      '  Homebrew:        brew install pgbouncer',
      'Then run the tests again.',
    ].join('\n'),
  )
}
