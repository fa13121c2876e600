import { quote, type RowWrite } from '../plan/row-write.js'
import { scan, type Token } from '../sql/lexer.js'
import { lastToken } from './widen.js'

/** A read before a write, and which places of its text come from which of the write's. */
export interface PreRead {
  readonly text: string
  readonly params: readonly number[]
  readonly pieces: readonly { readonly at: number; readonly from: number }[]
}

/** An error of a read before a write tells the place in the text that the user wrote. Positions count from 1. */
export function relocated(error: unknown, { pieces }: PreRead): unknown {
  const told = error as { position?: unknown; length?: unknown }
  const { position, length } = told
  if (typeof position !== 'string') return error
  const place = Number(position) - 1
  const piece = pieces.findLast(({ at }) => at <= place)
  if (!piece) return error
  const own = String(piece.from + place - piece.at + 1)
  told.position = own
  // pg's errors also tell the length of the server's message.
  if (typeof length === 'number') told.length = length + own.length - position.length
  return error
}

/** The read of the rows that an UPDATE will meet, locked as the update will lock them (A8). It joins what the update joins. */
export function preRead(text: string, write: RowWrite, columns: readonly string[], limit: number): PreRead {
  const { table, qualifier } = write
  const tokens = scan(text)
  const end = lastToken(text, tokens)
  const start = (token: Token | undefined): number => token?.start ?? end
  const where = clause(tokens, 'where')
  const from = clause(tokens, 'from')
  const returning = clause(tokens, 'returning')
  const read = new Copy(text, tokens)
  const list = columns.map((column) => `${qualifier}.${quote(column)}`).join(', ')
  // A name without an alias may be written with its schema.
  const alias = qualifier === quote(table.name) ? '' : ` AS ${qualifier}`
  read.add(`SELECT ${list} FROM ${quote(table.schema)}.${quote(table.name)}${alias}`)
  if (from) {
    read.add(', ')
    read.copy(from.end, Math.min(start(where), start(returning)))
  }
  // The newlines end a line comment that a clause may end with.
  read.add('\n WHERE ')
  if (where) read.copy(where.end, start(returning))
  else read.add('true')
  const keyed =
    write.changed === undefined ||
    table.keys.some((key) => key.columns.some((column) => write.changed?.includes(column)))
  read.add(`\n LIMIT ${limit} FOR ${keyed ? 'UPDATE' : 'NO KEY UPDATE'} OF ${qualifier}`)
  return read
}

/** The word that begins a clause of the statement itself; `a IS DISTINCT FROM b` begins none. */
function clause(tokens: readonly Token[], word: string): Token | undefined {
  return tokens.find(
    (token, index) => token.depth === 0 && token.word === word && tokens[index - 1]?.word !== 'distinct',
  )
}

/** Parts of a text, with the parameters that they use numbered anew. */
class Copy implements PreRead {
  text = ''
  readonly params: number[] = []
  readonly pieces: { readonly at: number; readonly from: number }[] = []
  readonly #source: string
  readonly #tokens: readonly Token[]

  constructor(source: string, tokens: readonly Token[]) {
    this.#source = source
    this.#tokens = tokens
  }

  add(text: string): void {
    this.text += text
  }

  copy(start: number, end: number): void {
    let at = start
    for (const token of this.#tokens) {
      if (token.kind !== 'param' || token.start < start || token.end > end) continue
      this.#piece(at, token.start)
      const index = Number(this.#source.slice(token.start + 1, token.end)) - 1
      let place = this.params.indexOf(index)
      if (place < 0) place = this.params.push(index) - 1
      this.text += `$${place + 1}`
      at = token.end
    }
    this.#piece(at, end)
  }

  #piece(start: number, end: number): void {
    this.pieces.push({ at: this.text.length, from: start })
    this.text += this.#source.slice(start, end)
  }
}
