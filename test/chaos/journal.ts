import { closeSync, openSync, writeSync } from 'node:fs'
import { type ChaosRecord, now } from './records.js'

const MOST_WAITING = 200

/** A process's records, in a file: what was written down survives the process. */
export class Journal {
  readonly #file: number
  readonly #undelivered: () => number
  #waiting: string[] = []
  #acknowledged: string[] = []

  /** @param undelivered - how many changes of this process the store has not taken */
  constructor(path: string, undelivered: () => number) {
    this.#file = openSync(path, 'a')
    this.#undelivered = undelivered
  }

  add(record: ChaosRecord): void {
    this.#waiting.push(JSON.stringify(record))
    // A write is in the file before it is begun.
    if (record.kind !== 'read' || this.#waiting.length >= MOST_WAITING) this.flush()
    if (record.kind === 'acknowledged') this.#acknowledged.push(record.op)
    this.settle()
  }

  /** Writes down that all is delivered, where it is. */
  settle(): void {
    if (this.#acknowledged.length === 0 || this.#undelivered() > 0) return
    const ops = this.#acknowledged
    this.#acknowledged = []
    this.#waiting.push(JSON.stringify({ kind: 'delivered', at: now(), ops } satisfies ChaosRecord))
    this.flush()
  }

  flush(): void {
    if (this.#waiting.length === 0) return
    writeSync(this.#file, `${this.#waiting.join('\n')}\n`)
    this.#waiting = []
  }

  close(): void {
    this.flush()
    closeSync(this.#file)
  }
}
