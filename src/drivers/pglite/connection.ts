import type { Transaction } from '@electric-sql/pglite'
import type { Connection, ConnectionStatus, Entry, WireParam } from '../../engine/connection.js'
import { OpenTransaction } from './open-transaction.js'
import type { QueryOptions } from './options.js'
import {
  bind,
  DESCRIBE_PORTAL,
  DESCRIBE_STATEMENT,
  EXECUTE,
  entryOf,
  errorOf,
  parse,
  type Reply,
  SYNC,
  statusOf,
} from './protocol.js'
import type { Target } from './target.js'

/** How a call's statement is to be sent, where the engine runs it instead of PGlite. */
export interface Sending {
  readonly values: readonly unknown[]
  readonly onNotice: QueryOptions['onNotice']
}

const SENDING = Symbol('cacheops.sending')

/** On the list of parameters itself, as the engine hands it back where it runs the caller's statement, or one made from it. */
interface SentParams extends ReadonlyArray<WireParam> {
  [SENDING]?: Sending
}

/** Says how the statement with these parameters is to be sent: by their values, which only PGlite can serialise. */
export function sentAs(params: readonly WireParam[], sending: Sending): void {
  ;(params as SentParams)[SENDING] = sending
}

type Runs = Pick<Transaction, 'query' | 'exec'>

const BEGUN: Entry = { command: 'BEGIN', rowCount: null, fields: [], rows: [] }

/** The one session of a PGlite, in or out of a transaction of its. */
export class PGliteConnection implements Connection {
  readonly pid = undefined
  readonly #target: Target
  #status: ConnectionStatus = 'idle'
  #doubtful = false
  #open: OpenTransaction | undefined

  constructor(target: Target) {
    this.#target = target
  }

  status(): ConnectionStatus {
    return this.#status
  }

  /** Others may have moved the session on: it is asked before the next statement. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  doubt(): void {
    this.#doubtful = true
  }

  /** The engine's own transactions are PGlite's, as nobody may come between their statements. */
  async run(text: string, params: readonly WireParam[]): Promise<Entry> {
    const sending = (params as SentParams)[SENDING]
    if (!sending && /^(BEGIN|COMMIT|ROLLBACK)\b/.test(text)) return this.#control(text)
    await this.#ready()
    return this.#exclusively(() => this.#exchange(text, params, sending))
  }

  async #control(text: string): Promise<Entry> {
    const command = text.split(' ', 1)[0] as string
    if (command === 'COMMIT') await this.commit()
    else if (command === 'ROLLBACK') await this.rollback(new Error('cacheops: rolled back'))
    else {
      await this.begin()
      const modes = text.slice(command.length)
      if (modes !== '') await this.run(`SET TRANSACTION${modes}`, [])
    }
    return { ...BEGUN, command }
  }

  /** Runs a call of PGlite's own, where the session stands now. */
  async pass<T>(use: (on: Runs) => Promise<T>): Promise<T> {
    try {
      return await use(this.#open?.raw ?? this.#target)
    } finally {
      await this.#look()
    }
  }

  async begin(): Promise<void> {
    try {
      this.#open = await OpenTransaction.open(this.#target)
      this.#status = 'transaction'
    } catch (error) {
      await this.#look()
      throw error
    }
  }

  async commit(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    try {
      await open?.commit()
    } finally {
      await this.#look()
    }
  }

  async rollback(cause: unknown): Promise<void> {
    const open = this.#open
    this.#open = undefined
    try {
      await open?.rollback(cause)
    } finally {
      await this.#look()
    }
  }

  /** Rolls back before the end, as `tx.rollback()` does: the transaction is still to be left. */
  async rollbackInside(): Promise<void> {
    try {
      await this.#open?.raw.rollback()
    } finally {
      await this.#look()
    }
  }

  /** Asks where the session stands, if it is in doubt. */
  async recheck(): Promise<void> {
    await this.#ready()
    this.#doubtful = false
    await this.#look()
  }

  /** After a statement that PGlite ran by itself. Outside of transactions, which is most of the time, it is known at once. */
  async #look(): Promise<void> {
    try {
      if (this.#target.isInTransaction?.() === false) this.#status = 'idle'
      else this.#status = statusOf(await this.#exclusively(() => this.#send([SYNC])))
    } catch {
      // Closed, or closing.
      this.#status = 'unknown'
    }
  }

  async #ready(): Promise<void> {
    const target = this.#target
    if (target.ready) return
    await target.waitReady
    if (target.closed) throw new Error('PGlite is closed')
  }

  /** Holds off all others: not only their queries, but outside of a transaction of ours their transactions. */
  #exclusively<T>(use: () => Promise<T>): Promise<T> {
    const target = this.#target
    const alone = (): Promise<T> => target.runExclusive(use)
    return this.#open || !target._runExclusiveTransaction ? alone() : target._runExclusiveTransaction(alone)
  }

  async #exchange(text: string, params: readonly WireParam[], sending: Sending | undefined): Promise<Entry> {
    const { onNotice } = sending ?? {}
    let synced = false
    try {
      let values = params
      const opening = [parse(text)]
      if (sending && sending.values.length > 0) {
        const described = await this.#send([parse(text), DESCRIBE_STATEMENT], onNotice)
        throwOf(described)
        values = this.#serialize(sending.values, described)
        opening.length = 0
      } else if (sending) values = []
      const replies = await this.#send([...opening, bind(values), DESCRIBE_PORTAL, EXECUTE, SYNC], onNotice)
      this.#status = statusOf(replies)
      synced = this.#status !== 'unknown'
      throwOf(replies)
      return entryOf(replies)
    } finally {
      if (!synced) this.#status = statusOf(await this.#send([SYNC]))
      if (!this.#open) await this.#target.syncToFs?.()
    }
  }

  /** As PGlite does it. */
  #serialize(values: readonly unknown[], described: readonly Reply[]): readonly (string | Uint8Array | null)[] {
    const types = described.find((reply) => reply.name === 'parameterDescription')?.dataTypeIDs ?? []
    return values.map((value, index) => {
      if (value === null || value === undefined) return null
      const serialize = this.#target.serializers[types[index] ?? -1]
      const wire = serialize ? serialize(value) : value.toString()
      return wire === null || wire instanceof Uint8Array ? wire : String(wire)
    })
  }

  async #send(messages: readonly Uint8Array[], onNotice?: QueryOptions['onNotice']): Promise<readonly Reply[]> {
    const options = { syncToFs: false, throwOnError: false, ...(onNotice && { onNotice }) }
    const bytes = messages.length === 1 ? (messages[0] as Uint8Array) : Buffer.concat(messages)
    const target = this.#target
    // Where there is one, the way that keeps no second copy of what it receives.
    const replies = target.execProtocolStream
      ? await target.execProtocolStream(bytes, options)
      : (await target.execProtocol(bytes, options)).messages
    return replies as unknown as readonly Reply[]
  }
}

function throwOf(replies: readonly Reply[]): void {
  const error = errorOf(replies)
  if (error !== undefined) throw error
}
