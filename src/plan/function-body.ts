import { scan, type Token } from '../sql/lexer.js'
import type { RelationName } from '../sql/statement.js'

/** What the body of a SQL or PL/pgSQL function may do, as far as its words say. */
export type FunctionBody =
  | {
      readonly kind: 'readable'
      /** `truncates`: by TRUNCATE, which may go on to the tables that refer to it. */
      readonly writes: readonly (RelationName & { readonly truncates: boolean })[]
      readonly calls: readonly { readonly schema?: string; readonly name: string }[]
      readonly settings: boolean
    }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Words by which a body runs what its text does not show, or changes definitions. */
const OPAQUE: ReadonlySet<string> = new Set([
  'execute',
  'call',
  'do',
  'copy',
  'create',
  'alter',
  'drop',
  'refresh',
  'import',
  'prepare',
  'commit',
  'rollback',
])

const STATEMENT_STARTS: ReadonlySet<string> = new Set([';', 'begin', 'then', 'else', 'loop'])

/**
 * Reads a body by its words (S1): every name after INSERT INTO, UPDATE, DELETE FROM, MERGE INTO and TRUNCATE is taken as
 * written, every name before a parenthesis as called. Errs on the side of more writes.
 */
export function readBody(source: string): FunctionBody {
  let tokens: readonly Token[]
  try {
    tokens = scan(source)
  } catch {
    return { kind: 'unreadable', reason: 'has a body that cannot be read' }
  }
  const text = (index: number): string => {
    const token = tokens[index]
    if (!token) return ''
    return token.word ?? source.slice(token.start, token.end)
  }
  const writes: (RelationName & { readonly truncates: boolean })[] = []
  const calls: { schema?: string; name: string }[] = []
  let settings = false
  const unreadable = (reason: string): FunctionBody => ({ kind: 'unreadable', reason })

  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const name = nameAt(source, tokens, at)
    if (name && text(name.next) === '(' && text(at - 1) !== '.') calls.push(name.relation)
    if (token.kind !== 'word') continue
    const word = text(at)
    const before = text(at - 1)
    if (OPAQUE.has(word) && !(word === 'do' && before !== ';' && isConflict(text, at))) {
      return unreadable(`runs ${word.toUpperCase()}, which the text does not show`)
    }
    if (word === 'set' && (at === 0 || STATEMENT_STARTS.has(before))) settings = true
    let target: number | undefined
    if ((word === 'insert' || word === 'merge') && text(at + 1) === 'into') target = at + 2
    if (word === 'delete' && text(at + 1) === 'from') target = at + 2
    if (word === 'truncate') target = text(at + 1) === 'table' ? at + 2 : at + 1
    // FOR UPDATE and FOR NO KEY UPDATE lock; DO UPDATE belongs to an INSERT that names its table.
    if (word === 'update' && before !== 'for' && before !== 'key' && before !== 'do') target = at + 1
    // `SELECT … INTO t` fills a variable in PL/pgSQL and makes a table in SQL, where functions cannot use it.
    if (target === undefined) continue
    if (text(target) === 'only') target++
    const relation = nameAt(source, tokens, target)
    if (!relation) {
      if (word === 'update' || word === 'delete' || word === 'insert' || word === 'merge' || word === 'truncate') {
        return unreadable(`writes to something that its text does not name`)
      }
      continue
    }
    writes.push({ ...relation.relation, truncates: word === 'truncate' })
    // TRUNCATE takes a list.
    for (let next = relation.next; word === 'truncate' && text(next) === ','; ) {
      const further = nameAt(source, tokens, next + 1)
      if (!further) return unreadable('writes to something that its text does not name')
      writes.push({ ...further.relation, truncates: true })
      next = further.next
    }
  }
  return { kind: 'readable', writes, calls, settings }
}

/** `ON CONFLICT … DO`: the nearest statement start before it is passed without a semicolon. */
function isConflict(text: (index: number) => string, at: number): boolean {
  for (let index = at - 1; index >= 0 && text(index) !== ';'; index--) if (text(index) === 'conflict') return true
  return false
}

function nameAt(
  source: string,
  tokens: readonly Token[],
  at: number,
): { readonly relation: { schema?: string; name: string }; readonly next: number } | undefined {
  const part = (index: number): string | undefined => {
    const token = tokens[index]
    if (token?.kind === 'word') return token.word
    if (token?.kind !== 'quoted-name') return undefined
    const raw = source.slice(token.start, token.end)
    return raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : undefined
  }
  const first = part(at)
  if (first === undefined) return undefined
  const dot = tokens[at + 1]
  if (dot && source.slice(dot.start, dot.end) === '.') {
    const second = part(at + 2)
    if (second === undefined) return undefined
    return { relation: { schema: first, name: second }, next: at + 3 }
  }
  return { relation: { name: first }, next: at + 1 }
}
