import { createHash } from 'node:crypto'
import type { RowWrite } from '../plan/row-write.js'
import { quote } from '../plan/row-write.js'
import { scan, type Token } from '../sql/lexer.js'

/** Adds columns of the target to a write's RETURNING, behind the statement's last token: what follows are comments. */
export function widen(text: string, write: RowWrite, columns: readonly string[], old: boolean): string {
  const before = widened.get(write)
  if (before?.text === text && before.old === old && isSame(before.columns, columns)) return before.widened
  const fresh = widenAnew(text, write, columns, old)
  widened.set(write, { text, columns, old, widened: fresh })
  return fresh
}

/** The last of each write: with parameters it is always the same. */
const widened = new WeakMap<
  RowWrite,
  { readonly text: string; readonly columns: readonly string[]; readonly old: boolean; readonly widened: string }
>()

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((name, index) => name === others[index]))
}

function widenAnew(text: string, write: RowWrite, columns: readonly string[], old: boolean): string {
  const tokens = scan(text)
  const last = lastToken(text, tokens)
  const names = columns.map((column) => `${write.qualifier}.${quote(column)}`)
  const olds = old ? columns.map((column) => `old.${quote(column)}`) : []
  return `${text.slice(0, last)}${write.returns ? ', ' : ' RETURNING '}${[...olds, ...names].join(', ')}`
}

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

/** The read of the rows that an UPDATE of one table will meet, locked as the update will lock them (A8). */
export function preRead(text: string, write: RowWrite, columns: readonly string[], limit: number): PreRead {
  const tokens = scan(text)
  const end = lastToken(text, tokens)
  const where = tokens.find((token) => token.depth === 0 && token.word === 'where')
  const returning = tokens.find((token) => token.depth === 0 && token.word === 'returning')
  const params: number[] = []
  const pieces: { readonly at: number; readonly from: number }[] = []
  let condition = ''
  if (where) {
    const stop = returning && returning.start > where.start ? returning.start : end
    let at = where.end
    for (const token of tokens) {
      if (token.kind !== 'param' || token.start < where.end || token.end > stop) continue
      const index = Number(text.slice(token.start + 1, token.end)) - 1
      let place = params.indexOf(index)
      if (place < 0) place = params.push(index) - 1
      pieces.push({ at: condition.length, from: at })
      condition += `${text.slice(at, token.start)}$${place + 1}`
      at = token.end
    }
    pieces.push({ at: condition.length, from: at })
    condition += text.slice(at, stop)
  }
  const { table } = write
  const keyed =
    write.changed === undefined ||
    table.keys.some((key) => key.columns.some((column) => write.changed?.includes(column)))
  const list = columns.map((column) => `${write.qualifier}.${quote(column)}`).join(', ')
  const head = `SELECT ${list} FROM ${quote(table.schema)}.${quote(table.name)} AS ${write.qualifier} WHERE `
  return {
    // The newline ends a line comment that the condition may end with.
    text: `${head}${where ? condition : 'true'}\n LIMIT ${limit} FOR ${keyed ? 'UPDATE' : 'NO KEY UPDATE'}`,
    pieces: pieces.map(({ at, from }) => ({ at: at + head.length, from })),
    params,
  }
}

/** A name for the widened form of a prepared statement: another text must have another name. */
export function widenedName(name: string, text: string): string {
  return `cacheops_${createHash('sha256').update(`${name}\n${text}`).digest('hex').slice(0, 40)}`
}

function lastToken(text: string, tokens: readonly Token[]): number {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const token = tokens[index] as Token
    if (text.slice(token.start, token.end) !== ';') return token.end
  }
  return text.length
}
