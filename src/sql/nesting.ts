import type { Token } from './lexer.js'

/** More than any statement of an ORM, and well below where the parser runs out of stack (at 2,000 in the worst form). */
export const DEEPEST = 1000

/** What stands between the items of a flat list; the arms of a CASE are one. */
const FLAT = new Set(['and', 'or', 'when', 'then', 'else'])

/**
 * A bound on the depth of the tree that the parser makes of the tokens. Lists are flat: a comma, AND and OR begin anew.
 * Everything else may nest: brackets, CASE, and every token of a chain such as `1 + 1 + 1` or `a JOIN b JOIN c`.
 */
export function nesting(text: string, tokens: readonly Token[]): number {
  let deepest = 0
  /** Depth where the innermost bracket or CASE opened, the joins and set operations since, the chain since a comma. */
  const outer: number[] = []
  let base = 0
  let joined = 0
  let chain = 0
  const open = () => {
    outer.push(base, joined, chain)
    base += joined + chain + 1
    joined = 0
    chain = 0
  }
  const close = () => {
    if (outer.length === 0) return
    chain = outer.pop() ?? 0
    joined = outer.pop() ?? 0
    base = outer.pop() ?? 0
  }
  for (const token of tokens) {
    const { kind, word } = token
    const code = kind === 'punctuation' ? text.charCodeAt(token.start) : 0
    if (code === 40 || code === 91 || word === 'case') open()
    else if (code === 41 || code === 93 || word === 'end') close()
    else if (code === 44 || FLAT.has(word ?? '')) chain = 0
    else if (word !== undefined && /^(?:join|union|intersect|except)$/.test(word)) joined++
    else if (kind === 'operator' || kind === 'word' || code !== 0) chain++
    const depth = base + joined + chain
    if (depth > deepest) deepest = depth
  }
  return deepest
}
