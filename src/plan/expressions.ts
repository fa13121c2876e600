import type { Catalog } from '../catalog/catalog.js'
import type { ValueSource } from '../invalidation/template.js'
import type { CallExpr, CastExpr, Expr, SubqueryExpr } from '../sql/statement.js'
import type { Visitor } from '../sql/walk.js'
import { Bypass } from './bypass.js'
import {
  isLockFunction,
  isSettingFunction,
  PURE_FUNCTIONS,
  readsClock,
  TEMPORAL_TYPE_NAMES,
  TEMPORAL_TYPES,
} from './functions.js'
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
  readonly #catalog: Catalog
  /** Types that each parameter is cast to anywhere in the statement: a cast decides its type everywhere. */
  readonly #paramCasts: ReadonlyMap<number, ReadonlySet<string>>
  /** The kinds of columns that each parameter is compared with; `undefined` for any other place where it stands. */
  readonly #paramUses = new Map<number, Set<string | undefined>>()

  constructor(catalog: Catalog, paramCasts: ReadonlyMap<number, ReadonlySet<string>>) {
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
        this.visit(expr.arg, scope, found)
        break
      case 'equals':
        this.#operator('=')
        this.visit(expr.left, scope, found)
        this.visit(expr.right, scope, found)
        break
      case 'in':
        this.#operator('=')
        this.visit(expr.arg, scope, found)
        for (const item of expr.items) this.visit(item, scope, found)
        break
      case 'equals-any':
        this.#operator('=')
        this.visit(expr.arg, scope, found)
        this.visit(expr.array, scope, found)
        break
      case 'subquery':
        if (expr.operator) this.#operator(expr.operator)
        if (expr.test) this.visit(expr.test, scope, found)
        found.push(expr)
        break
      case 'call':
        this.#call(expr)
        for (const arg of expr.args) this.visit(arg, scope, found)
        break
      case 'cast':
        this.#cast(expr, scope)
        this.visit(expr.arg, scope, found)
        break
      case 'environment':
        // S8: who asks, and where names are looked up, is part of the key.
        if (KEYED.has(expr.name)) break
        throw new Bypass(`it reads ${expr.name.toUpperCase()}`)
      case 'operation': {
        for (const operator of expr.operators) this.#operator(operator)
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

  /** The value of a constant if it is compared with the column as the database would compare it (A23). */
  constant(expr: Expr, on: ColumnUse): ValueSource | undefined {
    refuseTimeOfDay(on.column.typname)
    if (on.column.keyType === 'other' || this.#catalog.overloadedTypes.has(on.column.typeOid)) return undefined
    switch (expr.kind) {
      case 'param': {
        const casts = this.#paramCasts.get(expr.index)
        if (casts && [...casts].some((type) => type !== on.column.typeName)) return undefined
        this.use(expr.index, on.column.keyType === 'enum' ? on.column.typeName : on.column.keyType)
        return { kind: 'param', index: expr.index }
      }
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
        if (expr.array || expr.modified || expr.arg.kind === 'cast') return undefined
        if (!ownType(expr, on)) return undefined
        // `5::text` is a conversion, `'5'::text` is the value: only strings and parameters stay what they are.
        const value = this.constant(expr.arg, on)
        if (expr.arg.kind === 'literal' && expr.arg.negated) return undefined
        return value
      }
      default:
        return undefined
    }
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

  #operator(name: string): void {
    if (name.includes('.') && /^[a-z_"]/i.test(name) && !name.startsWith('pg_catalog.')) {
      throw new Bypass(`operator ${name} is not known to be pure`)
    }
    const user = this.#catalog.userOperators.get(name.replace(/^pg_catalog\./, ''))
    if (user && !user.immutable) throw new Bypass(`operator ${name} is not known to be pure`)
  }

  #call(expr: CallExpr): void {
    const builtIn = expr.schema === undefined || expr.schema === 'pg_catalog'
    const shadowed = expr.schema === undefined && this.#catalog.functions.has(expr.name)
    if (builtIn && !shadowed && PURE_FUNCTIONS.has(expr.name)) return
    const name = expr.schema === undefined ? expr.name : `${expr.schema}.${expr.name}`
    if (builtIn && (isLockFunction(expr.name) || isSettingFunction(expr.name))) {
      throw new Bypass(`function ${name}() acts on the session`)
    }
    throw new Bypass(`function ${name}() is not known to be pure`)
  }

  #cast(expr: CastExpr, scope: Scope): void {
    const type = expr.type
    if (/^reg[a-z]+$/.test(type)) throw new Bypass(`a cast to ${type} reads the catalog`)
    if (expr.schema !== undefined || this.#catalog.userTypes.has(type)) {
      if (this.#isEnum(type)) return
      throw new Bypass(`a cast to the user-defined type ${type} is not known to be pure`)
    }
    if (this.#catalog.userCasts.has(type)) throw new Bypass(`a user-defined cast to ${type} is not known to be pure`)
    refuseTimeOfDay(type)
    if (!TEMPORAL_TYPES.has(type)) return
    // A10: text that says 'today' is another day tomorrow. Constants are looked at when they are bound.
    const arg = expr.arg
    if (arg.kind === 'param' || arg.kind === 'literal') return
    // `visit` looks at a constant's words.
    if (arg.kind === 'constant') return
    if (arg.kind === 'column') {
      const use = resolveColumn(arg, scope)
      if (use && TEMPORAL_TYPE_NAMES.has(use.column.typeName)) return
    }
    throw new Bypass(`a cast to ${type} of something that may be text`)
  }

  #isEnum(type: string): boolean {
    for (const table of this.#catalog.tables.values()) {
      for (const column of table.columns) {
        if (column.keyType === 'enum' && enumName(column.typeName) === type) return true
      }
    }
    return false
  }
}

/** A10: a time of day without an offset takes that of today, which summer time changes. */
function refuseTimeOfDay(type: string): void {
  if (type === 'timetz' || type === '_timetz') throw new Bypass('a time with time zone may take the offset of today')
}

function enumName(typeName: string): string {
  const last = typeName.slice(typeName.lastIndexOf('.') + 1)
  return last.startsWith('"') ? last.slice(1, -1).replace(/""/g, '"') : last
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
