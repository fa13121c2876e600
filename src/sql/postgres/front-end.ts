import { DEEPEST, nesting } from '../nesting.js'
import { ParseError, parse } from '../parser.js'
import type { OpaqueStatement, Statement } from '../statement.js'
import { coarse } from './coarse.js'
import { Constants, type Lifted, Unmapped } from './constants.js'
import type { Context } from './context.js'
import { expression } from './expressions.js'
import { query } from './queries.js'
import { bodyOf, NotUnderstood, nodeOf, type Raw, type RawNode } from './raw.js'
import { survey } from './survey.js'
import { opaque, utility } from './utilities.js'
import { write } from './writes.js'

/** The parser or we ran out of something: it says nothing of the text, and must not be remembered as if it did. */
export class Exhausted extends Error {}

/** What cannot even be parsed may do anything. */
export function unreadable(reason: string): OpaqueStatement {
  return { kind: 'opaque', reason, writes: true, relations: [], locks: false }
}

/**
 * One PostgreSQL statement as our model. Never guesses: what it does not know is opaque, with the reason. Throws
 * `Unmapped` or `ParseError` only where something was lifted: the same text may do better, or fail alone, without
 * lifting. Throws `Exhausted` where the stack is too small.
 */
export function understand(lifted: Lifted): Statement {
  const { text, tokens, literals } = lifted
  if (nesting(text, tokens) > DEEPEST) return coarse(`nested deeper than ${DEEPEST}`, text, tokens)
  let stmts: readonly Raw[]
  try {
    stmts = parse(text)
  } catch (error) {
    if (!(error instanceof ParseError)) throw new Exhausted(`the SQL parser failed: ${messageOf(error)}`)
    // Other literals in the same places may well parse: this text must not speak for its template.
    if (literals.length > 0) throw error
    return coarse(`the SQL parser says: ${error.message}`, text, tokens)
  }
  const [first, ...more] = stmts
  if (!first) return unreadable('a text without a statement')
  if (more.length > 0) return unreadable('several statements that could not be split')
  return statement(nodeOf(first), lifted)
}

function statement(node: RawNode, lifted: Lifted): Statement {
  const { type, body } = node
  try {
    switch (type) {
      case 'SelectStmt':
        return selection(body, lifted)
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
        return understood(lifted, (context) => ({ kind: 'write', write: write(type, body, context) }))
      default:
        return utility(type, body, commandOf(lifted), (value) => statement(nodeOf(value), lifted))
    }
  } catch (error) {
    if (error instanceof Unmapped) throw error
    if (error instanceof RangeError) throw new Exhausted(`the analysis failed: ${error.message}`)
    // What is not a NotUnderstood is a mistake of ours: still no guess, and no crash.
    const reason = error instanceof NotUnderstood ? error.message : `the analysis failed: ${messageOf(error)}`
    const seen = survey({ [type]: body })
    return { ...opaque(reason, seen), writes: type !== 'SelectStmt' || seen.writes }
  }
}

function selection(body: Raw, lifted: Lifted): Statement {
  const into = intoOf(body)
  if (into) {
    const relation = bodyOf(into, 'rel')
    const temporary = relation?.relpersistence === 't' || relation?.schemaname === 'pg_temp'
    const runs = statement({ type: 'SelectStmt', body: withoutInto(body) }, lifted)
    return { kind: 'definition', command: 'select into', temporary, runs }
  }
  return understood(lifted, (context) => {
    const read = query(body, context)
    return { kind: 'select', query: read, locks: context.locks }
  })
}

/** A long list in a place where no list is expected is not understood: its items are not in the tree. */
function understood(lifted: Lifted, read: (context: Context) => Statement): Statement {
  const constants = new Constants(lifted)
  const result = read(contextOf(constants))
  if (!constants.whole) throw new NotUnderstood('a long list in an unknown place')
  return result
}

/** SELECT INTO; of a set operation the leftmost select carries it. */
function intoOf(body: Raw): Raw | undefined {
  for (let at: Raw | undefined = body; at; at = bodyOf(at, 'larg')) {
    const into = bodyOf(at, 'intoClause')
    if (into) return into
  }
  return undefined
}

function withoutInto(body: Raw): Raw {
  const { intoClause: _, ...rest } = body
  const left = bodyOf(body, 'larg')
  return left ? { ...rest, larg: withoutInto(left) } : rest
}

function contextOf(constants: Constants): Context {
  const context: Context = {
    expression: (value) => expression(value, context),
    constant: (body) => constants.read(body),
    list: (items) => {
      const [first] = items
      const read = items.map((item) => expression(item, context))
      return first === undefined ? read : [...read, ...constants.elided(nodeOf(first).body)]
    },
    query: (body) => query(body, context),
    write: (type, body) => write(type, body, context),
    locks: false,
  }
  return context
}

/** How the text begins: `create table`, `vacuum`. */
function commandOf({ tokens }: Lifted): string {
  const words: string[] = []
  for (const { word } of tokens) {
    if (word === undefined || words.push(word) === 2) break
  }
  return TWO_WORDS.has(words[0] ?? '') ? words.join(' ') : (words[0] ?? '')
}

const TWO_WORDS = new Set(['create', 'alter', 'drop', 'comment', 'security', 'import', 'refresh'])

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
