import type { Faulty } from './faulty-store.js'

/** What a process is started with. */
export interface Settings {
  readonly name: string
  readonly seed: number
  readonly database: string
  /** `'memory'`, or how to reach Redis. */
  readonly store: 'memory' | { readonly connection: unknown; readonly prefix: string }
  /** Where its records go. */
  readonly log: string
  /** The folder of cacheops' sources. */
  readonly source: string
  readonly ids: number
  readonly groups: number
  /** Breaks the store on purpose. */
  readonly faulty?: Faulty | undefined
}

/** To a process. All but `die` are answered with `done`, or `failed`. */
export type Order =
  | { readonly id: number; readonly kind: 'start' }
  /** Stops reading and writing, and waits until nothing is undelivered. */
  | { readonly id: number; readonly kind: 'rest' }
  /** Reads everything there is, twice. */
  | { readonly id: number; readonly kind: 'look' }
  | {
      readonly id: number
      readonly kind: 'define'
      readonly sql: string
      readonly columns?: number
      readonly echo?: true
    }
  | { readonly id: number; readonly kind: 'end' }
  /** Ends by SIGKILL after the next commit, before anything is told to the store. */
  | { readonly id: number; readonly kind: 'die' }

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | ({ readonly kind: 'progress' } & Progress)

/** Counts since the process started. */
export interface Progress {
  readonly reads: number
  readonly hits: number
  readonly writes: number
  readonly storeErrors: number
  readonly undelivered: number
}
