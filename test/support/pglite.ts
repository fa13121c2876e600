import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'

// A fresh PGlite runs initdb, which takes seconds; loading a data directory that was kept takes a fraction of that.
const { version } = JSON.parse(
  readFileSync(new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url), 'utf8'),
) as { version: string }
const directory = new URL('../../node_modules/.cache/cacheops/', import.meta.url)
const snapshotFile = new URL(`pglite-${version}.tar.gz`, directory)

let snapshot: Blob | undefined

/**
 * A new, empty PGlite in memory, as `new PGlite()` gives, but sooner. All of them come from one data directory, so the
 * server's system identifier and the database's oid are the same in each: where two of them share a store in one test,
 * give each an explicit `database`.
 */
export async function createPGlite(options: PGliteOptions = {}): Promise<PGlite> {
  await preparePGlite()
  snapshot ??= new Blob([new Uint8Array(readFileSync(snapshotFile))])
  return PGlite.create({ ...options, loadDataDir: snapshot })
}

/**
 * Empties a PGlite that a test has used: sooner still, for tests that need hundreds of databases one after another.
 * Roles, settings of the database and other schemas than those named stay.
 */
export async function emptyPGlite(db: PGlite, schemas: readonly string[] = ['public']): Promise<void> {
  const statements = schemas.map((schema) => `DROP SCHEMA IF EXISTS "${schema}" CASCADE; CREATE SCHEMA "${schema}";`)
  // One string would be one transaction, in which DISCARD ALL cannot run.
  await db.exec('ROLLBACK')
  await db.exec(statements.join(' '))
  await db.exec('DISCARD ALL')
}

/** Makes the snapshot if no run has yet. Safe in several processes at once. */
export async function preparePGlite(): Promise<void> {
  if (existsSync(snapshotFile)) return
  const db = await PGlite.create()
  const bytes = new Uint8Array(await (await db.dumpDataDir('gzip')).arrayBuffer())
  await db.close()
  mkdirSync(directory, { recursive: true })
  const partial = new URL(`${snapshotFile.href}.${process.pid}`)
  try {
    writeFileSync(partial, bytes)
    renameSync(partial, snapshotFile)
  } finally {
    rmSync(partial, { force: true })
  }
}
