import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { dropDatabasesOf, providePostgres } from '../../scripts/postgres.js'
import { preparePGlite } from './pglite.js'

/** Runs once, before all test files, in vitest's main process; workers see what it puts into the environment. */
export default async function setup(): Promise<() => Promise<void>> {
  const server = await providePostgres().catch((error: Error) => {
    // Without vitest's stack trace around it: this is for people.
    console.error(`\n${error.message}\n`)
    process.exit(1)
  })
  console.log(`Testing against ${server.description}`)
  const run = randomBytes(3).toString('hex')
  process.env.CACHEOPS_TEST_SERVER = server.url
  process.env.CACHEOPS_TEST_RUN = run
  const forget = dropOnInterrupt(run, server.url)
  await preparePGlite()

  return async () => {
    forget()
    try {
      const left = await dropDatabasesOf(run, server.url)
      if (left.length > 0) console.warn(`Dropped databases that tests left behind: ${left.join(', ')}`)
    } finally {
      await server.stop()
    }
  }
}

/** vitest does not tear down where it is interrupted. Gives a function that takes this back. */
function dropOnInterrupt(run: string, serverUrl: string): () => void {
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
  const drop = () => {
    const args = [path('node_modules/tsx/dist/cli.mjs'), path('scripts/drop-databases.ts'), run, serverUrl]
    spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 20_000 })
  }
  const exits = { SIGINT: 130, SIGTERM: 143 } as const
  const exit = (signal: 'SIGINT' | 'SIGTERM') => process.exit(exits[signal])
  process.on('exit', drop)
  process.on('SIGINT', exit)
  process.on('SIGTERM', exit)
  return () => {
    process.off('exit', drop)
    process.off('SIGINT', exit)
    process.off('SIGTERM', exit)
  }
}
