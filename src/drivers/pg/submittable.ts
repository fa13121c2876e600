import type { Stream } from '../../engine/streams.js'
import { isServerError } from './port.js'

/** pg's protocol for what runs by itself: `pg-cursor`, `pg-query-stream`, `pg-copy-streams`, `pg.Query`. */
export interface Submittable {
  submit(connection: unknown): unknown
  readonly name?: unknown
  readonly text?: unknown
  readonly cursor?: Closable & { readonly text?: unknown }
  handleReadyForQuery?(...args: unknown[]): void
  handleError?(...args: unknown[]): void
}

interface Closable {
  close?(callback?: Ended): Promise<void> | undefined
}

type Ended = (error?: unknown) => void

/** The statement that it will send; undefined where it does not say. */
export function textOf(query: Submittable): string | undefined {
  const text = query.text ?? query.cursor?.text
  return typeof text === 'string' ? text : undefined
}

/** The life of one submittable on its connection. */
export class Submission {
  readonly #query: Submittable
  /** Resolves when pg has it. */
  readonly #submitted = new Signal()
  /** Resolves when the server has ended it and its owner was told. */
  readonly #over = new Signal()
  #sent = false

  constructor(query: Submittable) {
    this.#query = query
    this.#holdClose()
  }

  /**
   * Hands it to pg, and resolves when it is over. Its owner hears of the end after what it wrote was dropped (B5).
   *
   * @param ready - resolves when the connection has said what its transaction's state is after an error
   */
  run(stream: Stream, ready: () => Promise<void>, submit: () => unknown): Promise<void> {
    const query = this.#query
    const { submit: send, handleReadyForQuery, handleError } = query
    const over = () => this.#over.give()
    const sent = () => {
      this.#sent = true
    }
    query.submit = function (this: unknown, connection) {
      const refused = send.call(this as Submittable, connection)
      if (!refused) sent()
      return refused
    }
    query.handleReadyForQuery = function (this: unknown, ...args) {
      const pass = () => {
        tell(() => handleReadyForQuery?.apply(this as Submittable, args))
        over()
      }
      stream.end().then(pass, pass)
    }
    const stateAfter = (error: unknown) => (this.#sent && isServerError(error) ? ready() : undefined)
    query.handleError = function (this: unknown, ...args) {
      // Listened for now: the server may say it at any moment, a cursor's only after it was told.
      const state = stateAfter(args[0])
      const pass = () => {
        tell(() => handleError?.apply(this as Submittable, args))
        if (state) void state.then(over)
        else over()
      }
      stream.end(args[0]).then(pass, pass)
    }
    this.#submit(submit)
    return this.#over.given
  }

  /** Hands it to pg where pg refuses it anyway. */
  refuse(submit: () => unknown): void {
    this.#submit(submit)
    this.#over.give()
  }

  #submit(submit: () => unknown): void {
    try {
      submit()
    } catch (error) {
      tell(() => this.#query.handleError?.(error))
    } finally {
      this.#submitted.give()
    }
  }

  /** It is closed only once pg has it: else it would never be; and one that wrote, when what it wrote was dropped (B5). */
  #holdClose(): void {
    const query = closableOf(this.#query)
    const { close } = query
    if (typeof close !== 'function') return
    query.close = (callback) => {
      const closed = this.#submitted.given
        .then(
          () =>
            new Promise<void>(
              (resolve, reject) => void close.call(query, (error) => (error ? reject(error) : resolve())),
            ),
        )
        .then(() => (this.#sent ? this.#over.given : undefined))
      return told(closed, callback)
    }
  }
}

/** One that waits for a client: closed meanwhile, it is closed once it has one. */
export class HeldSubmission {
  readonly #query: Submittable
  readonly #free = new Signal()
  readonly #close: Closable['close']

  constructor(query: Submittable) {
    this.#query = query
    const closable = closableOf(query)
    this.#close = closable.close
    if (typeof this.#close !== 'function') return
    closable.close = (callback) =>
      told(
        this.#free.given.then(() => closable.close?.()),
        callback,
      )
  }

  free(): void {
    if (typeof this.#close === 'function') closableOf(this.#query).close = this.#close
    this.#free.give()
  }

  fail(error: unknown): void {
    this.free()
    tell(() => this.#query.handleError?.(error))
  }
}

function closableOf(query: Submittable): Closable {
  return query.cursor ?? (query as Closable)
}

function told(closed: Promise<void>, callback: Ended | undefined): Promise<void> | undefined {
  if (!callback) return closed
  closed.then(
    () => process.nextTick(callback),
    (error) => process.nextTick(callback, error),
  )
  return undefined
}

class Signal {
  give!: () => void
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve
  })
}

/** What the owner's own listeners throw fails the process, as with pg, and nothing of ours. */
function tell(run: () => void): void {
  try {
    run()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
