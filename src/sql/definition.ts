import { scan } from './lexer.js'
import { understand, unreadable } from './postgres/front-end.js'
import type { Statement } from './statement.js'

/** UTF-16 units. Definitions are parsed where a statement that names them is planned, and must not hold it up for long. */
const LONGEST = 64 * 1024

/**
 * A statement as the database prints it from its catalog, with standard strings: nothing is lifted, since every call has the
 * same constants. `loadParser` must have been awaited.
 */
export function readDefinition(text: string): Statement {
  if (text.length > LONGEST) return unreadable(`longer than ${LONGEST} characters`)
  return understand({ text, tokens: scan(text), slots: new Map(), literals: [], elided: new Map() })
}
