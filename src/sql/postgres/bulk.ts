import type { Token } from '../lexer.js'
import type { Expr, Query, Statement } from '../statement.js'
import type { Lifted } from './constants.js'

/** Fewer rows are parsed as they are. */
const FEWEST_ROWS = 8
/** More are not put back: nobody looks at so many one by one. */
const MOST_LISTED = 256
/** More kinds of rows are not worth it. */
const MOST_SHAPES = 64

interface Row {
  /** Indices of its tokens, with the parentheses. */
  readonly from: number
  readonly to: number
  readonly shape: number
}

/** A bulk INSERT with one row of each shape in its text, and the way back. */
export interface Shortened {
  readonly lifted: Lifted
  /** Puts all rows into the statement; `undefined` where it is not the expected INSERT: parse the whole text then. */
  readonly restore: (statement: Statement) => Statement | undefined
}

/**
 * A bulk INSERT of thousands of rows takes the parser a third of a second, and says the same in each row. Rows whose tokens
 * differ only in literals and parameters are parsed once; the others' expressions are made from the first's.
 */
export function shorten(lifted: Lifted): Shortened | undefined {
  const { text, tokens } = lifted
  if (tokens[0]?.word !== 'insert') return undefined
  const values = tokens.findIndex(
    ({ word, depth }, at) => word === 'values' && depth === 0 && is(text, tokens[at + 1], '('),
  )
  if (values < 0) return undefined
  const rows = rowsFrom(values + 1, lifted)
  if (!rows || rows.length < FEWEST_ROWS) return undefined
  const firsts: Row[] = []
  for (const row of rows) if (row.shape === firsts.length) firsts.push(row)
  if (firsts.length === rows.length) return undefined
  return {
    lifted: withRows(lifted, rows, firsts),
    restore: (statement) => {
      if (statement.kind === 'opaque') return statement
      if (statement.kind !== 'write' || statement.write.kind !== 'insert') return undefined
      const { write } = statement
      const body = write.source?.body
      if (!write.source || body?.kind !== 'values' || body.rows.length !== firsts.length) return undefined
      if (rows.length > MOST_LISTED) {
        const shown: Query = { ...write.source, body: { ...body, unlisted: rows.length - firsts.length } }
        return { ...statement, write: { ...write, source: shown } }
      }
      const all = rows.map((row) => {
        const first = firsts[row.shape]
        const exprs = body.rows[row.shape]
        return first && exprs && (first === row ? exprs : moved(exprs, moveOf(lifted, first, row)))
      })
      if (!all.every((row) => row !== undefined)) return undefined
      const listed: Query = { ...write.source, body: { ...body, rows: all } }
      return { ...statement, write: { ...write, source: listed } }
    },
  }
}

const is = (text: string, token: Token | undefined, char: string): boolean =>
  token !== undefined && token.end - token.start === 1 && text[token.start] === char

/** `( … ), ( … ), …`; `undefined` where a row has something that is not a plain expression. */
function rowsFrom(first: number, lifted: Lifted): readonly Row[] | undefined {
  const { text, tokens } = lifted
  const firsts: Row[] = []
  const rows: Row[] = []
  let at = first
  for (;;) {
    const from = at
    if (!is(text, tokens[at], '(')) return undefined
    for (at++; tokens[at] && tokens[at]?.depth !== 0; at++) {
      const word = tokens[at]?.word
      if (word !== undefined && /^(?:select|values|with|table)$/.test(word)) return undefined
    }
    if (!is(text, tokens[at], ')')) return undefined
    const found = firsts.findIndex((row) => alike(lifted, row, from, at))
    const row: Row = { from, to: at, shape: found < 0 ? firsts.length : found }
    if (found < 0 && firsts.push(row) > MOST_SHAPES) return undefined
    rows.push(row)
    if (!is(text, tokens[at + 1], ',')) return rows
    at += 2
  }
}

/** The tokens differ in nothing but the values of literals and the numbers of parameters. */
function alike({ text, tokens, slots }: Lifted, row: Row, from: number, to: number): boolean {
  if (row.to - row.from !== to - from) return false
  for (let at = from; at <= to; at++) {
    const here = tokens[at] as Token
    const there = tokens[at - from + row.from] as Token
    if (here.kind !== there.kind) return false
    if (here.kind === 'param') continue
    if (slots.has(here.start)) {
      if (!slots.has(there.start)) return false
    } else {
      const length = here.end - here.start
      if (length !== there.end - there.start || slots.has(there.start)) return false
      if (
        length === 1
          ? text.charCodeAt(here.start) !== text.charCodeAt(there.start)
          : !text.startsWith(text.slice(there.start, there.end), here.start)
      )
        return false
    }
  }
  return true
}

/** The same statement with only `kept` of its rows. Slots keep their numbers. */
function withRows(lifted: Lifted, rows: readonly Row[], kept: readonly Row[]): Lifted {
  const { text, tokens } = lifted
  const first = rows[0] as Row
  const last = rows.at(-1) as Row
  const shortTokens: Token[] = []
  const slots = new Map<number, number>()
  let short = ''
  const copy = (fromToken: number, toToken: number, from: number, to: number) => {
    const shift = short.length - from
    for (let at = fromToken; at <= toToken; at++) {
      const token = tokens[at] as Token
      shortTokens.push({ ...token, start: token.start + shift, end: token.end + shift })
      const slot = lifted.slots.get(token.start)
      if (slot !== undefined) slots.set(token.start + shift, slot)
    }
    short += text.slice(from, to)
  }
  copy(0, first.from - 1, 0, (tokens[first.from] as Token).start)
  for (const [index, row] of kept.entries()) {
    if (index > 0) short += ','
    copy(row.from, row.to, (tokens[row.from] as Token).start, (tokens[row.to] as Token).end)
  }
  copy(last.to + 1, tokens.length - 1, (tokens[last.to] as Token).end, text.length)
  return { text: short, tokens: shortTokens, slots, literals: lifted.literals, elided: lifted.elided }
}

interface Move {
  readonly slots: ReadonlyMap<number, number>
  readonly params: ReadonlyMap<number, number>
}

/** Which literal and which parameter of `to` stands where one of `from` does; `undefined` where that is no function. */
function moveOf({ text, tokens, slots }: Lifted, from: Row, to: Row): Move | undefined {
  const slotMoves = new Map<number, number>()
  const paramMoves = new Map<number, number>()
  for (let at = from.from; at <= from.to; at++) {
    const source = tokens[at] as Token
    const target = tokens[at - from.from + to.from] as Token
    const slot = slots.get(source.start)
    if (slot !== undefined) slotMoves.set(slot, slots.get(target.start) ?? -1)
    else if (source.kind === 'param') {
      const index = paramIndex(text, source)
      const moved = paramIndex(text, target)
      if ((paramMoves.get(index) ?? moved) !== moved) return undefined
      paramMoves.set(index, moved)
    }
  }
  return { slots: slotMoves, params: paramMoves }
}

const paramIndex = (text: string, { start, end }: Token): number => Number(text.slice(start + 1, end)) - 1

function moved(row: readonly Expr[], move: Move | undefined): readonly Expr[] | undefined {
  if (!move) return undefined
  const exprs = row.map((expr) => movedExpr(expr, move))
  return exprs.every((expr) => expr !== undefined) ? exprs : undefined
}

function movedExpr(expr: Expr, move: Move): Expr | undefined {
  switch (expr.kind) {
    case 'literal': {
      const slot = move.slots.get(expr.slot) ?? -1
      return slot < 0 ? undefined : { ...expr, slot }
    }
    case 'param': {
      const index = move.params.get(expr.index)
      return index === undefined ? undefined : { ...expr, index }
    }
    case 'constant':
    case 'environment':
      return expr
    case 'cast': {
      const arg = movedExpr(expr.arg, move)
      return arg && { ...expr, arg }
    }
    case 'call':
    case 'operation': {
      const args = moved(expr.args, move)
      return args && { ...expr, args }
    }
    default:
      // Rare in VALUES: the whole text is parsed.
      return undefined
  }
}
