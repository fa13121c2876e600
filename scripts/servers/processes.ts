/** What servers that tests start have in common: an account to run as, ports, and an end with their process. */
import { type ChildProcess, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { accessSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** For programs that refuse to run as root; undefined where this process is not root. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
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

/** A new directory that belongs to the account, with this process's id in its name. */
export function serverDirectory(prefix: string, account: Account | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  if (account) chownSync(directory, account.uid, account.gid)
  return directory
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

/** Directories of processes that were killed before they could remove them; `stop` ends what still runs in one. */
export function removeLeftovers(prefix: string, stop: (directory: string) => void): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0
    if (!owner || isAlive(owner)) continue
    const directory = join(tmpdir(), name)
    try {
      stop(directory)
    } catch {
      // It is not running any more, or not ours to stop.
    }
    try {
      removeDirectory(directory)
    } catch {
      // Another user's.
    }
  }
}

/** Runs `stop`, which must be synchronous, when this process ends. Gives a function that takes this back. */
export function stopWithProcess(stop: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens ends the process in an orderly way, and 'exit' follows.
    if (process.listenerCount(signal) > 1) return
    stop()
    process.kill(process.pid, signal)
  }
  process.on('exit', stop)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return () => {
    process.off('exit', stop)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function expectSuccess(result: SpawnSyncReturns<string>, what: string): void {
  if (result.error) throw new Error(`${what} could not run: ${result.error.message}`, { cause: result.error })
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout}${result.stderr}`)
}

/** Whether packages can be installed here: by root on Debian and its kin. */
export function canInstall(platform: NodeJS.Platform = process.platform): boolean {
  return (
    platform === 'linux' &&
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    existsSync('/usr/bin/apt-get')
  )
}

/** Installs a package of Debian. */
export function install(name: string, tell: (line: string) => void): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const command of [
    ['apt-get', '-o', 'DPkg::Lock::Timeout=300', 'update'],
    ['apt-get', '-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', name],
  ] as const) {
    const [file, ...args] = command
    tell(`${name} is not installed: ${command.join(' ')}`)
    expectSuccess(spawnSync(file, args, { encoding: 'utf8', env }), command.join(' '))
  }
}

export function freePort(): Promise<number> {
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

export function message(error: unknown): string {
  // The error of several refused addresses carries its words inside.
  if (error instanceof AggregateError) return error.errors.map(message).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
