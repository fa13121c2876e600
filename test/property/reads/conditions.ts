import type { Choices } from '../choices.js'
import {
  anyValue,
  comparable,
  isNumber,
  isOrdered,
  isText,
  KINDS,
  type Kind,
  literal,
  type Params,
  quote,
  spell,
} from '../kinds.js'
import type { SchemaModel, TableModel } from '../schema/model.js'

/** A column as an expression can name it. */
export interface Reach {
  /** `a.c0`. */
  readonly text: string
  readonly name: string
  readonly kind: Kind
}

/** What stands in a FROM clause. */
export interface SourceModel {
  readonly alias: string
  readonly columns: readonly Reach[]
  /** Where it is a table itself. */
  readonly table?: TableModel
}

/** The names that an expression can use, and what is needed to write it. */
export interface Place {
  readonly schema: SchemaModel
  /** Decides the shape. */
  readonly c: Choices
  /** Decides the values, so that one shape can be asked with several. */
  readonly v: Choices
  readonly params: Params
  readonly sources: readonly SourceModel[]
  readonly outer: Place | undefined
  /** Gives aliases that are new to the statement. */
  readonly names: { next: number }
  /** How much deeper subqueries may go. */
  readonly depth: number
  /** CTEs in sight. */
  readonly ctes: readonly { readonly name: string; readonly columns: readonly Reach[] }[]
}

/** Makes a subquery: a SELECT of one column of (about) a kind, or of anything. Set by `queries.ts`. */
export type Subquery = (
  place: Place,
  want: 'scalar' | 'column' | 'anything',
  kind: Kind | undefined,
) => { readonly sql: string; readonly kind: Kind }

export class Conditions {
  readonly #subquery: Subquery

  constructor(subquery: Subquery) {
    this.#subquery = subquery
  }

  /** A column of the place, sometimes of an enclosing query. */
  column(place: Place, wanted?: (reach: Reach) => boolean): Reach | undefined {
    const { c, outer } = place
    const own = place.sources.flatMap((source) => source.columns)
    const from = outer && (own.length === 0 || c.chance(35)) ? reachable(outer) : own
    const fit = wanted ? from.filter(wanted) : from
    return fit.length > 0 ? c.pick(fit) : undefined
  }

  /** A condition. At its simplest `column = value`. */
  condition(place: Place, levels = 2): string {
    const { c } = place
    const own = place.sources.flatMap((source) => source.columns)
    if (own.length === 0) return 'true'
    const deep = levels > 0 ? 1 : 0
    const subquery = place.depth > 0 ? 1 : 0
    return c.weighted<() => string>([
      [18, () => this.#equality(place, c.pick(own))],
      [9, () => this.#nullTest(c, c.pick(own))],
      [5, () => this.#list(place, c.pick(own))],
      [5 * deep, () => this.#joined(place, 'AND', levels)],
      [6 * deep, () => this.#joined(place, 'OR', levels)],
      [3 * deep, () => `NOT (${this.condition(place, levels - 1)})`],
      [4, () => this.#boolean(place)],
      [4, () => this.#columns(place, c.pick(own))],
      [3, () => this.#comparison(place, c.pick(own))],
      [3, () => this.#other(place, c.pick(own), levels)],
      [6 * subquery, () => this.#nested(place, c.pick(own))],
      [
        2 * deep,
        () => `(${this.condition(place, levels - 1)}) IS ${c.pick(['TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE'])}`,
      ],
      [
        1 * deep,
        () => `CASE WHEN ${this.condition(place, levels - 1)} THEN ${this.condition(place, levels - 1)} ELSE false END`,
      ],
    ])()
  }

  #joined(place: Place, word: 'AND' | 'OR', levels: number): string {
    const count = place.c.chance(20) ? 3 : 2
    return `(${Array.from({ length: count }, () => this.condition(place, levels - 1)).join(` ${word} `)})`
  }

  #value(place: Place, kind: Kind, nulls = 4): string {
    return spell(kind, anyValue(kind, place.v, place.c.chance(nulls) ? 100 : 0), place.params, place.c)
  }

  #equality(place: Place, column: Reach): string {
    const { c } = place
    const value = this.#value(place, column.kind)
    if (c.chance(6)) return `${column.text} IN (${value})`
    return c.chance(12) ? `${value} = ${column.text}` : `${column.text} = ${value}`
  }

  #nullTest(c: Choices, column: Reach): string {
    return `${column.text} IS ${c.chance(30) ? 'NOT ' : ''}NULL`
  }

  #list(place: Place, column: Reach): string {
    const { c, v, params } = place
    const long = c.chance(12)
    const length = long ? 7 : 1 + c.int(4)
    if (c.chance(30)) {
      const values = Array.from({ length }, () => anyValue(column.kind, v, 12))
      const array = c.weighted<() => string>([
        [4, () => params.add(values)],
        [1, () => `${params.add(values)}::${KINDS[column.kind].type}[]`],
        [
          2,
          () => `ARRAY[${values.map((value) => literal(column.kind, value)).join(', ')}]::${KINDS[column.kind].type}[]`,
        ],
        [1, () => params.add([])],
      ])()
      return `${column.text} ${c.chance(15) ? '<> ALL' : '= ANY'}(${array})`
    }
    const items = Array.from({ length }, () => this.#value(place, column.kind, 8))
    if (long && column.kind === 'int') items.push('5', '6', '7', '8')
    return `${column.text} ${c.chance(20) ? 'NOT ' : ''}IN (${items.join(', ')})`
  }

  #boolean(place: Place): string {
    const { c } = place
    const column = this.column(place, (reach) => reach.kind === 'bool')
    if (!column) return this.#nullTest(c, place.c.pick(place.sources.flatMap((source) => source.columns)))
    return c.pick([
      column.text,
      `NOT ${column.text}`,
      `${column.text} IS TRUE`,
      `${column.text} IS NOT FALSE`,
      `(${column.text} = false) = true`,
    ])
  }

  #columns(place: Place, column: Reach): string {
    const other = this.column(place, (reach) => reach !== column && comparable(reach.kind, column.kind))
    if (!other) return this.#equality(place, column)
    return `${column.text} ${place.c.weighted([
      [6, '='],
      [1, '<>'],
      [1, 'IS NOT DISTINCT FROM'],
    ])} ${other.text}`
  }

  #comparison(place: Place, column: Reach): string {
    const { c } = place
    const value = () => this.#value(place, column.kind)
    if (!isOrdered(column.kind) || c.chance(30)) return `${column.text} <> ${value()}`
    if (c.chance(30)) return `${column.text} ${c.chance(20) ? 'NOT ' : ''}BETWEEN ${value()} AND ${value()}`
    if (isText(column.kind) && column.kind !== 'nocase' && c.chance(50))
      return `${column.text} ${c.pick(['LIKE', 'ILIKE', 'NOT LIKE'])} ${c.chance(50) ? `'a%'` : place.params.add('%b%')}`
    return `${column.text} ${c.pick(['<', '>', '<=', '>='])} ${value()}`
  }

  /** What looks like an equality and is not one that a key can mirror. */
  #other(place: Place, column: Reach, levels: number): string {
    const { c } = place
    const { text, kind } = column
    const value = () => this.#value(place, kind)
    const options: (() => string)[] = [
      () => `${text} IS NOT DISTINCT FROM ${value()}`,
      () => `coalesce(${text}, ${literal(kind, anyValue(kind, place.v))}) = ${value()}`,
      () => `(${text} = ${value()}) = false`,
      () => `(${text}, 1) = (${value()}, 1)`,
      () => `(${text} = ${value()}) IS NOT TRUE`,
      () => `ROW(${text}, NULL) IS NULL`,
      () => `${text} = ANY(ARRAY[${value()}, ${value()}])`,
      () => `(${this.condition(place, Math.min(levels - 1, 0))}) IS UNKNOWN`,
    ]
    if (kind === 'digits')
      options.push(() => `${text}::int = ${spell('int', anyValue('int', place.v), place.params, c)}`)
    if (isText(kind) && kind !== 'nocase')
      options.push(
        () => `${text} COLLATE nocase = ${value()}`,
        () => `${text} COLLATE "C" = ${value()}`,
        () => `lower(${text}) = ${value()}`,
        () => `${text}::char(2) = ${value()}`,
      )
    if (isNumber(kind))
      options.push(
        () => `${text} + 1 = 2`,
        () => `${text}::text = ${quote(anyValue(kind, place.v) as string)}`,
        () => `- ${text} = -1`,
      )
    return c.pick(options)()
  }

  #nested(place: Place, column: Reach): string {
    const { c } = place
    return c.weighted<() => string>([
      [4, () => `EXISTS (${this.#subquery(place, 'anything', undefined).sql})`],
      [3, () => `NOT EXISTS (${this.#subquery(place, 'anything', undefined).sql})`],
      [4, () => this.#membership(place, column)],
      [3, () => this.#scalar(place, column)],
    ])()
  }

  #membership(place: Place, column: Reach): string {
    const inner = this.#subquery(place, 'column', column.kind)
    if (!comparable(inner.kind, column.kind)) return `EXISTS (${inner.sql})`
    return `${column.text} ${place.c.weighted([
      [6, 'IN'],
      [2, 'NOT IN'],
      [1, '= ANY'],
      [1, '<> ALL'],
    ])} (${inner.sql})`
  }

  #scalar(place: Place, column: Reach): string {
    const inner = this.#subquery(place, 'scalar', column.kind)
    if (!comparable(inner.kind, column.kind)) return `(${inner.sql}) IS ${place.c.chance(50) ? 'NOT ' : ''}NULL`
    return `${column.text} ${place.c.pick(['=', '=', '<>'])} (${inner.sql})`
  }
}

function reachable(place: Place): Reach[] {
  return [...place.sources.flatMap((source) => source.columns), ...(place.outer ? reachable(place.outer) : [])]
}
