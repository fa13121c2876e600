import type { UserFunction } from './catalog.js'
import type { FunctionLine, VolatilityLetter } from './rows.js'

const KINDS = { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' } as const
const VOLATILITIES = { i: 'immutable', s: 'stable', v: 'volatile' } as const

export function buildFunction(line: FunctionLine): UserFunction {
  const [oid, schema, name, kind, language, volatility, source, parts] = line
  const base = { oid, schema, name, kind: KINDS[kind] }
  if (kind !== 'a') return { ...base, language, volatility: VOLATILITIES[volatility], source }
  // An aggregate always counts as immutable and has no source: what it does is what its parts do.
  return {
    ...base,
    language: 'sql',
    volatility: VOLATILITIES[worst((parts ?? []).map((part) => part[2]))],
    source: `SELECT ${(parts ?? []).map((part) => `${quoted(part[0])}.${quoted(part[1])}()`).join(', ')}`,
  }
}

function worst(letters: readonly VolatilityLetter[]): VolatilityLetter {
  if (letters.includes('v')) return 'v'
  return letters.includes('s') ? 's' : 'i'
}

function quoted(name: string): string {
  return /^[a-z_][a-z_\d]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
