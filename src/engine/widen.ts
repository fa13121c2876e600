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

/** A name for the widened form of a prepared statement: another text must have another name. */
export function widenedName(name: string, text: string): string {
  return `cacheops_${createHash('sha256').update(`${name}\n${text}`).digest('hex').slice(0, 40)}`
}

/** Where the statement's last token ends: what follows are comments. */
export function lastToken(text: string, tokens: readonly Token[]): number {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const token = tokens[index] as Token
    if (text.slice(token.start, token.end) !== ';') return token.end
  }
  return text.length
}
