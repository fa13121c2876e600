import type { Lexer } from './lexer.js'

/**
 * A24: a literal whose value steers the analysis stays in the text: `ORDER BY 1`, `LIMIT 1`, `date 'today'`,
 * `'x'::regclass`, a setting's name, `float(24)`. What is missed here costs precision only, but for `float(n)`: there the
 * parser makes another type of another number.
 */
export interface Neighbours {
  readonly text: string
  /** At the literal. */
  readonly lexer: Lexer
  readonly beforeStart: number
  readonly beforeEnd: number
  readonly before2Start: number
  readonly before2End: number
  readonly depth: number
  readonly byLists: number
}

/** Words before a string that is not a constant of the type that the word names. */
const BEFORE_STRING = new Set(
  (
    'select like ilike and or not when then else between symmetric asymmetric case distinct all from where having on ' +
    'returning in using to placing for escape both leading trailing'
  ).split(' '),
)

/** Types to which a string is cast without its text meaning anything else than itself. */
const PLAIN_TYPES = new Set(
  (
    'text varchar char character bpchar int integer int2 int4 int8 bigint smallint numeric decimal real float float4 ' +
    'float8 double bool boolean uuid json jsonb bytea'
  ).split(' '),
)

/** Before `(`: a string that follows is a name, or the subject of a cast. */
const NAMING = new Set(
  'cast treat set_config current_setting nextval currval setval to_regclass to_regtype to_regproc'.split(' '),
)

/** Before `(`: a number that follows modifies a type. */
const MODIFIED = new Set(
  (
    'float varchar char character varying nchar bpchar numeric decimal dec bit timestamp timestamptz time timetz ' +
    'interval second current_time current_timestamp localtime localtimestamp'
  ).split(' '),
)

const BEFORE_POSITION = new Set(['by', 'limit', 'first', 'next'])

export function liftedString(at: Neighbours): boolean {
  const { text, beforeStart, beforeEnd } = at
  const before = text.charCodeAt(beforeStart)
  // `numeric(3, 1) '2.5'`, `"type" 'value'`.
  if (before === 41 || before === 34) return false
  if (beginsWord(before) && !BEFORE_STRING.has(text.slice(beforeStart, beforeEnd).toLowerCase())) return false
  if (before === 40 && NAMING.has(text.slice(at.before2Start, at.before2End).toLowerCase())) return false
  const cast = /[ \t\r\n]*::\s*([A-Za-z_0-9]*)/y
  cast.lastIndex = at.lexer.end
  const type = cast.exec(text)?.[1]
  return type === undefined || PLAIN_TYPES.has(type.toLowerCase())
}

export function liftedNumber(at: Neighbours): boolean {
  const { text, beforeStart, beforeEnd } = at
  const before = text.charCodeAt(beforeStart)
  if (before === 44) return (at.byLists & (at.depth < 31 ? 1 << at.depth : 0)) === 0
  if (before === 40) return !MODIFIED.has(text.slice(at.before2Start, at.before2End).toLowerCase())
  return !beginsWord(before) || !BEFORE_POSITION.has(text.slice(beforeStart, beforeEnd).toLowerCase())
}

const beginsWord = (code: number): boolean =>
  (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code > 127
