import type { Catalog, UserFunction } from '../catalog/catalog.js'
import type { ValueSource } from '../invalidation/template.js'
import type { CallExpr, CastExpr, Expr, SubqueryExpr } from '../sql/statement.js'
import type { Visitor } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import { functionExpression } from './definitions.js'
import { readsClock, whyEnvironment } from './functions.js'
import { enumName, Purity, refuseTimeOfDay } from './purity.js'
import { type ColumnUse, resolveColumn, type Scope } from './scope.js'

/** Type names as the grammar gives them, and as the catalog spells them. */
const TYPE_ALIASES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  int: 'integer',
  bool: 'boolean',
  varchar: 'character varying',
}

/** SQL value functions whose value the key of an entry holds. */
const KEYED: ReadonlySet<string> = new Set(['current_role', 'current_user', 'user', 'session_user', 'current_schema'])

/** Values of a statement that may be input words such as `'today'`, unless they are compared with a known type. */
export interface Suspects {
  readonly params: Set<number>
  readonly literals: Set<number>
}

/** Reads expressions of one statement: what they read, whether they are pure, what they compare. */
export class ExpressionReader {
  readonly suspects: Suspects = { params: new Set(), literals: new Set() }
  readonly purity: Purity
  readonly #catalog: Catalog
  /** Types that each parameter is cast to anywhere in the statement: a cast decides its type everywhere. */
  readonly #paramCasts: ReadonlyMap<number, ReadonlySet<string>>
  /** The kinds of columns that each parameter is compared with; `undefined` for any other place where it stands. */
  readonly #paramUses = new Map<number, Set<string | undefined>>()

  /** Functions whose bodies are being read. */
  readonly #bodies = new Set<UserFunction>()

  constructor(catalog: Catalog, paramCasts: ReadonlyMap<number, ReadonlySet<string>>) {
    this.purity = new Purity(catalog)
    this.#catalog = catalog
    this.#paramCasts = paramCasts
  }

  /**
   * Notes what an expression reads and gives the subqueries directly in it.
   *
   * @throws Bypass where it is not known to be pure
   */
  visit(expr: Expr, scope: Scope, found: SubqueryExpr[] = []): SubqueryExpr[] {
    switch (expr.kind) {
      case 'column': {
        const use = resolveColumn(expr, scope)
        if (use) refuseTimeOfDay(use.column.typname)
        break
      }
      case 'param':
        this.suspects.params.add(expr.index)
        this.use(expr.index)
        break
      case 'literal':
        this.suspects.literals.add(expr.slot)
        break
      case 'constant':
        if (expr.literal === 'string' && readsClock(String(expr.value))) {
          throw new Bypass(`the value '${expr.value}' may read the clock`)
        }
        break
      case 'and':
      case 'or':
        for (const arg of expr.args) this.visit(arg, scope, found)
        break
      case 'not':
      case 'is-null':
      case 'is-truth':
        this.visit(expr.arg, scope, found)
        break
      case 'equals':
      case 'not-distinct':
        this.purity.operator('=')
        this.visit(expr.left, scope, found)
        this.visit(expr.right, scope, found)
        break
      case 'in':
        this.purity.operator('=')
        this.visit(expr.arg, scope, found)
        for (const item of expr.items) this.visit(item, scope, found)
        break
      case 'equals-any':
        this.purity.operator('=')
        this.visit(expr.arg, scope, found)
        this.visit(expr.array, scope, found)
        break
      case 'subquery':
        if (expr.operator) this.purity.operator(expr.operator)
        if (expr.test) this.visit(expr.test, scope, found)
        found.push(expr)
        break
      case 'call':
        if (!this.#ownFunction(expr)) this.purity.call(expr, scope)
        for (const arg of expr.args) this.visit(arg, scope, found)
        break
      case 'field':
        this.purity.field(expr.name)
        this.visit(expr.arg, scope, found)
        break
      case 'cast':
        this.purity.cast(expr, scope)
        this.visit(expr.arg, scope, found)
        break
      case 'environment':
        // S8: who asks, and where names are looked up, is part of the key.
        if (KEYED.has(expr.name)) break
        throw new Bypass(whyEnvironment(expr.name))
      case 'operation': {
        for (const operator of expr.operators) this.purity.operator(operator)
        // The pattern of LIKE is text, whatever words are in it.
        const pattern = expr.operators.length === 1 && /^!?~~\*?$/.test(expr.operators[0] as string)
        for (const arg of expr.args) {
          if (pattern && arg.kind === 'param') this.use(arg.index)
          else if (!pattern || arg.kind !== 'literal') this.visit(arg, scope, found)
        }
        break
      }
    }
    return found
  }

  /**
   * Whether a user's function is known by its body, which is judged like the text that calls it (A10). By its full name
   * only: else it could be one that is built in.
   */
  #ownFunction({ schema, name }: CallExpr): boolean {
    if (schema === undefined || schema === 'pg_catalog') return false
    const meant = (this.#catalog.functions.get(name) ?? []).filter((fn) => fn.schema === schema)
    const bodies = meant.map(functionExpression)
    if (bodies.length === 0 || meant.some((fn) => this.#bodies.has(fn))) return false
    for (const [index, body] of bodies.entries()) {
      const fn = meant[index] as UserFunction
      if (!body) return false
      this.#bodies.add(fn)
      this.visit(body, { items: [], outer: undefined })
      this.#bodies.delete(fn)
    }
    return true
  }

  /** The value of a constant if it is compared with the column as the database would compare it (A23). */
  constant(expr: Expr, on: ColumnUse): ValueSource | undefined {
    refuseTimeOfDay(on.column.typname)
    if (!this.#comparable(on)) return undefined
    switch (expr.kind) {
      case 'param':
        if (!this.#castOnly(expr.index, (type) => type === nameOfType(on))) return undefined
        this.use(expr.index, usedAs(on))
        return { kind: 'param', index: expr.index }
      case 'literal':
        return { kind: 'literal', slot: expr.slot, negated: expr.negated }
      case 'constant':
        return expr.literal === 'bitstring'
          ? undefined
          : {
              kind: 'constant',
              value: expr.value === true ? 'true' : expr.value === false ? 'false' : expr.value,
              literal: expr.literal,
            }
      case 'cast': {
        if (expr.array || expr.modified) return undefined
        if (!ownType(expr, on)) return undefined
        if (expr.arg.kind === 'cast') return this.#labelOf(expr.arg, on)
        // `5::text` is a conversion, `'5'::text` is the value: only strings and parameters stay what they are.
        const value = this.constant(expr.arg, on)
        if (expr.arg.kind === 'literal' && expr.arg.negated) return undefined
        return value
      }
      default:
        return undefined
    }
  }

  /** `$1::text::mood`, as Prisma writes an enum: the text is the label. */
  #labelOf({ arg, type, schema, array, modified }: CastExpr, on: ColumnUse): ValueSource | undefined {
    if (on.column.keyType !== 'enum' || type !== 'text' || schema !== undefined || array || modified) return undefined
    if (arg.kind === 'literal') return { kind: 'literal', slot: arg.slot, negated: arg.negated }
    if (arg.kind !== 'param' || !this.#castOnly(arg.index, (each) => each === 'text')) return undefined
    this.use(arg.index, 'text')
    return { kind: 'param', index: arg.index }
  }

  /** An array whose elements are compared with the column, in its text form. */
  array(expr: Expr, on: ColumnUse): ValueSource | undefined {
    switch (expr.kind) {
      case 'param': {
        if (!this.#comparable(on) || !this.#castOnly(expr.index, (type) => isArrayOf(type, on))) return undefined
        this.use(expr.index, usedAs(on))
        return { kind: 'param', index: expr.index }
      }
      case 'literal':
      case 'constant':
        return this.constant(expr, on)
      case 'cast':
        if (!expr.array || expr.modified || expr.arg.kind === 'cast' || !ownType(expr, on)) return undefined
        return this.array(expr.arg, on)
      default:
        return undefined
    }
  }

  #comparable(on: ColumnUse): boolean {
    return on.column.keyType !== 'other' && !this.#catalog.overloadedTypes.has(on.column.typeOid)
  }

  /** Every cast of the parameter in the statement is to such a type. */
  #castOnly(param: number, accepts: (type: string) => boolean): boolean {
    return [...(this.#paramCasts.get(param) ?? [])].every(accepts)
  }

  /** Notes a place of a parameter: the comparison with a column that a key can mirror, or any other. */
  use(param: number, comparison?: string): void {
    const uses = this.#paramUses.get(param)
    if (uses) uses.add(comparison)
    else this.#paramUses.set(param, new Set([comparison]))
  }

  /**
   * Whether a value is surely of its column's own kind. The first place of a parameter in the statement decides its type,
   * and so what its text becomes: as a `real` '16777217' is 16777216, as a `char` 'a  ' is 'a' (A23). Asked when all of the
   * statement was seen.
   */
  trusted(source: ValueSource): boolean {
    if (source.kind !== 'param') return true
    const uses = this.#paramUses.get(source.index)
    return uses === undefined || (uses.size === 1 && !uses.has(undefined))
  }
}

/** The name by which a cast means the column's type. */
function nameOfType({ column }: ColumnUse): string {
  return column.keyType === 'enum' ? enumName(column.typeName) : column.typeName
}

const isArrayOf = (type: string, on: ColumnUse): boolean => type === `${nameOfType(on)}[]`

/** What a comparison with the column makes of a parameter. */
function usedAs({ column }: ColumnUse): string {
  return column.keyType === 'enum' ? column.typeName : column.keyType
}

function ownType(expr: CastExpr, on: ColumnUse): boolean {
  if (on.column.keyType === 'enum') return enumName(on.column.typeName) === expr.type
  if (expr.schema !== undefined) return false
  return (TYPE_ALIASES[expr.type] ?? expr.type) === on.column.typeName
}

/** The types that each parameter is cast to in all that is walked, by the names that the catalog uses. */
export function castsOfParams(walk: (visitor: Visitor) => void): ReadonlyMap<number, ReadonlySet<string>> {
  const found = new Map<number, Set<string>>()
  walk({
    expr: (expr) => {
      if (expr.kind !== 'cast' || expr.arg.kind !== 'param') return
      const types = found.get(expr.arg.index) ?? new Set()
      types.add(`${TYPE_ALIASES[expr.type] ?? expr.type}${expr.array ? '[]' : ''}${expr.modified ? '()' : ''}`)
      found.set(expr.arg.index, types)
    },
  })
  return found
}
