import type { Answer, Channel } from './world.js'

/** A read under a name of its own. */
export interface Named {
  readonly name: string
  readonly text: string
  readonly params: readonly unknown[]
}

/**
 * Asks many reads at once, each as a prepared statement: parsed and planned once, and all in one round trip. What cannot
 * be asked so, or fails, is asked by itself.
 */
export class Prepared {
  readonly #channel: Channel
  readonly #known = new Map<string, boolean>()

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Definitions have changed: what was prepared may give other columns. */
  forget(): void {
    this.#known.clear()
  }

  async ask(reads: readonly Named[]): Promise<readonly (readonly Answer[])[]> {
    const able: Named[] = []
    for (const read of reads) if (await this.#prepare(read)) able.push(read)
    const answers = able.length > 0 ? await this.#channel.run(able.map(execute).join('; '), []) : []
    const found = new Map<Named, readonly Answer[]>()
    if (answers.length === able.length && answers.every((answer) => answer.error === undefined)) {
      able.forEach((read, index) => void found.set(read, [answers[index] as Answer]))
    }
    const all: (readonly Answer[])[] = []
    for (const read of reads) all.push(found.get(read) ?? (await this.#channel.run(read.text, read.params)))
    return all
  }

  async #prepare({ name, text }: Named): Promise<boolean> {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    await this.#channel.run(`DEALLOCATE ${name}`, [])
    const [answer] = await this.#channel.run(`PREPARE ${name} AS ${text}`, [])
    this.#known.set(name, answer?.error === undefined)
    return answer?.error === undefined
  }
}

function execute({ name, params }: Named): string {
  return params.length > 0 ? `EXECUTE ${name} (${params.map(wire).join(', ')})` : `EXECUTE ${name}`
}

/** A parameter as a literal without a type: PostgreSQL reads it as it reads the wire's text. */
function wire(value: unknown): string {
  if (value === null) return 'NULL'
  return `'${text(value).replaceAll("'", "''")}'`
}

function text(value: unknown): string {
  if (!Array.isArray(value)) return String(value)
  return `{${value.map((item) => (item === null ? 'NULL' : `"${String(item).replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`
}
