/** The operations that a policy can name (see the table in docs/operations). */
export type Operation = 'get' | 'fetch' | 'count' | 'aggregate' | 'exists'

export const OPERATIONS: readonly Operation[] = ['get', 'fetch', 'count', 'aggregate', 'exists']

/** A value as the wire carries it in text form; `null` is SQL NULL. */
export type WireValue = string | null

/** A row as the server sent it: text by position. */
export type WireRow = readonly WireValue[]

/** A value now or later. A store in memory answers at once, and a hit then waits for nothing. */
export type MaybePromise<T> = T | Promise<T>
