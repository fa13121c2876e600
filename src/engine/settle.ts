import { randomUUID } from 'node:crypto'
import { SERVER_START } from '../catalog/settings.js'
import type { Change } from '../invalidation/dependency.js'
import type { Connection } from './connection.js'
import type { Core } from './core.js'
import type { Database } from './database.js'
import type { ConnectionState } from './source.js'

const FIRST_WAIT_MS = 20
const LAST_WAIT_MS = 2000
/** The longest that a pooler takes to hand on what it was sent. */
const POOLER_MS = 5000

const OPEN_TRANSACTIONS = `SELECT pid || ' ' || pg_catalog.date_part('epoch', xact_start) FROM pg_catalog.pg_stat_activity
  WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND xact_start IS NOT NULL`

/**
 * A2: the outcome of a write is unknown. Blocks its tables for everyone at once, then, in the background, waits until the
 * backend has answered or is gone, replaces the stamps once more and unblocks. Resolves when the tables are blocked;
 * `free` when they are free again.
 */
export async function settle(
  engine: Core,
  state: ConnectionState,
  database: Database,
  tables: readonly string[] | 'database',
  cause: string,
): Promise<{ readonly free: Promise<void> }> {
  const { store } = engine.config
  const token = randomUUID()
  const changes: Change[] =
    tables === 'database' ? [{ kind: 'database', catalog: true }] : tables.map((table) => ({ kind: 'table', table }))
  engine.failed(
    'outcome',
    `it is not known whether a write was carried out: ${tables === 'database' ? 'the database is' : `${tables.join(', ')} are`} read past the cache until it is`,
    undefined,
  )
  if (tables === 'database') database.forget()
  let blocked = true
  try {
    await store.block(database.id, tables, token)
  } catch (error) {
    blocked = false
    engine.failed('store', 'tables could not be blocked', error)
  }
  await deliver(engine, database, changes, cause)
  const free = over(engine, state).then(async () => {
    await deliver(engine, database, changes, `${cause}, now over`)
    if (!blocked) return
    try {
      await store.unblock(database.id, token)
    } catch (error) {
      engine.failed('store', 'tables could not be unblocked', error)
    }
  })
  return { free }
}

async function deliver(engine: Core, database: Database, changes: readonly Change[], cause: string): Promise<void> {
  try {
    await engine.delivery.deliver(
      database.id,
      changes,
      { text: cause, reasons: ['its outcome is not known'] },
      undefined,
    )
  } catch (error) {
    // With `degradeOnFailure: false` this is thrown to callers; here the changes are kept and retried all the same.
    engine.failed('store', 'an invalidation could not be delivered', error)
  }
}

/**
 * Resolves when the backend can no longer carry the write out: it answered something else, or it is gone. Rejects where
 * the engine was closed before that could be had: the tables stay blocked then.
 */
async function over(engine: Core, state: ConnectionState): Promise<void> {
  const { source } = state
  const { connection } = state
  const gone = source.pooled ? pooledGone() : (other: Connection) => backendGone(other, state)
  // Its own connection answers in order: what came before is over then. It may take long, or never answer.
  let own: 'asked' | 'answered' | 'refused' = 'refused'
  const ask = (): void => {
    own = 'asked'
    void answers(connection).then((answered) => {
      own = answered ? 'answered' : 'refused'
    })
  }
  const said = (): typeof own => own
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LAST_WAIT_MS)) {
    if (said() === 'answered') return
    if (said() === 'refused') ask()
    try {
      if (await source.access.withConnection(gone)) return
    } catch (error) {
      // The database cannot be reached, so it cannot be asked: the tables stay blocked.
      if (engine.closed) throw error
    }
    await new Promise<void>((resolve) => setTimeout(resolve, wait).unref())
  }
}

async function backendGone(other: Connection, { connection, settings }: ConnectionState): Promise<boolean> {
  if (connection.pid === undefined) return true
  // A server that was started again may have given the number to another.
  const { rows } = await other.run(
    `SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND ($2 = '' OR $2 = ${SERVER_START})`,
    [String(connection.pid), settings?.started ?? ''],
  )
  return rows.length === 0
}

/**
 * Behind a transaction pooler nobody knows the backend, and what was sent may still be on its way to one: after a while, all
 * transactions of the database that are open then have to end.
 */
function pooledGone(): (other: Connection) => Promise<boolean> {
  const since = performance.now()
  let open: ReadonlySet<string> | undefined
  return async (other) => {
    if (performance.now() - since < POOLER_MS) return false
    const { rows } = await other.run(OPEN_TRANSACTIONS, [])
    const now = new Set(rows.map(([id]) => id ?? ''))
    open = open ? new Set([...open].filter((id) => now.has(id))) : now
    return open.size === 0
  }
}

async function answers(connection: Connection): Promise<boolean> {
  try {
    await connection.run('SELECT 1', [], undefined, true)
    return connection.status() !== 'unknown'
  } catch {
    return false
  }
}
