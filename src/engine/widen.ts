import { createHash } from 'node:crypto'
import type { RowWrite } from '../plan/write.js'
import { quote } from '../plan/write.js'
import { scan, type Token } from '../sql/lexer.js'

/** A statement whose RETURNING list was widened, or the read that goes before it. */
export interface Rewritten {
  readonly text: string
  readonly params: readonly number[] | undefined
}

/** Adds columns of the target to a write's RETURNING, behind the statement's last token: what follows are comments. */
export function widen(text: string, write: RowWrite, columns: readonly string[], old: boolean): string {
  const tokens = scan(text)
  const last = lastToken(text, tokens)
  const names = columns.map((column) => `${write.qualifier}.${quote(column)}`)
  const olds = old ? columns.map((column) => `old.${quote(column)}`) : []
  return `${text.slice(0, last)}${write.returns ? ', ' : ' RETURNING '}${[...olds, ...names].join(', ')}`
}

/** The read of the rows that an UPDATE of one table will meet, locked as the update will lock them (A8). */
export function preRead(
  text: string,
  write: RowWrite,
  columns: readonly string[],
  limit: number,
): { readonly text: string; readonly params: readonly number[] } {
  const tokens = scan(text)
  const end = lastToken(text, tokens)
  const where = tokens.find((token) => token.depth === 0 && token.word === 'where')
  const returning = tokens.find((token) => token.depth === 0 && token.word === 'returning')
  const params: number[] = []
  let condition = ''
  if (where) {
    const stop = returning && returning.start > where.start ? returning.start : end
    let at = where.end
    for (const token of tokens) {
      if (token.kind !== 'param' || token.start < where.end || token.end > stop) continue
      const index = Number(text.slice(token.start + 1, token.end)) - 1
      let place = params.indexOf(index)
      if (place < 0) place = params.push(index) - 1
      condition += `${text.slice(at, token.start)}$${place + 1}`
      at = token.end
    }
    condition += text.slice(at, stop)
  }
  const { table } = write
  const keyed = write.changed === undefined || table.keys.some((key) => key.columns.some((column) => write.changed?.includes(column)))
  const list = columns.map((column) => `${write.qualifier}.${quote(column)}`).join(', ')
  return {
    text:
      `SELECT ${list} FROM ${quote(table.schema)}.${quote(table.name)} AS ${write.qualifier}` +
      // The newline ends a line comment that the condition may end with.
      `${where ? ` WHERE ${condition}\n` : ''} LIMIT ${limit} FOR ${keyed ? 'UPDATE' : 'NO KEY UPDATE'}`,
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
