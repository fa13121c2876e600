import type { WriteStream } from 'node:tty'
import { formatNumber } from './format.js'

const WIDTH = 24

/** How far something is: one line that is drawn again on a terminal, else a line for every quarter. */
export class Progress {
  readonly #stream: NodeJS.WriteStream | WriteStream
  readonly #label: string
  readonly #total: number
  #done = 0
  #quarters = 0

  constructor(label: string, total: number, stream: NodeJS.WriteStream = process.stdout) {
    this.#label = label
    this.#total = total
    this.#stream = stream
    this.#draw()
  }

  add(count: number): void {
    this.#done = Math.min(this.#done + count, this.#total)
    this.#draw()
  }

  #draw(): void {
    const share = this.#total === 0 ? 1 : this.#done / this.#total
    const numbers = `${formatNumber(this.#done)} of ${formatNumber(this.#total)}`
    if (this.#stream.isTTY) {
      const filled = Math.round(share * WIDTH)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`
      this.#stream.write(`\r\x1b[K  ${this.#label}  ${bar}  ${numbers}${share === 1 ? '\n' : ''}`)
      return
    }
    const quarters = Math.floor(share * 4)
    if (quarters > this.#quarters) {
      this.#quarters = quarters
      this.#stream.write(`  ${this.#label}: ${numbers}\n`)
    }
  }
}
