import pgModule from 'pg'
import { whatToInstall } from '../../scripts/postgres.js'
import { provideBinaries } from '../../scripts/servers/postgres-binaries.js'
import { PostgresCluster } from '../../scripts/servers/postgres-cluster.js'

/**
 * A server of the test's own, which may be stopped and crashed.
 *
 * @throws with the words of what to install, where there is none and none can be installed
 */
export function privateCluster(settings: Readonly<Record<string, string>> = {}): Promise<PostgresCluster> {
  const binaries = provideBinaries(process.env, process.platform, (line) => process.stderr.write(`${line}\n`))
  if (!binaries) throw new Error(`This test starts a PostgreSQL of its own. ${whatToInstall(process.platform)}`)
  return PostgresCluster.create(binaries, settings)
}

/** One statement on a connection of its own, past everything. */
export async function directly(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pgModule.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}
