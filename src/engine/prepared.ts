import type { RowWrite } from '../plan/row-write.js'
import { sqlState } from './connection.js'
import { widenedName } from './widen.js'

/** So often a text is run before the server is told to keep its plan: what runs once is not worth a name. */
const RUNS_BEFORE = 3
/** Most names that one connection is given. */
const MOST_NAMES = 64

/**
 * Names for widened writes, so that the server parses and plans each once a connection: that pays for what RETURNING costs. Only
 * for writes of single rows by key, whose plan is the same whatever the values are.
 */
export class PreparedWrites {
  readonly #runs = new Map<string, number>()
  readonly #names = new Map<string, string>()
  #refused = false

  /** The name under which a text is run; undefined where it is run without. */
  name(text: string, write: RowWrite): string | undefined {
    if (this.#refused) return undefined
    const name = this.#names.get(text)
    if (name !== undefined) return name
    const runs = (this.#runs.get(text) ?? 0) + 1
    if (runs <= RUNS_BEFORE) {
      if (this.#runs.size >= MOST_NAMES && !this.#runs.has(text)) return undefined
      this.#runs.set(text, runs)
      return undefined
    }
    if (!isByKey(write)) return undefined
    const fresh = widenedName('', text)
    this.#names.set(text, fresh)
    return fresh
  }

  /**
   * Whether an error is about the name: somebody deallocated it, definitions changed under its plan, or a pooler gave the connection
   * another backend. From then on this connection gives no names. Nothing was carried out.
   */
  refused(text: string, error: unknown): boolean {
    const state = sqlState(error)
    if (!this.#names.has(text)) return false
    if (state !== '26000' && state !== '0A000' && state !== '42P05') return false
    this.#refused = true
    return true
  }
}

function isByKey({ pins, table }: RowWrite): boolean {
  const [pinned] = pins
  if (pins.length !== 1 || !pinned) return false
  const columns = new Set(pinned.filter(({ kind }) => kind === 'value').map(({ column }) => column))
  return table.keys.some((key) => key.columns.every((column) => columns.has(column)))
}
