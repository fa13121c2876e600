import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debuglog } from 'node:util'
import pg from 'pg'
import type { PostgresDatabase } from '../../scripts/postgres.js'
import { createDatabase } from '../support/postgres.js'
import { check, type Rest, type Verdict } from './check.js'
import type { Log, Row } from './records.js'
import { now } from './records.js'
import { until } from './until.js'
import type { Settings } from './worker-messages.js'
import { WorkerProcess } from './worker-process.js'
import { rows } from './writes.js'

// NODE_DEBUG=chaos says what is going on.
const debug = debuglog('chaos')
const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))
const IDS = 10
const GROUPS = 3

const SCHEMA = `
  CREATE TABLE hot (id int PRIMARY KEY, grp int NOT NULL, version bigint NOT NULL, note text NOT NULL);
  CREATE TABLE gone (id int PRIMARY KEY, version bigint NOT NULL);
  CREATE TABLE echo (id int PRIMARY KEY, version bigint NOT NULL);
  INSERT INTO hot SELECT id, 1 + id % ${GROUPS}, 1, '' FROM generate_series(1, ${IDS}) id;
  INSERT INTO echo SELECT id, 0 FROM generate_series(1, ${IDS}) id;`

type Own = Partial<Pick<Settings, 'store' | 'source' | 'faulty'>>

/** Something that is done to servers or processes, and undone. */
export interface Fault<Site> {
  readonly name: string
  /** Only in a soak: another one shows the same sooner. */
  readonly soak?: true
  during(site: Site): Promise<void>
}

/** Several processes at work on one database, what is done to them, and what came of it. */
export class Chaos {
  readonly seed: number
  readonly workers: WorkerProcess[] = []
  readonly #database: PostgresDatabase
  readonly #admin: pg.Pool
  readonly #store: Settings['store']
  readonly #directory = mkdtempSync(join(tmpdir(), 'cacheops-chaos-'))
  readonly #faults = new Map<string, number>()
  readonly #rests: Rest[] = []
  readonly #phases: { readonly at: number; readonly name: string }[] = []
  #columns = 4
  #triggered = false
  #initial: readonly Row[] = []

  private constructor(database: PostgresDatabase, store: Settings['store'], seed: number) {
    this.#database = database
    this.#admin = new pg.Pool({ connectionString: database.url, max: 1 })
    this.#store = store
    this.seed = seed
  }

  static async open(store: Settings['store'], seed: number): Promise<Chaos> {
    const chaos = new Chaos(await createDatabase('chaos'), store, seed)
    await chaos.#admin.query(SCHEMA)
    chaos.#initial = await chaos.#rows()
    return chaos
  }

  /** Starts processes and sets them to work. */
  async start(count: number, own: (index: number) => Own = () => ({})): Promise<readonly WorkerProcess[]> {
    const started = Array.from({ length: count }, (_, index) => this.#spawn(own(index)))
    await Promise.all(started.map((worker) => worker.ready()))
    await Promise.all(started.map((worker) => worker.order({ kind: 'start' })))
    return started
  }

  /** Starts a process in the place of one that is gone. */
  async replace(gone: WorkerProcess): Promise<void> {
    await this.start(1, () => ({ store: gone.settings.store }))
  }

  /** Ends a process in an orderly way. */
  async retire(worker: WorkerProcess): Promise<void> {
    await worker.order({ kind: 'rest' })
    await worker.end()
  }

  async addColumn(by: WorkerProcess): Promise<void> {
    const columns = ++this.#columns
    await by.order({ kind: 'define', sql: `ALTER TABLE hot ADD COLUMN more${columns} int DEFAULT 0`, columns })
  }

  async addTrigger(by: WorkerProcess): Promise<void> {
    if (this.#triggered) return
    this.#triggered = true
    const sql = `
      CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE echo SET version = NEW.version WHERE id = NEW.id; RETURN NULL; END';
      CREATE TRIGGER copy AFTER UPDATE ON hot FOR EACH ROW EXECUTE FUNCTION copy();`
    await by.order({ kind: 'define', sql, echo: true })
  }

  get alive(): readonly WorkerProcess[] {
    return this.workers.filter((worker) => worker.alive && !worker.killed)
  }

  /** Resolves when every process has done that much more. */
  async work(
    amount: { readonly reads?: number; readonly writes?: number; readonly hits?: number },
    workers = this.alive,
  ): Promise<void> {
    const before = workers.map(({ progress }) => progress)
    await until(`every process does ${JSON.stringify(amount)} more`, () =>
      workers.every(({ progress, alive, name }, index) => {
        if (!alive) throw new Error(`${name} has ended`)
        const since = before[index] as typeof progress
        return (['reads', 'writes', 'hits'] as const).every(
          (what) => progress[what] - since[what] >= (amount[what] ?? 0),
        )
      }),
    )
  }

  /** Resolves when every process has met a store that fails. */
  async storeErrors(workers = this.alive): Promise<void> {
    const before = workers.map(({ progress }) => progress.storeErrors)
    await until('every process has met a failing store', () =>
      workers.every(({ progress }, index) => progress.storeErrors > (before[index] as number)),
    )
  }

  /** One fault: it is done, lasts until the processes have worked in it, and is undone; then all is looked at, at rest. */
  async fault<Site>({ name, during }: Fault<Site>, site: Site): Promise<void> {
    await this.work({ hits: 10 })
    this.#phases.push({ at: now(), name })
    try {
      await during(site)
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
    }
    debug(name)
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1)
    await this.rest()
  }

  /** Everyone stops, delivers what is left, and reads everything. Hits must come back, too. */
  async rest(): Promise<void> {
    this.#phases.push({ at: now(), name: 'after it' })
    await this.stop()
    await this.look()
    await this.goOn()
    await this.work({ hits: 5, writes: 1 })
  }

  /** Everyone stops reading and writing, and delivers what is left. */
  async stop(): Promise<void> {
    await this.#all('rest')
  }

  /** Everyone has stopped, and reads everything. */
  async look(): Promise<void> {
    const at = now()
    const found = await this.#rows()
    await this.#all('look')
    this.#rests.push({ at, until: now(), rows: found })
  }

  async goOn(): Promise<void> {
    await this.#all('start')
  }

  /** Ends everything, and says what came of it. */
  async end(): Promise<Verdict> {
    await this.rest()
    const workers = this.alive
    await Promise.all(workers.map((worker) => this.retire(worker)))
    const logs: Log[] = this.workers.map((worker) => worker.log())
    const verdict = check(this.#initial, logs, this.#rests)
    console.log(this.#told(verdict))
    return verdict
  }

  /** Removes what is left, whatever happened. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.abandon()))
    await this.#admin.end()
    await this.#database.drop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #spawn(own: Own): WorkerProcess {
    const index = this.workers.length
    const worker = new WorkerProcess({
      name: `p${index + 1}`,
      seed: this.seed + index,
      database: this.#database.url,
      store: own.store ?? this.#store,
      log: join(this.#directory, `p${index + 1}.jsonl`),
      source: own.source ?? SOURCE,
      ids: IDS,
      groups: GROUPS,
      faulty: own.faulty,
    })
    this.workers.push(worker)
    return worker
  }

  #phaseOf(at: number): string {
    const index = this.#phases.findLastIndex((phase) => phase.at <= at)
    const { name } = this.#phases[index] ?? { name: 'before all faults' }
    return name === 'after it' ? `after '${this.#phases[index - 1]?.name}'` : `during '${name}'`
  }

  async #all(kind: 'rest' | 'look' | 'start'): Promise<void> {
    await Promise.all(this.alive.map((worker) => worker.order({ kind })))
  }

  async #rows(): Promise<readonly Row[]> {
    const { rows: found } = await this.#admin.query('SELECT id, grp, version FROM hot')
    return rows(found)
  }

  #told(verdict: Verdict): string {
    const faults = [...this.#faults].map(([name, times]) => (times === 1 ? name : `${name} (${times} times)`))
    return [
      `chaos, seed ${this.seed}: ${this.workers.length} processes, ${verdict.reads} reads (${verdict.hits} hits), ${verdict.writes} writes, ${this.#rests.length} times at rest`,
      `  faults: ${faults.join(', ') || 'none'}`,
      `  stale reads: ${verdict.stale.length}; older than an acknowledged write that was not delivered yet: ${verdict.late}, whose process was killed: ${verdict.lost} (at rest: ${verdict.lostAtRest})`,
      ...verdict.stale.slice(0, 20).map(({ at, story }) => `  ${this.#phaseOf(at)}: ${story}`),
    ].join('\n')
  }
}
