import { scan } from './lexer.js'
import type { TransactionStatement, TransactionVerb } from './statement.js'

/** A statement that begins or ends a transaction, told by its words alone; for when no parser can be had. */
export function transactionWords(text: string): TransactionStatement | undefined {
  const words = scan(text).map(({ kind, word, start, end }) =>
    // A savepoint may have a quoted name.
    kind === 'quoted-name' ? text.slice(start + 1, end - 1).replaceAll('""', '"') : (word ?? ''),
  )
  const verb = verbOf(words)
  if (verb === undefined) return undefined
  const named = verb === 'savepoint' || verb === 'release' || verb === 'rollback-to'
  const savepoint = named ? words.at(-1) : undefined
  const isolation = /\bisolation level (read uncommitted|read committed|repeatable read|serializable)\b/.exec(
    words.join(' '),
  )
  return {
    kind: 'transaction',
    verb,
    ...(savepoint !== undefined && { savepoint }),
    ...(isolation && { isolation: isolation[1] as NonNullable<TransactionStatement['isolation']> }),
    chain: words.includes('chain') && !words.includes('no'),
  }
}

function verbOf(words: readonly string[]): TransactionVerb | undefined {
  const [first, second] = words
  switch (first) {
    case 'begin':
      return 'begin'
    case 'start':
      return second === 'transaction' ? 'begin' : undefined
    case 'commit':
      return second === 'prepared' ? 'commit-prepared' : 'commit'
    case 'end':
      return 'commit'
    case 'rollback':
      if (second === 'prepared') return 'rollback-prepared'
      return words.includes('to') ? 'rollback-to' : 'rollback'
    case 'abort':
      return 'rollback'
    case 'savepoint':
      return 'savepoint'
    case 'release':
      return 'release'
    case 'prepare':
      return second === 'transaction' ? 'prepare' : undefined
    default:
      return undefined
  }
}
