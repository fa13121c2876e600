import type { Token } from '../lexer.js'
import type { Expr } from '../statement.js'
import type { Lifted } from './constants.js'

/** Shorter lists are parsed as they are. */
const FEWEST_ITEMS = 32

/**
 * The text without all but the first item of each long `IN (…)` and `ARRAY[…]` of values: they say nothing to the parser, which
 * needs a microsecond for each. The reader of lists puts them back, and refuses the statement where it met none.
 */
export function withoutLists(lifted: Lifted): Lifted {
  const { text, tokens } = lifted
  const cuts: { readonly first: number; readonly last: number; readonly items: readonly Expr[] }[] = []
  for (let at = 2; at < tokens.length; at++) {
    const word = tokens[at - 2]?.word
    const open = word === 'in' ? '(' : word === 'array' ? '[' : undefined
    if (open === undefined || !is(text, tokens[at - 1], open)) continue
    const items = itemsFrom(at, lifted)
    if (items.length < FEWEST_ITEMS) continue
    const last = at + items.length * 2 - 2
    cuts.push({ first: at, last, items: items.slice(1) })
    at = last
  }
  if (cuts.length === 0) return lifted

  const kept: Token[] = []
  const slots = new Map<number, number>()
  const elided = new Map<number, readonly Expr[]>()
  let short = ''
  let from = 0
  let copied = 0
  const copy = (to: number, end: number): void => {
    const shift = short.length - copied
    for (; from <= to; from++) {
      const token = tokens[from] as Token
      kept.push({ ...token, start: token.start + shift, end: token.end + shift })
      const slot = lifted.slots.get(token.start)
      if (slot !== undefined) slots.set(token.start + shift, slot)
    }
    short += text.slice(copied, end)
  }
  for (const { first, last, items } of cuts) {
    copy(first, (tokens[first] as Token).end)
    elided.set((kept.at(-1) as Token).start, items)
    from = last + 1
    copied = (tokens[last] as Token).end
  }
  copy(tokens.length - 1, text.length)
  return { text: short, tokens: kept, slots, literals: lifted.literals, elided }
}

/** Values with commas between them, up to the closing bracket; none where anything else stands there. */
function itemsFrom(first: number, { text, tokens, slots }: Lifted): readonly Expr[] {
  const items: Expr[] = []
  for (let at = first; ; at += 2) {
    const token = tokens[at]
    const slot = token && slots.get(token.start)
    if (slot !== undefined) items.push({ kind: 'literal', slot, negated: false })
    else if (token?.kind === 'param')
      items.push({ kind: 'param', index: Number(text.slice(token.start + 1, token.end)) - 1 })
    else return []
    const next = tokens[at + 1]
    if (is(text, next, ')') || is(text, next, ']')) return items
    if (!is(text, next, ',')) return []
  }
}

const is = (text: string, token: Token | undefined, char: string): boolean =>
  token !== undefined && token.end - token.start === 1 && text[token.start] === char
