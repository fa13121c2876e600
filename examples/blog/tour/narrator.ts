import type { InvalidatedEvent } from 'cacheops'
import { formatTime, plural } from '../format.js'
import { dropped, type Observed } from '../watch.js'

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
const COLOURS = { hit: 'green', miss: 'yellow', past: 'cyan', write: 'bold', expected: 'red' } as const

const MOST_NAMES = 4

/** Prints the tour: a heading, a sentence, then a line for each thing that happened. */
export class Narrator {
  readonly #colours: boolean
  #chapters = 0

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#colours = stream.isTTY === true && !process.env.NO_COLOR
  }

  chapter(title: string, text: string): void {
    this.#chapters++
    console.log(`\n${this.#styled(`${String(this.#chapters).padStart(3)}  ${title}`, 'bold')}`)
    for (const line of text.split('\n')) console.log(this.#styled(`     ${line}`, 'dim'))
    console.log()
  }

  read(observed: Observed, why: string | undefined): void {
    this.timed(observed.outcome ?? '?', observed, why ?? observed.reason)
  }

  several(things: string, found: Readonly<Record<'hit' | 'miss' | 'past', readonly Observed[]>>): void {
    for (const [kind, all] of Object.entries(found)) {
      if (all.length === 0) continue
      const milliseconds = all.reduce((sum, observed) => sum + observed.milliseconds, 0) / all.length
      const names = kind === 'hit' || all.length > MOST_NAMES ? '' : all.map(({ label }) => label).join(', ')
      const label = names === '' ? plural(all.length, things) : `${plural(all.length, things)}: ${names}`
      this.#line(kind, milliseconds, label, all.length > 1 ? '(time: average)' : undefined)
    }
  }

  write(observed: Observed): void {
    this.timed('write', observed)
    for (const { cause } of observed.drops) this.#under(this.#styled(cause, 'dim'))
    this.drops(observed.drops)
  }

  timed(kind: string, { milliseconds, label }: Observed, why?: string): void {
    this.#line(kind, milliseconds, label, why)
  }

  drops(drops: readonly InvalidatedEvent[]): void {
    const what = drops.map(dropped).filter((text) => text !== '')
    this.#under(what.length > 0 ? `drops: ${what.join('; ')}` : 'drops nothing')
    for (const reason of new Set(drops.flatMap((drop) => drop.reasons))) this.#under(`because ${reason}`)
  }

  /** A step without a time of its own, such as BEGIN. */
  step(text: string): void {
    console.log(`     ${text}`)
  }

  unexpected(expected: string): void {
    this.#under(this.#styled(`!! expected: ${expected}`, 'red'))
  }

  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...facts.map(([name]) => name.length))
    for (const [name, value] of facts) console.log(`     ${this.#styled(name.padEnd(width), 'dim')}  ${value}`)
  }

  #line(kind: string, milliseconds: number, label: string, why?: string): void {
    const colour = COLOURS[kind as keyof typeof COLOURS] ?? 'bold'
    const note = why === undefined ? '' : this.#styled(`  ${why}`, 'dim')
    const name = why === undefined ? label : label.padEnd(34)
    console.log(`     ${this.#styled(kind.padEnd(5), colour)} ${formatTime(milliseconds).padStart(8)}   ${name}${note}`)
  }

  #under(text: string): void {
    console.log(`${' '.repeat(22)}${text}`)
  }

  #styled(text: string, style: keyof typeof STYLES): string {
    return this.#colours ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text
  }
}
