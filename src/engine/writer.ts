import type { Change } from '../invalidation/dependency.js'
import type { RowWrite, WritePlan } from '../plan/write.js'
import type { Analysis } from '../sql/analysis.js'
import { type Attempt, type Done, given, pass } from './attempt.js'
import { wholeChanges } from './changes.js'
import type { Call } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { chooseImages, ImageFold, type ImagePlan, pinnedChanges, pinnedValues, unknownRows } from './images.js'
import { writeFailed } from './outcomes.js'
import { writePreRead } from './pre-read.js'
import { writeReturning } from './returning.js'
import type { Scope } from './scope.js'
import type { ConnectionState } from './source.js'

/** Most different images that a write brings back; over it the schemes' stamps are replaced (B10). */
const MAX_IMAGES = 1000

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
      await writeFailed(this.#engine, state, context, plan, error, autocommit, call.text)
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
    const engine = this.#engine
    if (!rows) return { result: given(await pass(engine, call)), changes: [], none: false }
    const values = { params: call.params, literals: analysis.literals }
    const pinned = pinnedValues(rows, values, engine.reader.limits)
    const max = scope.forceImages ? Number.POSITIVE_INFINITY : MAX_IMAGES
    const images =
      scope.noInvalidation || call.uncacheable !== undefined
        ? undefined
        : await this.#images(state, context, rows, pinned)
    if (!images || images.way === 'pins') {
      const result = await pass(engine, call)
      const outcomes = call.outcomes(result)
      const none = outcomes.length === 1 && outcomes[0]?.rowCount === 0
      return {
        result: given(result),
        changes: none ? [] : images ? pinnedChanges(rows, pinned) : unknownRows(rows),
        none,
      }
    }
    const fold = new ImageFold(rows, images.columns, pinned, max)
    const text = call.text.slice(0, analysis.end)
    const attempt: Attempt<R> = { engine, state, call, text, rows, images, fold, autocommit }
    return images.way === 'pre-read' ? writePreRead(attempt, max) : writeReturning(attempt)
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
}
