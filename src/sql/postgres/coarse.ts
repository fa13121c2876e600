import type { Token } from '../lexer.js'
import type { FunctionName, OpaqueStatement, RelationName } from '../statement.js'

/** How a text begins that only reads, unless one of its words says otherwise. */
const READS = new Set(['select', 'with', 'values', 'table'])
const WRITES = new Set(['insert', 'delete', 'merge', 'into'])

/**
 * What can be said of a text by its tokens alone, for one that is too long (B10) or that the grammar rejects. A SELECT without a word that writes
 * only reads; what it may call is every name before a parenthesis or behind a dot, and any name may be a table's.
 */
export function coarse(reason: string, text: string, tokens: readonly Token[]): OpaqueStatement {
  const first = tokens.find((token) => text[token.start] !== '(')
  let writes = first?.word === undefined || !READS.has(first.word)
  let locks = false
  const calls = new Map<string, FunctionName>()
  const relations = new Map<string, RelationName>()
  for (const [at, token] of tokens.entries()) {
    const { word } = token
    if (word !== undefined && WRITES.has(word)) writes = true
    if (word === 'update') {
      if (!/^(?:for|key)$/.test(tokens[at - 1]?.word ?? '')) writes = true
    }
    if (word === 'for') locks ||= /^(?:update|no|share|key)$/.test(tokens[at + 1]?.word ?? '')
    const name = nameOf(text, token)
    if (name === undefined) continue
    // The server folds and cuts off such names by rules of its own.
    if (name.length > 63 || !/^[ -~]+$/.test(name)) writes = true
    const dotted = is(text, tokens[at - 1], '.')
    const qualifier = dotted ? nameOf(text, tokens[at - 2]) : undefined
    relations.set(name, { name })
    if (qualifier !== undefined) relations.set(JSON.stringify([qualifier, name]), { schema: qualifier, name })
    if (dotted || is(text, tokens[at + 1], '(')) calls.set(name, { name })
  }
  return { kind: 'opaque', reason, writes, calls: [...calls.values()], relations: [...relations.values()], locks }
}

function nameOf(text: string, token: Token | undefined): string | undefined {
  if (token?.kind !== 'quoted-name') return token?.word
  const raw = text.slice(token.start, token.end)
  // U&"…" stays as it stands, which is no name that can be told.
  return raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : `\u0000${raw}`
}

const is = (text: string, token: Token | undefined, char: string): boolean =>
  token !== undefined && token.end - token.start === 1 && text[token.start] === char
