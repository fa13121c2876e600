import type { MaybePromise } from '../base/vocabulary.js'
import type { Change } from '../invalidation/dependency.js'
import type { RowWrite } from '../plan/row-write.js'
import type { WritePlan } from '../plan/write.js'
import type { Analysis } from '../sql/analysis.js'
import { type Attempt, type Done, given, pass } from './attempt.js'
import { besides } from './changes.js'
import { type Call, next } from './connection.js'
import type { Core } from './core.js'
import type { Context } from './database.js'
import { ImageFold } from './image-fold.js'
import { chooseImages, type ImagePlan, NO_IMAGES } from './images.js'
import { writeFailed } from './outcomes.js'
import { pinnedValues, saidValues, type Values } from './pins.js'
import { writePreRead } from './pre-read.js'
import { writeReturning } from './returning.js'
import { pinnedChanges, unknownRows } from './row-changes.js'
import type { Scope } from './scope.js'
import { settingsChange } from './settings-change.js'
import type { ConnectionState } from './source.js'

/** Most different images that a write brings back; over it the schemes' stamps are replaced (B10). */
const MAX_IMAGES = 1000

const NOTHING: readonly Change[] = []
const NOBODY: readonly boolean[] = []

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
    call.why = 'it writes'
    this.#engine.explained(scope, call, analysis, context)
    if (analysis.template.statement.kind === 'select') this.#engine.bypassed(call.text, 'it may write', [])
    const values = { params: call.params, literals: analysis.literals }
    const { limits } = this.#engine.reader
    const setting = settingsChange(analysis.template.statement, plan, context)
    state.willSet(setting)
    let done: Done<R>
    try {
      const { rows } = plan
      if (!rows) done = await this.#plain(call, undefined, NOTHING)
      else {
        const max = scope.forceImages ? Number.POSITIVE_INFINITY : MAX_IMAGES
        const pinned = pinnedValues(rows, values, limits)
        const wanted = !scope.noInvalidation && call.uncacheable === undefined
        const images = wanted ? this.#images(state, context, rows, pinned) : undefined
        const known = images instanceof Promise ? await images : images
        if (known && known.way !== 'pins')
          done = await this.#withImages(state, call, analysis, rows, pinned, known, max, autocommit)
        else if (known) done = await this.#plain(call, rows, pinnedChanges(rows, saidValues(rows, values, limits)))
        else done = await this.#plain(call, rows, unknownRows(rows))
      }
    } catch (error) {
      await writeFailed(this.#engine, state, context, plan, values, error, autocommit, call.text)
      throw error
    } finally {
      state.hasSet(setting)
      if (plan.locks) session.locked(plan.sessionLocks)
      // What cannot be read may have taken any.
      if (plan.opaque && plan.database) state.mayHoldLocks()
      if (plan.unlocks) state.recheckLocks = true
    }
    if (plan.catalog && analysis.template.statement.kind === 'definition' && analysis.template.statement.temporary) {
      session.spoil('the session has temporary tables')
    }
    if (done.none && plan.rows) await this.#seen(context, plan.rows, call, analysis)
    if (!scope.noInvalidation) {
      const others = besides(plan, values, limits)
      const changes = others.length === 0 ? done.changes : [...done.changes, ...others]
      await this.#conclude(state, context, changes, call.text, plan.reasons, scope, autocommit)
    } else await this.#conclude(state, context, NOTHING, call.text, [], scope, autocommit)
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
      if (this.#engine.pausing) await this.#engine.pause('committed', text)
      const catalogs = scope.noInvalidation ? [] : [context.catalogStamp]
      await this.#engine.delivery.deliver(context.database.id, changes, { text, reasons, catalogs }, scope.deferred)
      return
    }
    session.queue(changes, text, context.catalogStamp)
    if (!ended) return
    // A procedure or a DO block committed it all.
    const { changes: all, cause, catalogs } = session.end()
    await this.#engine.delivery.deliver(context.database.id, all, { text: cause, reasons, catalogs }, scope.deferred)
  }

  async #plain<R>(call: Call<R>, rows: RowWrite | undefined, changes: readonly Change[]): Promise<Done<R>> {
    const result = await pass(this.#engine, call)
    const outcomes = rows ? call.outcomes(result) : []
    const none = outcomes.length === 1 && outcomes[0]?.rowCount === 0
    return { result: given(result), changes: none ? [] : changes, none }
  }

  #withImages<R>(
    state: ConnectionState,
    call: Call<R>,
    analysis: Analysis,
    rows: RowWrite,
    pinned: readonly Values[],
    images: ImagePlan,
    max: number,
    autocommit: boolean,
  ): Promise<Done<R>> {
    const fold = new ImageFold(rows, images, pinned, max)
    const text = call.text.slice(0, analysis.end)
    const attempt: Attempt<R> = { engine: this.#engine, state, call, text, rows, images, fold, autocommit }
    return images.way === 'pre-read' ? writePreRead(attempt, max) : writeReturning(attempt)
  }

  /** Which images it should bring; asked of the store, which may answer at once. */
  #images(
    state: ConnectionState,
    { database, settings }: Context,
    rows: RowWrite,
    pinned: readonly Values[],
  ): MaybePromise<ImagePlan> {
    const { store } = this.#engine.config
    const failed = (error: unknown): ImagePlan => {
      this.#engine.failed('store', 'the schemes of a table could not be read: its write brings no images', error)
      return NO_IMAGES
    }
    try {
      const images = next(store.schemes(database.id, rows.stamps), (schemes) =>
        next(this.#followed(database.id, rows), (followed) => {
          const wish = chooseImages(rows, schemes, followed, pinned)
          if (wish.way === 'pins') return wish
          const readable = database.readable(state.connection, settings.role, rows.table.oid)
          return next(readable, (may) => (may ? wish : NO_IMAGES))
        }),
      )
      return images instanceof Promise ? images.catch(failed) : images
    } catch (error) {
      return failed(error)
    }
  }

  /** For each cascade whether anything that it reaches could be cached. */
  #followed(database: string, { cascades }: RowWrite): MaybePromise<readonly boolean[]> {
    if (cascades.length === 0) return NOBODY
    const { store } = this.#engine.config
    const tables = [...new Set(cascades.flatMap(({ reaches }) => reaches))]
    const used = tables.map((table) => next(store.schemes(database, table), ({ length }) => length > 0))
    const follow = (known: readonly boolean[]): readonly boolean[] =>
      cascades.map(({ reaches }) => reaches.some((table) => known[tables.indexOf(table)]))
    return used.some((each) => each instanceof Promise)
      ? Promise.all(used).then(follow)
      : follow(used as readonly boolean[])
  }

  /** A13: it touched no row, so another's commit may be visible: what it names is dropped, and its table read past. */
  async #seen(context: Context, rows: RowWrite, call: Call<unknown>, analysis: Analysis): Promise<void> {
    const { delivery } = this.#engine
    delivery.grace(context.database.id, [rows.table.id, rows.stamps])
    const values = { params: call.params, literals: analysis.literals }
    const named: Change[] = []
    for (const pinned of pinnedValues(rows, values, this.#engine.reader.limits)) {
      if (pinned.size === 0) continue
      named.push({
        kind: 'rows',
        table: rows.stamps,
        before: { values: pinned },
        after: undefined,
        columns: undefined,
        onlyKnown: true,
      })
    }
    await delivery.deliverQuietly(context.database.id, named, { text: call.text, reasons: ['it touched no row'] })
  }
}
