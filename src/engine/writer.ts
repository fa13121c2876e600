import type { WireRow } from '../base/vocabulary.js'
import type { Change } from '../invalidation/dependency.js'
import { PURE_FUNCTIONS } from '../plan/functions.js'
import type { RowWrite, WritePlan } from '../plan/write.js'
import type { Analysis, TextAnalysis } from '../sql/analysis.js'
import { walkQuery } from '../sql/walk.js'
import type { Entry } from '../store/store.js'
import { type Call, outcomeUnknown, sqlState } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { chooseImages, ImageFold, type ImagePlan, pinnedChanges, pinnedValues, unknownRows } from './images.js'
import type { Scope } from './scope.js'
import type { ConnectionState } from './source.js'
import { preRead, relocated, widen, widenedName } from './widen.js'

/** Most different images that a write brings back; over it the schemes' stamps are replaced (B10). */
const MAX_IMAGES = 1000

/** Nothing is known of what a statement did. */
export const EVERYTHING: readonly Change[] = [{ kind: 'database', catalog: true }]

interface Done<R> {
  /** Decodes for the caller, whose parsers may throw: only once all is concluded. */
  readonly result: () => R
  readonly changes: readonly Change[]
  /** No row was touched: another's commit may be seen (A13). */
  readonly none: boolean
}

/** Runs writes, finds out what they changed, and delivers it when it is committed. */
export class Writer {
  readonly #engine: Core

  constructor(engine: Core) {
    this.#engine = engine
  }

  async write<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: WritePlan,
    scope: Scope,
  ): Promise<R> {
    const { session } = state
    const autocommit = !session.inTransaction
    session.wrote()
    if (plan.catalog) session.touchCatalog()
    this.#engine.explained(scope, call, analysis, context)
    if (analysis.template.statement.kind === 'select') this.#engine.bypassed(call.text, 'it may write', [])
    let done: Done<R>
    try {
      done = await this.#carryOut(state, context, call, analysis, plan, scope, autocommit)
    } catch (error) {
      await this.#failed(state, context, plan, error, autocommit, call.text)
      throw error
    } finally {
      if (plan.opaque) state.touched()
      if (plan.locks) session.locked(plan.sessionLocks)
      if (plan.unlocks) state.recheckLocks = true
    }
    if (plan.catalog && analysis.template.statement.kind === 'definition' && analysis.template.statement.temporary) {
      session.spoil('the session has temporary tables')
    }
    if (done.none && plan.rows) await this.#seen(context, plan.rows, call, analysis)
    if (!scope.noInvalidation) {
      const changes = [...done.changes, ...wholeChanges(plan)]
      await this.#conclude(state, context, changes, call.text, plan.reasons, scope, autocommit)
    } else await this.#conclude(state, context, [], call.text, [], scope, autocommit)
    return done.result()
  }

  async #conclude(
    state: ConnectionState,
    context: Context,
    changes: readonly Change[],
    text: string,
    reasons: readonly string[],
    scope: Scope,
    autocommit: boolean,
  ): Promise<void> {
    const { session, connection } = state
    const ended = session.follow(connection.status())
    if (autocommit && !session.inTransaction) {
      if (changes.length === 0) return
      if (this.#engine.pausing) await this.#engine.pause('committed', text)
      const catalogs = [context.catalogStamp]
      await this.#engine.delivery.deliver(context.database.id, changes, { text, reasons, catalogs }, scope.deferred)
      return
    }
    session.queue(changes, text, context.catalogStamp)
    if (!ended) return
    // A procedure or a DO block committed it all.
    const { changes: all, cause, catalogs } = session.end()
    await this.#engine.delivery.deliver(context.database.id, all, { text: cause, reasons, catalogs }, scope.deferred)
  }

  async #carryOut<R>(
    state: ConnectionState,
    context: Context,
    call: Call<R>,
    analysis: Analysis,
    plan: WritePlan,
    scope: Scope,
    autocommit: boolean,
  ): Promise<Done<R>> {
    const { rows } = plan
    if (!rows) return { result: given(await this.#pass(call)), changes: [], none: false }
    const values = { params: call.params, literals: analysis.literals }
    const pinned = pinnedValues(rows, values, this.#engine.reader.limits)
    const max = scope.forceImages ? Number.POSITIVE_INFINITY : MAX_IMAGES
    const images =
      scope.noInvalidation || call.uncacheable !== undefined
        ? undefined
        : await this.#images(state, context, rows, pinned)
    if (!images || images.way === 'pins') {
      const result = await this.#pass(call)
      const outcomes = call.outcomes(result)
      const none = outcomes.length === 1 && outcomes[0]?.rowCount === 0
      return {
        result: given(result),
        changes: none ? [] : images ? pinnedChanges(rows, pinned) : unknownRows(rows),
        none,
      }
    }
    const fold = new ImageFold(rows, images.columns, pinned, max)
    // With what stands before it: the positions in an error are those of the user's text.
    const text = call.text.slice(0, analysis.end)
    if (images.way === 'pre-read') return this.#preRead(state, call, text, rows, images, fold, max, autocommit)
    return this.#returning(state, call, text, rows, images, fold, autocommit)
  }

  async #pass<R>(call: Call<R>): Promise<R> {
    if (this.#engine.pausing) await this.#engine.pause('before-database', call.text)
    const result = await call.passThrough()
    if (this.#engine.pausing) await this.#engine.pause('after-database', call.text)
    return result
  }

  async #images(
    state: ConnectionState,
    context: Context,
    rows: RowWrite,
    pinned: ReturnType<typeof pinnedValues>,
  ): Promise<ImagePlan> {
    const { store } = this.#engine.config
    const { database } = context
    try {
      const schemes = await store.schemes(database.id, rows.table.id)
      const children = new Map<string, number>()
      for (const { child } of rows.cascades) children.set(child, (await store.schemes(database.id, child)).length)
      const count = (table: string): number => children.get(table) ?? 0
      const wish = chooseImages(rows, schemes, count, pinned, true)
      if (wish.way === 'pins') return wish
      const readable = await database.readable(state.connection, context.settings.role, rows.table.oid)
      return readable ? wish : chooseImages(rows, schemes, count, pinned, false)
    } catch (error) {
      this.#engine.failed('store', 'the schemes of a table could not be read: its write brings no images', error)
      return { way: 'pins', columns: [], key: [] }
    }
  }

  async #returning<R>(
    state: ConnectionState,
    call: Call<R>,
    text: string,
    rows: RowWrite,
    images: ImagePlan,
    fold: ImageFold,
    autocommit: boolean,
  ): Promise<Done<R>> {
    const old = images.way === 'returning-old'
    const widened = widen(text, rows, images.columns, old)
    let entry: Entry
    try {
      entry = await this.#ask(state, widened, call)
    } catch (error) {
      // What the catalog thought possible is not: in autocommit the user's own words can still be run.
      if (!autocommit || !sqlState(error)?.startsWith('42')) throw error
      return { result: given(await this.#pass(call)), changes: unknownRows(rows), none: false }
    }
    const count = images.columns.length
    const added = old ? count * 2 : count
    for (const row of entry.rows) {
      const own = row.slice(row.length - count)
      if (rows.operation === 'delete') fold.add(own, undefined)
      else if (rows.operation === 'insert' && !rows.upsert) fold.add(undefined, own)
      else if (old) fold.add(oldRow(rows, row.slice(row.length - added, row.length - count)), own)
      else fold.add('unknown', own)
    }
    const shown = strip(entry, added)
    return { result: () => call.decode(shown), changes: fold.changes(), none: entry.rowCount === 0 }
  }

  async #ask<R>(state: ConnectionState, text: string, call: Call<R>): Promise<Entry> {
    if (this.#engine.pausing) await this.#engine.pause('before-database', call.text)
    const name = call.name === undefined ? undefined : widenedName(call.name, text)
    const entry = await state.connection.run(text, call.params, name)
    if (this.#engine.pausing) await this.#engine.pause('after-database', call.text)
    return entry
  }

  /** A8: the rows as they are before the update, locked; what the update meets beyond them is unknown. */
  async #preRead<R>(
    state: ConnectionState,
    call: Call<R>,
    text: string,
    rows: RowWrite,
    images: ImagePlan,
    fold: ImageFold,
    max: number,
    autocommit: boolean,
  ): Promise<Done<R>> {
    const { connection } = state
    const limit = Math.min(max, 1_000_000) + 1
    const before = preRead(text, rows, images.columns, limit)
    const read = () =>
      connection.run(
        before.text,
        before.params.map((index) => call.params[index] ?? null),
      )
    if (!autocommit) {
      const seen = await read().catch((error: unknown) => Promise.reject(relocated(error, before)))
      await this.#engine.pause('pre-read', call.text)
      return this.#matched(state, call, text, rows, images, fold, seen.rows, seen.rows.length < limit)
    }
    await connection.run('BEGIN', [])
    let done: Done<R>
    let met = false
    try {
      const seen = await read()
      met = true
      await this.#engine.pause('pre-read', call.text)
      done = await this.#matched(state, call, text, rows, images, fold, seen.rows, seen.rows.length < limit)
    } catch (error) {
      if (outcomeUnknown(error)) {
        // Behind what is still running: where the connection lives on, the transaction that we began does not.
        connection.run('ROLLBACK', []).catch(() => undefined)
        throw error
      }
      await connection.run('ROLLBACK', [])
      const kind = sqlState(error)?.slice(0, 2)
      // A value that does not fit: the user's own statement says so in its own words.
      if (kind !== '42' && (met || kind !== '22')) throw error
      return { result: given(await this.#pass(call)), changes: unknownRows(rows), none: false }
    }
    await this.#engine.pause('before-commit', call.text)
    await connection.run('COMMIT', [])
    return done
  }

  async #matched<R>(
    state: ConnectionState,
    call: Call<R>,
    text: string,
    rows: RowWrite,
    images: ImagePlan,
    fold: ImageFold,
    seen: readonly WireRow[],
    complete: boolean,
  ): Promise<Done<R>> {
    const entry = await this.#ask(state, widen(text, rows, images.columns, false), call)
    const count = images.columns.length
    const keyLength = images.key.length
    const byKey = new Map(seen.map((row) => [JSON.stringify(row.slice(0, keyLength)), row]))
    if (!complete) fold.unknown()
    else {
      for (const row of entry.rows) {
        const own = row.slice(row.length - count)
        // A row that nobody pre-read, or whose key changed: what it was is not known.
        fold.add(byKey.get(JSON.stringify(own.slice(0, keyLength))) ?? 'unknown', own)
      }
    }
    const shown = strip(entry, count)
    return { result: () => call.decode(shown), changes: fold.changes(), none: entry.rowCount === 0 }
  }

  /** A13: it touched no row, so another's commit may be visible: what it names is dropped, and its table read past. */
  async #seen(context: Context, rows: RowWrite, call: Call<unknown>, analysis: Analysis): Promise<void> {
    const { delivery } = this.#engine
    delivery.grace(context.database.id, [rows.table.id])
    const values = { params: call.params, literals: analysis.literals }
    const named: Change[] = []
    for (const pinned of pinnedValues(rows, values, this.#engine.reader.limits)) {
      if (pinned.size === 0) continue
      named.push({
        kind: 'rows',
        table: rows.table.id,
        before: { values: pinned },
        after: undefined,
        columns: undefined,
        onlyKnown: true,
      })
    }
    await delivery.deliverQuietly(context.database.id, named, { text: call.text, reasons: ['it touched no row'] })
  }

  async #failed(
    state: ConnectionState,
    context: Context,
    plan: WritePlan,
    error: unknown,
    autocommit: boolean,
    text: string,
  ): Promise<void> {
    const changes = coarse(plan)
    if (outcomeUnknown(error)) {
      if (autocommit) await unknownOutcome(this.#engine, state, changes, text)
      // A later COMMIT of this transaction may still carry it.
      else if (state.session.inTransaction) state.session.queue(changes, text, context.catalogStamp)
      return
    }
    state.session.follow(state.connection.status())
    // CALL and DO may have committed before they failed (A14).
    if (plan.opaque && plan.database && !neverRan(error)) {
      await this.#engine.delivery.deliverQuietly(context.database.id, changes, { text, reasons: plan.reasons })
    }
    if (!tellsOfOthers(error)) return
    const tables = new Set([...(plan.rows ? [plan.rows.table.id] : []), ...plan.tables])
    // A foreign key that was not met tells of the other table.
    for (const table of context.catalog.tables.values()) {
      if (table.references.some((reference) => plan.rows && reference.child.id === plan.rows.table.id))
        tables.add(table.id)
      if (plan.rows?.table.id === table.id) for (const reference of table.references) tables.add(reference.child.id)
    }
    await this.sawOthers(
      state,
      [...tables].map((table): Change => ({ kind: 'table', table })),
      text,
      error,
    )
  }

  /** A13: what failed for another's commit tells that it is there: its tables are dropped, and read past for a moment. */
  async sawOthers(state: ConnectionState, changes: readonly Change[], cause: string, error: unknown): Promise<void> {
    const { database } = state.source
    if (!database || changes.length === 0 || !tellsOfOthers(error)) return
    const tables = [...new Set(changes.flatMap((change) => ('table' in change ? [change.table] : [])))]
    this.#engine.delivery.grace(database.id, tables)
    const reasons = [`it failed with ${sqlState(error)}: another's commit may be visible`]
    const whole = tables.map((table): Change => ({ kind: 'table', table }))
    await this.#engine.delivery.deliverQuietly(database.id, whole, { text: cause, reasons })
  }

  /** A string of several statements is the sum of them; it may have stopped anywhere (A14). */
  async several<R>(
    state: ConnectionState,
    context: Context | string,
    call: Call<R>,
    text: TextAnalysis,
    scope: Scope,
  ): Promise<R> {
    const { session, connection } = state
    if (typeof context === 'string') return this.blind(state, call, context, scope, false)
    const changes: Change[] = []
    const commits = endsTransaction(text)
    let touched = false
    let locks = false
    let definitions = false
    const reasons = new Set<string>()
    for (const { template } of text.statements) {
      const { statement } = template
      if (statement.kind === 'transaction') {
        if (statement.verb === 'commit-prepared') changes.push({ kind: 'database', catalog: true })
        continue
      }
      const { write } = context.planner.plan(template)
      changes.push(...coarse(write))
      touched ||= write.opaque || statement.kind === 'setting'
      locks ||= write.locks
      definitions ||= write.catalog
      for (const reason of write.reasons) reasons.add(reason)
    }
    if (definitions) session.touchCatalog()
    this.#engine.bypassed(call.text, 'several statements in one string', [])
    session.wrote()
    let error: unknown
    let result: R | undefined
    try {
      result = await this.#pass(call)
    } catch (caught) {
      error = caught ?? new Error('cacheops: the statement failed without an error')
    }
    if (touched) state.touched()
    const status = connection.status()
    const held = [...session.queued]
    const kept = scope.noInvalidation ? [] : changes
    if (error !== undefined && outcomeUnknown(error))
      await unknownOutcome(this.#engine, state, [...held, ...changes], call.text)
    else if (status === 'idle' || commits) {
      const { catalogs } = session.end()
      await this.#engine.delivery.deliver(
        context.database.id,
        [...held, ...kept],
        { text: call.text, reasons: [...reasons], catalogs: [...catalogs, context.catalogStamp] },
        scope.deferred,
      )
    }
    session.follow(status)
    session.forgetSavepoints()
    if (status !== 'idle' && session.inTransaction) session.queue(kept, call.text, context.catalogStamp)
    if (definitions) session.touchCatalog()
    if (locks) {
      // Whether any is left is asked before the next read.
      session.locked(true)
      state.recheckLocks = true
    }
    if (error !== undefined) {
      await this.sawOthers(state, changes, call.text, error)
      throw error
    }
    return result as R
  }

  /** Nothing is known of the database: a write drops everything; a query only where it calls what may write. */
  async blind<R>(state: ConnectionState, call: Call<R>, reason: string, scope: Scope, query: boolean): Promise<R> {
    const { session, connection, source } = state
    const text = this.#engine.analyze(call.text)
    const mayWrite = !query || callsUnknown(text)
    const locks =
      mayWrite || text.statements.some(({ template: { statement } }) => statement.kind === 'select' && statement.locks)
    this.#engine.bypassed(call.text, reason, [])
    if (mayWrite) session.wrote()
    let unknown = false
    try {
      return await this.#pass(call)
    } catch (error) {
      unknown = mayWrite && outcomeUnknown(error)
      throw error
    } finally {
      const ended = session.follow(connection.status())
      session.forgetSavepoints()
      if (ended) session.end()
      if (locks) {
        session.locked(true)
        state.recheckLocks = true
      }
      state.touched()
      if (unknown) await unknownOutcome(this.#engine, state, EVERYTHING, call.text)
      if (mayWrite && !scope.noInvalidation) {
        if (session.inTransaction) session.queue(EVERYTHING, call.text)
        if (!session.inTransaction || endsTransaction(text))
          await this.#engine.everythingOf(source, call.text, reason, scope)
      }
    }
  }
}

/** A2: it may be committed any moment. The tables are blocked until the outcome is known. */
export async function unknownOutcome(
  engine: Core,
  state: ConnectionState,
  changes: readonly Change[],
  cause: string,
): Promise<void> {
  const { database } = state.source
  if (!database || changes.length === 0) return
  const whole = changes.some((change) => change.kind === 'database' || change.kind === 'everything')
  const tables = whole
    ? 'database'
    : [...new Set(changes.map((change) => (change as { readonly table: string }).table))]
  await engine.settle(state, database, tables, cause)
}

/** The server could not parse the text: an error of syntax that no function inside reports. */
function neverRan(error: unknown): boolean {
  const { where, internalQuery } = error as { where?: unknown; internalQuery?: unknown }
  return sqlState(error) === '42601' && where === undefined && internalQuery === undefined
}

/** A constraint or a conflict: the server has seen another's commit (A13). */
function tellsOfOthers(error: unknown): boolean {
  return /^(?:23|40)/.test(sqlState(error) ?? '')
}

function given<R>(result: R): () => R {
  return () => result
}

/** What was written before it in the same string, or before the string, may be committed. */
export function endsTransaction(text: TextAnalysis): boolean {
  return text.statements.some(({ template: { statement } }) => {
    if (statement.kind !== 'transaction') return statement.kind === 'opaque' && statement.writes
    return statement.verb !== 'savepoint' && statement.verb !== 'release' && statement.verb !== 'begin'
  })
}

function callsUnknown(text: TextAnalysis): boolean {
  let unknown = false
  for (const { template } of text.statements) {
    if (template.statement.kind !== 'select') return true
    walkQuery(template.statement.query, {
      expr: (expr) => {
        if (expr.kind === 'call' && !PURE_FUNCTIONS.has(expr.name)) unknown = true
      },
      write: () => {
        unknown = true
      },
    })
  }
  return unknown
}

function wholeChanges(plan: WritePlan): Change[] {
  const changes: Change[] = plan.tables.map((table) => ({ kind: 'table', table }))
  if (plan.database) changes.push({ kind: 'database', catalog: plan.catalog })
  return changes
}

/** All that a plan may change, by table. */
export function coarse(plan: WritePlan): Change[] {
  const tables = new Set(plan.tables)
  if (plan.rows) {
    tables.add(plan.rows.table.id)
    for (const { child } of plan.rows.cascades) tables.add(child)
  }
  const changes: Change[] = [...tables].map((table) => ({ kind: 'table', table }))
  if (plan.database) changes.push({ kind: 'database', catalog: plan.catalog })
  return changes
}

/** The old row of an upsert, or undefined where there was none: its key would not be NULL. */
function oldRow(rows: RowWrite, row: WireRow): WireRow | undefined | 'unknown' {
  if (!rows.upsert) return row
  const key = rows.table.keys.find((candidate) => candidate.primary)
  if (!key) return 'unknown'
  return row.slice(0, key.columns.length).every((value) => value === null) ? undefined : row
}

function strip(entry: Entry, added: number): Entry {
  const fields = entry.fields.slice(0, entry.fields.length - added)
  // Without a RETURNING of its own the statement has no rows to show.
  return { ...entry, fields, rows: fields.length === 0 ? [] : entry.rows.map((row) => row.slice(0, fields.length)) }
}
