import type { Client } from 'pg'
import type { Connection } from '../../engine/connection.js'
import type { Engine } from '../../engine/engine.js'
import type { Source } from '../../engine/source.js'
import { cachedClient, type WithConnection } from './client.js'
import { labelOf } from './label.js'
import type { PgModule } from './module.js'
import type { DriverOptions } from './options.js'

interface Parameters {
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
}

/** Sources of clients that no pool made: clients with the same way to the server share one, as long as any of them lives. */
export function clientSources(engine: Engine, pg: PgModule, driver: DriverOptions): (client: Client) => Source {
  const held = new Map<string, { readonly source: Source; clients: number }>()
  return (client) => {
    const parameters = (client as unknown as { connectionParameters: Parameters }).connectionParameters
    const key = JSON.stringify([parameters.host, parameters.port, parameters.database, parameters.user])
    let entry = held.get(key)
    if (!entry) {
      const source: Source = engine.attach({
        database: driver.database,
        replica: driver.replica ?? false,
        label: labelOf('pg client', parameters),
        withConnection: (use) => withClient(engine, pg, parameters, () => source, use),
      })
      entry = { source, clients: 0 }
      held.set(key, entry)
    }
    const { source } = entry
    entry.clients++
    client.once('end', () => {
      const now = held.get(key)
      if (!now || now.source !== source) return
      now.clients--
      if (now.clients > 0) return
      held.delete(key)
      engine.detach(source)
    })
    return source
  }
}

/** A client of its own, for what is asked on nobody's behalf. */
async function withClient<T>(
  engine: Engine,
  pg: PgModule,
  parameters: Parameters,
  sourceOf: () => Source,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const Own = cachedClient(engine, pg, pg.Client as never, sourceOf)
  const client = new Own(parameters) as Client & WithConnection
  await client.connect()
  try {
    return await use(client.cacheopsConnection)
  } finally {
    await client.end()
  }
}
