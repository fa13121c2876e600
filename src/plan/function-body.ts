import { scan, type Token } from '../sql/lexer.js'
import type { RelationName } from '../sql/statement.js'

/** What the body of a SQL or PL/pgSQL function may do, as far as its words say. */
export type FunctionBody =
  | {
      readonly kind: 'readable'
      readonly writes: readonly BodyWrite[]
      readonly calls: readonly { readonly schema?: string; readonly name: string }[]
      readonly settings: boolean
      /** Rows or tables, up to the end of the transaction. */
      readonly locks: boolean
    }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** A write that a body names. TRUNCATE may go on to the tables that refer to it; `any` is MERGE, and an upsert. */
export interface BodyWrite {
  readonly relation: RelationName
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate' | 'any'
  /** The columns that an UPDATE sets, where they can be read. */
  readonly columns: readonly string[] | undefined
}

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

/** After FOR, in a query. */
const LOCK_STRENGTHS: ReadonlySet<string> = new Set(['update', 'no', 'share', 'key'])

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
  const writes: BodyWrite[] = []
  const calls: { schema?: string; name: string }[] = []
  let settings = false
  let locks = false
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
    if (word === 'lock' && (at === 0 || STATEMENT_STARTS.has(before))) locks = true
    if (word === 'for' && LOCK_STRENGTHS.has(text(at + 1))) locks = true
    const operation = operationAt(text, at)
    if (!operation) continue
    const target = targetAt(text, at)
    const relation = nameAt(source, tokens, target)
    if (!relation) return unreadable('writes to something that its text does not name')
    const columns = operation === 'update' ? setColumns(source, tokens, relation.next) : undefined
    writes.push({ relation: relation.relation, operation, columns })
    // TRUNCATE takes a list.
    for (let next = relation.next; operation === 'truncate' && text(next) === ','; ) {
      const further = nameAt(source, tokens, next + 1)
      if (!further) return unreadable('writes to something that its text does not name')
      writes.push({ relation: further.relation, operation, columns: undefined })
      next = further.next
    }
  }
  return { kind: 'readable', writes, calls, settings, locks }
}

/** The write that a word begins, if it does. */
function operationAt(text: (index: number) => string, at: number): BodyWrite['operation'] | undefined {
  const before = text(at - 1)
  const after = text(at + 1)
  switch (text(at)) {
    case 'insert':
      return after !== 'into' ? undefined : isUpsert(text, at) ? 'any' : 'insert'
    case 'merge':
      return after === 'into' ? 'any' : undefined
    case 'delete':
      return after === 'from' ? 'delete' : undefined
    case 'truncate':
      return 'truncate'
    case 'update':
      // FOR UPDATE and FOR NO KEY UPDATE lock; DO UPDATE belongs to an INSERT that names its table.
      return before === 'for' || before === 'key' || before === 'do' ? undefined : 'update'
    default:
      return undefined
  }
}

/** Where the name of its table stands. */
function targetAt(text: (index: number) => string, at: number): number {
  const word = text(at)
  let target = word === 'update' ? at + 1 : at + 2
  if (word === 'truncate' && text(at + 1) !== 'table') target = at + 1
  return text(target) === 'only' ? target + 1 : target
}

function isUpsert(text: (index: number) => string, at: number): boolean {
  for (let index = at + 1; text(index) !== '' && text(index) !== ';'; index++) {
    if (text(index) === 'do' && text(index + 1) === 'update') return true
  }
  return false
}

/** The columns of `SET a = …, (b, c) = …`; `undefined` where the words behind the table's name are not that. */
function setColumns(source: string, tokens: readonly Token[], from: number): readonly string[] | undefined {
  const raw = (index: number): string => {
    const token = tokens[index]
    return token ? (token.word ?? source.slice(token.start, token.end)) : ''
  }
  let at = from
  if (raw(at) === '*') at++
  if (raw(at) !== 'set') {
    if (raw(at) === 'as') at++
    at++
  }
  if (raw(at) !== 'set') return undefined
  const depth = tokens[at]?.depth
  const columns: string[] = []
  for (;;) {
    at++
    const listed = raw(at) === '('
    if (listed) at++
    do {
      const column = nameAt(source, tokens, at)
      if (!column || column.relation.schema !== undefined) return undefined
      columns.push(column.relation.name)
      at = column.next
    } while (listed && raw(at) === ',' && ++at)
    if (listed && raw(at++) !== ')') return undefined
    if (raw(at) !== '=') return undefined
    // To the next assignment, or the end of the list.
    for (at++; tokens[at]?.depth !== depth || !endsAssignment(raw, at); at++) {
      if (at >= tokens.length || (tokens[at]?.depth ?? 0) < (depth ?? 0)) return columns
    }
    if (raw(at) !== ',') return columns
  }
}

function endsAssignment(raw: (index: number) => string, at: number): boolean {
  const word = raw(at)
  // `a IS DISTINCT FROM b` goes on.
  if (word === 'from') return raw(at - 1) !== 'distinct'
  return word === ',' || word === 'where' || word === 'returning' || word === ';'
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
