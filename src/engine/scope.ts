import { AsyncLocalStorage } from 'node:async_hooks'
import type { Operation } from '../base/vocabulary.js'
import type { Change } from '../invalidation/dependency.js'
import type { Explanation } from './explanation.js'
import type { Recorder } from './recorder.js'

/** What `cache(query, options)` asked for. */
export interface Asked {
  readonly ttl: number | undefined
  readonly ops: ReadonlySet<Operation> | undefined
  readonly lock: boolean | undefined
}

/** Changes that `deferInvalidation` collects, by database. */
export interface Deferred {
  readonly changes: Map<string, Change[]>
}

/** What holds for the calls of one asynchronous flow; scopes nest, the innermost wins. */
export interface Scope {
  readonly cache?: Asked | 'off'
  readonly enabled?: boolean
  readonly noInvalidation?: boolean
  readonly deferred?: Deferred
  readonly forceImages?: boolean
  /** `explain(fn)` collects here. */
  readonly explain?: Explanation[]
  /** Of the innermost function whose call this is inside of. */
  readonly recorder?: Recorder
  /** The calls of functions that this is inside of, the innermost first. */
  readonly inside?: Inside
}

/** A function's call that is under way. */
export interface Inside {
  readonly key: string
  readonly outer: Inside | undefined
}

const EMPTY: Scope = {}

/** One per engine: scopes of two engines never mix. */
export class Scopes {
  readonly #storage = new AsyncLocalStorage<Scope>()

  /** The scope of the current flow. */
  get current(): Scope {
    return this.#storage.getStore() ?? EMPTY
  }

  /** Runs `fn` in a scope that was current elsewhere. */
  exactly<T>(scope: Scope, fn: () => T): T {
    return this.#storage.run(scope, fn)
  }

  run<T>(changes: Scope, fn: () => T): T {
    return this.#storage.run({ ...this.current, ...changes }, fn)
  }
}
