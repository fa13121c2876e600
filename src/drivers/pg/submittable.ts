import type { Stream } from '../../engine/streams.js'

/** pg's protocol for what runs by itself: `pg-cursor`, `pg-query-stream`, `pg-copy-streams`, `pg.Query`. */
export interface Submittable {
  submit(connection: unknown): unknown
  readonly text?: unknown
  readonly cursor?: { readonly text?: unknown }
  handleReadyForQuery?(...args: unknown[]): void
  handleError?(...args: unknown[]): void
}

/** The statement that it will send; undefined where it does not say. */
export function textOf(query: Submittable): string | undefined {
  const text = query.text ?? query.cursor?.text
  return typeof text === 'string' ? text : undefined
}

/** Submits it, and resolves when the server has ended it. Its owner hears of the end after what it wrote was dropped. */
export function endOf(query: Submittable, stream: Stream, submit: () => unknown): Promise<void> {
  return new Promise((resolve) => {
    const ready = query.handleReadyForQuery
    const failed = query.handleError
    query.handleReadyForQuery = function (this: unknown, ...args) {
      const tell = () => {
        ready?.apply(this, args)
        resolve()
      }
      stream.end().then(tell, tell)
    }
    query.handleError = function (this: unknown, ...args) {
      const tell = () => {
        failed?.apply(this, args)
        resolve()
      }
      stream.end(args[0]).then(tell, tell)
    }
    submit()
  })
}
