import type { TextAnalysis } from '../sql/analysis.js'

/** What was written before it in the same string, or before the string, may be committed. */
export function endsTransaction(text: TextAnalysis): boolean {
  return text.statements.some(({ template: { statement } }) => {
    if (statement.kind !== 'transaction') return statement.kind === 'opaque' && statement.writes
    return statement.verb !== 'savepoint' && statement.verb !== 'release' && statement.verb !== 'begin'
  })
}
