import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { canInstall, install, isExecutable } from './processes.js'

/** `DROP DATABASE … WITH (FORCE)` is in it. */
export const LOWEST_VERSION = 13

export interface Binaries {
  readonly directory: string
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  readonly major: number
}

/** The newest installed server; where there is none and it can be done, it is installed. */
export function provideBinaries(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  tell: (line: string) => void,
): Binaries | undefined {
  const found = findServerBinaries(env, platform)
  if (found || !canInstall(platform)) return found
  install('postgresql', tell)
  return findServerBinaries(env, platform)
}

/** The newest installed server that is recent enough: on the PATH, or where each platform's packages put it. */
function findServerBinaries(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
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
