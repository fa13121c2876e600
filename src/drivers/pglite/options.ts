import type { PGliteInterface } from '@electric-sql/pglite'

/** What a call may ask for. PGlite does not export the type by a name. */
export type QueryOptions = NonNullable<Parameters<PGliteInterface['query']>[2]>

export type Results = Awaited<ReturnType<PGliteInterface['exec']>>[number]

/** What `cachedPGlite` takes beside the instance. */
export interface DriverOptions {
  /** The identity of the data, the same wherever it is read or written; by default each instance has its own. */
  readonly database?: string
}
