import type { Settings } from '../catalog/settings.js'
import type { Entry } from '../store/store.js'
import type { Core } from './core.js'
import type { Database } from './database.js'
import type { Source } from './source.js'

/** Starts that are remembered: several servers may hold one database. */
const MOST_STARTS = 50
const YEAR_MS = 365 * 86_400_000

/**
 * A15: after a crash, a failover or a restore the server may have taken commits back that were read before. A start of the server
 * that nobody has seen yet drops the database. The store remembers them, for processes that were not there.
 */
export async function noteStart(engine: Core, source: Source, database: Database, settings: Settings): Promise<void> {
  const { started } = settings
  if (source.access.replica || settings.inRecovery || database.starts.has(started)) return
  const { store } = engine.config
  const key = `start ${database.id}`
  const recalled = await store.recall(key)
  const recorded = recalled.kind === 'hit' ? recalled.entry.rows.map(([start]) => start ?? '') : []
  const seen = new Set([...recorded, ...database.starts])
  if (!recorded.includes(started)) {
    if (seen.size > 0) {
      const reason = 'the server was started anew: it may have taken commits back'
      await engine.everythingOf(source, 'another start of the server', reason, {})
      // Kept, as the store did not take it: this process reads past the cache, and others see for themselves.
      if (engine.delivery.readPast(database.id, []) !== undefined) return
    }
    await record(engine, key, [...seen, started].slice(-MOST_STARTS))
  }
  database.starts.add(started)
}

/** Only when all is dropped: who finds a start here takes it for granted. */
async function record(engine: Core, key: string, starts: readonly string[]): Promise<void> {
  const { store } = engine.config
  await store.drop(key)
  const recalled = await store.recall(key)
  // Another process was faster: it has seen to it, too.
  if (recalled.kind === 'hit') return
  const entry: Entry = { command: '', rowCount: null, fields: [], rows: starts.map((start) => [start]) }
  await store.write(recalled.lease, entry, YEAR_MS)
}
