import { type Channel, channel } from 'node:diagnostics_channel'
import type { Operation, WireRow } from '../base/vocabulary.js'

/** A read that the cache was asked for. */
export interface ReadEvent {
  readonly hit: boolean
  /** It waited for another caller's read of the same. */
  readonly joined: boolean
  readonly sql: string
  /** `function`: the call of a function such as `cachedAs` makes; `sql` is that call then. */
  readonly operation: Operation | 'function'
  /** The function's name. */
  readonly fn: string | undefined
  /** The table whose policy counted, e.g. `public.posts`; of a function none. */
  readonly table: string
  readonly tables: readonly string[]
  readonly key: string
}

/** A statement that went past the cache although it is a read, or a function whose result was not kept. */
export interface BypassEvent {
  /** The statement, or the function's call. */
  readonly sql: string
  readonly reason: string
  readonly tables: readonly string[]
}

/** What a write dropped. */
export interface InvalidatedEvent {
  readonly database: string
  /** The statement, `COMMIT` with what it committed, or the call by hand. */
  readonly cause: string
  readonly tables: readonly {
    readonly table: string
    /** The table's stamp was replaced: every entry that reads it is gone. */
    readonly whole: boolean
    /** Stamps of whole schemes that were replaced. */
    readonly schemes: number
    /** Stamps of single conjs that were replaced. */
    readonly conjs: number
  }[]
  /** Everything of the database was dropped. */
  readonly everything: boolean
  /** Why it was coarser than the rows that changed. */
  readonly reasons: readonly string[]
}

/** Something failed that the application did not see, or saw as another error. */
export interface FailureEvent {
  readonly what: 'store' | 'catalog' | 'parser' | 'settings' | 'listener' | 'outcome' | 'verify' | 'serializer' | 'file'
  readonly message: string
  readonly error: unknown
}

/** With `verify`: a hit was run again, and the database said something else although no write was told to the store meanwhile. */
export interface DifferenceEvent {
  readonly sql: string
  /** Values as they are sent to the server. */
  readonly params: readonly (string | Uint8Array | null)[]
  readonly key: string
  readonly tables: readonly string[]
  /** `order`: the same rows in another order; where ORDER BY leaves rows equal, the server may choose. */
  readonly difference: 'rows' | 'order'
  /** When the entry was stored, where the store tells. */
  readonly stored: Date | undefined
  /** The conditions whose stamps it was stored under, and which still stand. */
  readonly dependencies: readonly { readonly table: string; readonly conj: Readonly<Record<string, string | null>> }[]
  /** This process's writes to its tables since then, the oldest first. */
  readonly writes: readonly { readonly at: Date; readonly cause: string }[]
  /** At most ten rows that only the entry has, values as text by position. */
  readonly onlyCached: readonly WireRow[]
  /** At most ten rows that only the database has. */
  readonly onlyDatabase: readonly WireRow[]
}

export interface Events {
  readonly read: ReadEvent
  readonly bypass: BypassEvent
  readonly invalidated: InvalidatedEvent
  readonly failure: FailureEvent
  readonly difference: DifferenceEvent
}

export type EventName = keyof Events

const NAMES: readonly EventName[] = ['read', 'bypass', 'invalidated', 'failure', 'difference']

export function isEventName(name: unknown): name is EventName {
  return NAMES.includes(name as EventName)
}

/** Typed events, also on `diagnostics_channel` as `cacheops:<name>`. A listener that throws harms nobody. */
export class Emitter {
  readonly #listeners: { [Name in EventName]: Set<(event: Events[Name]) => void> } = {
    read: new Set(),
    bypass: new Set(),
    invalidated: new Set(),
    failure: new Set(),
    difference: new Set(),
  }
  readonly #channels = Object.fromEntries(NAMES.map((name) => [name, channel(`cacheops:${name}`)])) as Record<
    EventName,
    Channel
  >

  on<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): () => void {
    this.#listeners[name].add(listener)
    return () => void this.#listeners[name].delete(listener)
  }

  off<Name extends EventName>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners[name].delete(listener)
  }

  /** Whether anyone would hear: events are only built then. */
  heard(name: EventName): boolean {
    return this.#listeners[name].size > 0 || this.#channels[name].hasSubscribers
  }

  emit<Name extends EventName>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners[name]) {
      try {
        listener(event)
      } catch (error) {
        if (name !== 'failure') {
          this.emit('failure', { what: 'listener', message: `a listener of '${name}' threw`, error })
        }
      }
    }
    if (this.#channels[name].hasSubscribers) this.#channels[name].publish(event)
  }
}
