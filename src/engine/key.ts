import { createHash } from 'node:crypto'
import type { CallValues } from '../invalidation/template.js'
import type { Literal } from '../sql/analysis.js'

/** Longest key that is kept as it is; longer ones are hashed. */
const LONGEST = 512

/**
 * The key of an entry: what can change the answer (A24). Each value carries its kind and its length, so that no two
 * lists of values read the same.
 */
export function entryKey(base: string, hash: string, values: CallValues, literals: readonly Literal[]): string {
  let key = `${base}|${hash}`
  for (const param of values.params) {
    if (param === null) key += '|n'
    else if (typeof param === 'string') key += `|s${param.length}:${param}`
    else key += `|b${param.length}:${Buffer.from(param.buffer, param.byteOffset, param.byteLength).toString('base64')}`
  }
  for (const literal of literals) key += `|${literal.kind[0]}${literal.raw.length}:${literal.raw}`
  return key.length <= LONGEST ? key : `${base}|${hash}|#${createHash('sha256').update(key).digest('base64url')}`
}
