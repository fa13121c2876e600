import type { Analysis, TextAnalysis } from '../sql/analysis.js'
import type { AnalyzeOptions } from '../sql/analyze.js'
import type { Access, Call, Connection } from './connection.js'
import type { Context, Database } from './database.js'
import type { Delivery } from './delivery.js'
import type { DifferenceEvent, FailureEvent } from './events.js'
import type { Config } from './options.js'
import type { Reader } from './reader.js'
import type { Recorders } from './recorder.js'
import type { Scope } from './scope.js'
import type { ConnectionState, Source } from './source.js'

/** Where the interleaving test stops readers and writers. */
export type PausePoint =
  | 'lease-taken'
  | 'before-database'
  | 'after-database'
  | 'before-store'
  | 'pre-read'
  | 'before-commit'
  | 'committed'

/** What the parts of the engine need of the whole. */
export interface Core {
  readonly config: Config
  readonly delivery: Delivery
  readonly reader: Reader
  readonly recorders: Recorders
  readonly parserReady: boolean
  readonly closed: boolean
  readonly lastFailure: unknown
  loadParser(): Promise<void>
  analyze(text: string, options?: AnalyzeOptions): TextAnalysis
  databaseOf(access: Access, connection: Connection): Promise<Database>
  /** Anything in the source's database may have changed; in every database where it is not known which it is. */
  everythingOf(source: Source, text: string, reason: string, scope: Scope): Promise<void>
  /** Blocks tables until it is known whether a write was carried out (A2). */
  settle(
    state: ConnectionState,
    database: Database,
    tables: readonly string[] | 'database',
    cause: string,
  ): Promise<void>
  /** Whether `pause` ever does. */
  readonly pausing: boolean
  pause(point: PausePoint, what: string): Promise<void> | undefined
  bypassed(sql: string, reason: string, tables: readonly string[]): void
  failed(what: FailureEvent['what'], message: string, error: unknown): void
  /** A hit was found to differ from the database. */
  differed(event: DifferenceEvent): void
  configured(database: Database): void
  explained(
    scope: Scope,
    call: Call<unknown>,
    analysis: Analysis,
    context: Context,
    reason?: string,
    hit?: boolean,
  ): void
}
