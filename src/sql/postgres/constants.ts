import type { Literal } from '../analysis.js'
import type { Token, TokenKind } from '../lexer.js'
import type { ConstantExpr, Expr } from '../statement.js'
import { bodyOf, flagOf, NotUnderstood, numberOf, only, type Raw, requiredText, textOf } from './raw.js'

/** A constant of the tree that is not plainly one of the lifted literals: the statement is read again without lifting. */
export class Unmapped extends NotUnderstood {}

/** A statement's tokens and what was lifted from it. */
export interface Lifted {
  readonly text: string
  readonly tokens: readonly Token[]
  /** A token's start → the literal's slot. */
  readonly slots: ReadonlyMap<number, number>
  readonly literals: readonly Literal[]
  /** The start of a list's first item → the items behind it, which were taken out of the text. */
  readonly elided: ReadonlyMap<number, readonly Expr[]>
}

const NUMBERS: ReadonlySet<TokenKind> = new Set<TokenKind>(['integer', 'float', 'odd-number'])

/** Where a constant may stand that was not lifted: a literal that was left in the text, or the `year` of `extract(year FROM …)`. */
const CONSTANTS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  ...NUMBERS,
  'string',
  'escape-string',
  'other-string',
  'word',
  'quoted-name',
])

/** Finds the lifted literal of each A_Const by its location, and compares the two values before it believes it. */
export class Constants {
  readonly #lifted: Lifted
  #byByte: ReadonlyMap<number, number> | undefined
  readonly #met = new Set<number>()

  constructor(lifted: Lifted) {
    this.#lifted = lifted
  }

  read(body: Raw): Expr {
    only('A_Const', body, ['ival', 'fval', 'sval', 'boolval', 'bsval', 'isnull', 'location'])
    const constant = constantOf(body)
    if (constant.literal === 'null' || constant.literal === 'boolean' || constant.literal === 'bitstring')
      return constant
    if (this.#lifted.slots.size === 0) return constant
    // The parser's own inventions, as FETCH FIRST ROW's 1, have no location.
    const location = numberOf(body, 'location') ?? -1
    if (location < 0) return constant
    const { tokens, text, slots, literals } = this.#lifted
    let index = this.#tokenAt(location)
    // The parser folds `-5`, `- (5)` and `- -5` into one constant that stands at the first minus.
    let negated = false
    let minus = false
    for (; ; index++) {
      const token = tokens[index]
      const char = token && token.end - token.start === 1 ? text[token.start] : ''
      if (char === '-' && token?.kind === 'operator') {
        negated = !negated
        minus = true
      } else if (!minus || char !== '(') break
    }
    const token = tokens[index]
    const slot = token && slots.get(token.start)
    if (slot === undefined) {
      if (!token || !(minus ? NUMBERS : CONSTANTS).has(token.kind))
        throw new Unmapped('a constant that is not in the text')
      return constant
    }
    const literal = literals[slot]
    if (!literal || !agrees(literal, negated, minus, constant))
      throw new Unmapped('a constant that differs from the text')
    return { kind: 'literal', slot, negated }
  }

  /** The items of a list that were taken out behind this one. */
  elided(item: Raw): readonly Expr[] {
    const { elided, tokens } = this.#lifted
    if (elided.size === 0) return []
    const location = numberOf(item, 'location') ?? -1
    const token = location < 0 ? undefined : tokens[this.#tokenAt(location)]
    const items = token && elided.get(token.start)
    if (!token || !items) return []
    this.#met.add(token.start)
    return items
  }

  /** Every list that was cut has been put together again. */
  get whole(): boolean {
    return this.#met.size === this.#lifted.elided.size
  }

  #tokenAt(byte: number): number {
    this.#byByte ??= byteStarts(this.#lifted.text, this.#lifted.tokens)
    const index = this.#byByte.get(byte)
    if (index === undefined) throw new Unmapped('a constant that begins inside a token')
    return index
  }
}

function constantOf(body: Raw): ConstantExpr {
  if (flagOf(body, 'isnull')) return { kind: 'constant', value: null, literal: 'null' }
  const integer = bodyOf(body, 'ival')
  if (integer) return { kind: 'constant', value: String(numberOf(integer, 'ival') ?? 0), literal: 'integer' }
  const float = bodyOf(body, 'fval')
  if (float) {
    const value = requiredText(float, 'fval')
    return { kind: 'constant', value, literal: /^-?\d+$/.test(value) ? 'integer' : 'float' }
  }
  const string = bodyOf(body, 'sval')
  if (string) return { kind: 'constant', value: textOf(string, 'sval') ?? '', literal: 'string' }
  const boolean = bodyOf(body, 'boolval')
  if (boolean) return { kind: 'constant', value: flagOf(boolean, 'boolval'), literal: 'boolean' }
  const bits = bodyOf(body, 'bsval')
  if (bits) return { kind: 'constant', value: textOf(bits, 'bsval') ?? '', literal: 'bitstring' }
  throw new NotUnderstood('a constant of an unknown kind')
}

function agrees(literal: Literal, negated: boolean, minus: boolean, constant: ConstantExpr): boolean {
  if (literal.kind !== constant.literal) return false
  if (literal.kind === 'string') return !minus && literal.value === constant.value
  if (literal.kind === 'integer') return BigInt(literal.value) * (negated ? -1n : 1n) === BigInt(String(constant.value))
  return `${negated ? '-' : ''}${literal.value}` === constant.value
}

/** UTF-8 offset of each token → its index. */
function byteStarts(text: string, tokens: readonly Token[]): ReadonlyMap<number, number> {
  const starts = new Map<number, number>()
  let at = 0
  let bytes = 0
  for (const [index, token] of tokens.entries()) {
    for (; at < token.start; at++) {
      const code = text.charCodeAt(at)
      // Each half of a surrogate pair counts two of its four bytes; lone halves were refused before.
      bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
    }
    starts.set(bytes, index)
  }
  return starts
}
