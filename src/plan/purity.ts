import type { Catalog } from '../catalog/catalog.js'
import type { CallExpr, CastExpr, Expr } from '../sql/statement.js'
import { Bypass } from './bypass.js'
import {
  isLockFunction,
  isSettingFunction,
  JSON_CASTING,
  PURE_FUNCTIONS,
  TEMPORAL_RESULTS,
  TEMPORAL_TYPE_NAMES,
  TEMPORAL_TYPES,
  whyImpure,
} from './functions.js'
import { resolveColumn, type Scope } from './scope.js'

/** Whether operators, calls and casts give the same answer each time, under one catalog (A10). Each throws `Bypass` if not. */
export class Purity {
  readonly #catalog: Catalog

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  operator(name: string): void {
    if (name.includes('.') && /^[a-z_"]/i.test(name) && !name.startsWith('pg_catalog.')) {
      throw new Bypass(`operator ${name} is not known to be pure`)
    }
    const user = this.#catalog.userOperators.get(name.replace(/^pg_catalog\./, ''))
    if (user && !user.immutable) throw new Bypass(`operator ${name} is not known to be pure`)
  }

  call(expr: CallExpr, scope: Scope): void {
    const name = expr.schema === undefined ? expr.name : `${expr.schema}.${expr.name}`
    const builtIn = expr.schema === undefined || expr.schema === 'pg_catalog'
    const shadowed = expr.schema === undefined && this.#catalog.functions.has(expr.name)
    if (!builtIn || shadowed) throw new Bypass(`function ${name}() is not known to be pure`)
    if (isLockFunction(expr.name) || isSettingFunction(expr.name)) {
      throw new Bypass(`function ${name}() acts on the session`)
    }
    if (expr.name === 'current_setting' && this.#isKeyed(expr.args[0])) return
    const [first, ...more] = expr.args
    // `date(x)` is a cast.
    if (first && more.length === 0 && TEMPORAL_TYPES.has(expr.name)) {
      this.cast({ kind: 'cast', arg: first, type: expr.name, array: false, modified: false }, scope)
      return
    }
    if (expr.name === 'age') {
      if (more.length === 0) throw new Bypass('age() of one argument gives another answer each day')
      return
    }
    if (!PURE_FUNCTIONS.has(expr.name)) throw new Bypass(whyImpure(expr.name))
    if (JSON_CASTING.has(expr.name) && this.#catalog.userCasts.has('json')) {
      throw new Bypass('a user-defined cast to json is not known to be pure')
    }
  }

  /** `(row).name` calls a function of that name, where the row has no such field. */
  field(name: string): void {
    if (this.#catalog.functions.has(name)) throw new Bypass(`field ${name} may be a call of the function ${name}()`)
  }

  /** S8: the value of a setting that definitions read is part of the key. */
  #isKeyed(name: Expr | undefined): boolean {
    if (name?.kind === 'cast' && name.type === 'text') return this.#isKeyed(name.arg)
    return name?.kind === 'constant' && this.#catalog.customSettings.includes(String(name.value).toLowerCase())
  }

  cast(expr: CastExpr, scope: Scope): void {
    const { type } = expr
    if (/^reg[a-z]+$/.test(type)) throw new Bypass(`a cast to ${type} reads the catalog`)
    if (expr.schema !== undefined || this.#catalog.userTypes.has(type)) {
      if (this.#isEnum(type)) return
      throw new Bypass(`a cast to the user-defined type ${type} is not known to be pure`)
    }
    if (this.#catalog.userCasts.has(type)) throw new Bypass(`a user-defined cast to ${type} is not known to be pure`)
    refuseTimeOfDay(type)
    // Text that says 'today' is another day tomorrow.
    if (!TEMPORAL_TYPES.has(type) || isLookedAt(expr.arg) || isTemporal(expr.arg, scope)) return
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

/** A value whose words are looked at by themselves: a constant's when it is read, others' in each call. */
function isLookedAt(expr: Expr): boolean {
  if (expr.kind === 'cast') return expr.type === 'text' && isLookedAt(expr.arg)
  return expr.kind === 'param' || expr.kind === 'literal' || expr.kind === 'constant'
}

/** Surely a date or a time, or what can only be made of one; never text. */
function isTemporal(expr: Expr, scope: Scope): boolean {
  switch (expr.kind) {
    case 'column': {
      const use = resolveColumn(expr, scope)
      return use !== undefined && TEMPORAL_TYPE_NAMES.has(use.column.typeName)
    }
    case 'cast':
      return TEMPORAL_TYPES.has(expr.type) && expr.schema === undefined
    case 'call': {
      if (TEMPORAL_RESULTS.has(expr.name)) return true
      const [first] = expr.args
      return /^(?:min|max)$/.test(expr.name) && first !== undefined && isTemporal(first, scope)
    }
    case 'operation': {
      const [first] = expr.args
      const [operator, ...others] = expr.operators
      return first !== undefined && others.length === 0 && /^[+-]$/.test(operator ?? '') && isTemporal(first, scope)
    }
    default:
      return false
  }
}

/** A10: a time of day without an offset takes that of today, which summer time changes. */
export function refuseTimeOfDay(type: string): void {
  if (type === 'timetz' || type === '_timetz') throw new Bypass('a time with time zone may take the offset of today')
}

/** An enum's own name in the catalog's full one. */
export function enumName(typeName: string): string {
  const last = typeName.slice(typeName.lastIndexOf('.') + 1)
  return last.startsWith('"') ? last.slice(1, -1).replace(/""/g, '"') : last
}
