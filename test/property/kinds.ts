import type { Choices } from './choices.js'

/** What a column holds. `digits` is text that always reads as an integer. */
export type Kind =
  | 'int'
  | 'text'
  | 'bool'
  | 'bigint'
  | 'varchar'
  | 'enum'
  | 'uuid'
  | 'digits'
  | 'numeric'
  | 'char'
  | 'real'
  | 'date'
  | 'timestamptz'
  | 'jsonb'
  | 'smallint'
  | 'nocase'
  | 'ctext'
  | 'ints'

const UUIDS = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']

export interface KindFacts {
  readonly type: string
  /** What columns of it hold, and what they are compared with. */
  readonly values: readonly string[]
  /** How a column of it is declared, where that is more than the type. */
  readonly declared?: string
  /** Literals of it stand without quotes. */
  readonly bare?: true
}

export const KINDS: Readonly<Record<Kind, KindFacts>> = {
  int: { type: 'integer', values: ['1', '2', '3', '0', '4', '-1', '16777217'], bare: true },
  text: { type: 'text', values: ['a', 'b', 'a ', '', "o'x", 'A', 'ä\u{1f600}', 'x'.repeat(300)] },
  bool: { type: 'boolean', values: ['true', 'false'], bare: true },
  bigint: { type: 'bigint', values: ['1', '2', '3', '0', '9007199254740993'], bare: true },
  varchar: { type: 'varchar(8)', values: ['a', 'b', 'a ', 'ab', ''] },
  enum: { type: 'mood', values: ['sad', 'ok', 'happy'] },
  uuid: { type: 'uuid', values: UUIDS },
  digits: { type: 'text', values: ['1', '2', '01', '3', '02'] },
  numeric: { type: 'numeric(9,2)', values: ['1', '2', '1.50', '0'], bare: true },
  char: { type: 'char(3)', values: ['a', 'b', 'ab'] },
  real: { type: 'real', values: ['1', '2', '1.5', '16777216'], bare: true },
  date: { type: 'date', values: ['2020-01-01', '2020-01-02'] },
  timestamptz: { type: 'timestamptz', values: ['2020-01-01 00:00:00+00', '2020-01-02 10:00:00+00'] },
  jsonb: { type: 'jsonb', values: ['{"a": 1}', '[1]', '1'] },
  smallint: { type: 'smallint', values: ['1', '2', '3', '0'], bare: true },
  nocase: { type: 'text', declared: 'text COLLATE nocase', values: ['a', 'A', 'b', 'B'] },
  ctext: { type: 'text', declared: 'text COLLATE "C"', values: ['a', 'b', 'A', 'a '] },
  ints: { type: 'integer[]', values: ['{1}', '{1,2}', '{}', '{2,NULL}'] },
}

export const ALL_KINDS = Object.keys(KINDS) as readonly Kind[]

/** Kinds that PostgreSQL compares with each other, as `a = b`. */
const FAMILIES: readonly (readonly Kind[])[] = [
  ['int', 'bigint', 'numeric', 'real', 'smallint'],
  ['text', 'varchar', 'digits', 'char', 'nocase', 'ctext'],
]

export function comparable(a: Kind, b: Kind): boolean {
  return a === b || FAMILIES.some((family) => family.includes(a) && family.includes(b))
}

export const isNumber = (kind: Kind): boolean => FAMILIES[0]?.includes(kind) ?? false
export const isText = (kind: Kind): boolean => FAMILIES[1]?.includes(kind) ?? false
/** Equal values look the same: an order by them says which row is first, and DISTINCT which one stays. */
export const isTotal = (kind: Kind): boolean => kind !== 'nocase'
/** `<`, `min`, and a total order. */
export const isOrdered = (kind: Kind): boolean => kind !== 'jsonb' && isTotal(kind)
/** How a column of it is declared. */
export const declared = (kind: Kind): string => KINDS[kind].declared ?? KINDS[kind].type

/** The text of a statement's parameters, as it grows. */
export class Params {
  readonly values: unknown[] = []
  readonly #uses: { readonly kind: Kind; readonly wire: string | null; readonly place: number }[] = []

  add(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** A value of a kind; now and then one that is there already, wherever else it is used. */
  of(kind: Kind, wire: string | null, c: Choices, spelled: unknown = wire): string {
    const same = this.#uses.filter((use) => use.wire === wire && wire !== null && comparable(use.kind, kind))
    if (same.length > 0 && c.chance(25)) return `$${c.pick(same).place}`
    const name = this.add(spelled)
    this.#uses.push({ kind, wire, place: this.values.length })
    return name
  }
}

export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A value as a plain literal. */
export function literal(kind: Kind, value: string | null): string {
  if (value === null) return 'NULL'
  return KINDS[kind].bare ? value : quote(value)
}

/** Mostly one of the first few, so that rows and conditions meet. */
export function anyValue(kind: Kind, c: Choices, nulls = 0): string | null {
  if (c.chance(nulls)) return null
  const { values } = KINDS[kind]
  return c.pick(c.chance(10) ? values : values.slice(0, c.chance(40) ? 3 : 2))
}

/** A value in one of the many ways to write it for a comparison with a column of its kind. */
export function spell(kind: Kind, value: string | null, params: Params, c: Choices): string {
  const { type } = KINDS[kind]
  if (value === null) {
    return c.weighted([
      [4, () => 'NULL'],
      [4, () => params.of(kind, null, c)],
      [1, () => `NULL::${type}`],
    ])()
  }
  const plain: readonly (readonly [number, () => string])[] = [
    [10, () => literal(kind, value)],
    [14, () => params.of(kind, value, c)],
    [2, () => quote(value)],
    [1, () => `${params.of(kind, value, c)}::${type}`],
    [1, () => `CAST(${quote(value)} AS ${type})`],
    [1, () => `(${literal(kind, value)})`],
  ]
  return c.weighted([...plain, ...odd(kind, value, params, c)])()
}

/** Ways that keep the value and change its type or its spelling, or just do not look like a constant. */
function odd(kind: Kind, value: string, params: Params, c: Choices): readonly (readonly [number, () => string])[] {
  switch (kind) {
    case 'int':
    case 'bigint':
    case 'smallint':
      return [
        [2, () => params.of(kind, value, c, Number(value))],
        [1, () => `'0${value.replace('-', '')}'`],
        [1, () => params.add(` ${value} `)],
        [1, () => `${value}.0`],
        [1, () => params.add(`${value}.0`)],
        [1, () => `${literal(kind, value)}::${kind === 'int' ? 'bigint' : 'numeric'}`],
        [1, () => `${params.of(kind, value, c)}::text::${KINDS[kind].type}`],
        [1, () => `${params.of(kind, value, c)}::real`],
        [1, () => `${params.of(kind, value, c)}::numeric`],
        [1, () => `(${value} + 0)`],
        [1, () => `${params.of(kind, value, c)}::smallint`],
        [1, () => `- (${value.startsWith('-') ? value.slice(1) : `-${value}`})`],
        [1, () => (c.chance(15) ? params.add('no number') : params.of(kind, value, c))],
      ]
    case 'text':
    case 'varchar':
    case 'digits':
    case 'ctext':
    case 'nocase':
      return [
        [1, () => `${quote(value)} COLLATE nocase`],
        [1, () => `E${quote(value)}`],
        [1, () => `${params.of(kind, value, c)}::varchar`],
        [1, () => `${params.of(kind, value, c)}::varchar(1)`],
        [1, () => `${params.of(kind, value, c)}::char(3)`],
        [1, () => `${quote(value)}::char(3)`],
        [1, () => `(${quote(value)} || '')`],
        [1, () => `${quote(value)} COLLATE "C"`],
        [1, () => `concat(${quote(value)})`],
      ]
    case 'bool':
      return [
        [1, () => (value === 'true' ? "'yes'" : "'off'")],
        [1, () => params.add(value === 'true')],
        [1, () => params.add(value === 'true' ? 't' : 'F')],
        [1, () => params.add(value === 'true' ? ' 1' : '0')],
        [1, () => `(NOT ${value === 'true' ? 'FALSE' : 'TRUE'})`],
        [1, () => `(1 = ${value === 'true' ? 1 : 0})`],
      ]
    case 'uuid':
      return [
        [1, () => quote(value.toUpperCase())],
        [1, () => params.add(`{${value.replaceAll('-', '')}}`)],
        [1, () => params.add(value.toUpperCase())],
      ]
    case 'enum':
      return [[1, () => `${quote(value)}::text::mood`]]
    case 'numeric':
      return [
        [1, () => `${value}.000`.replace(/\.(\d+)\.000/, '.$1')],
        [1, () => `${params.of(kind, value, c)}::real`],
      ]
    case 'ints':
      return [
        [2, () => params.add(value === '{1,2}' ? [1, 2] : value)],
        [1, () => `ARRAY[1, ${params.of('int', '2', c)}]`],
      ]
    default:
      return []
  }
}
