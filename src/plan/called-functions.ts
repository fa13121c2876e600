import type { Catalog, Table, UserFunction } from '../catalog/catalog.js'
import type { Expr, OwnFunction } from '../sql/statement.js'
import { type BodyWrite, readBody } from './function-body.js'
import { isLockFunction, isSettingFunction, PURE_FUNCTIONS } from './functions.js'

/** What the configuration declares of triggers and functions, by name (`name` or `schema.name`). */
export interface Declarations {
  readonly triggers: Readonly<Record<string, { readonly writes: readonly string[] }>>
  readonly functions: Readonly<Record<string, { readonly writes: readonly string[] }>>
}

/** Functions of well-known extensions in C that are volatile and touch no table. */
const HARMLESS_C: ReadonlySet<string> = new Set(
  (
    'uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 gen_random_uuid ' +
    'gen_random_bytes gen_salt crypt digest hmac encrypt decrypt pgp_sym_encrypt pgp_sym_decrypt pgp_pub_encrypt ' +
    'set_limit show_limit'
  ).split(' '),
)

/** What the functions do that a statement calls, by name or without one (S1, A17). */
export abstract class CalledFunctions {
  /** The session's settings are not known afterwards (A5). */
  opaque = false
  /** Locks are taken; `sessionLocks` outlive the transaction, `unlocks` may have ended some. */
  locks = false
  sessionLocks = false
  unlocks = false
  /** A function was called that is not known to be pure. */
  calls = false
  protected readonly definitions: Catalog
  protected readonly declared: Declarations
  readonly #own: ReadonlyMap<string, OwnFunction>
  readonly #functions = new Set<number>()

  /** @param own - functions of the session's own that are known */
  constructor(catalog: Catalog, declared: Declarations, own: ReadonlyMap<string, OwnFunction>) {
    this.definitions = catalog
    this.declared = declared
    this.#own = own
  }

  /** Nothing is known of what it writes. */
  abstract everything(reason: string, catalog?: boolean): void
  protected abstract writes(write: BodyWrite, where: string): void
  protected abstract declaredTables(names: readonly string[], where: string): void
  protected abstract view(table: Table): void

  protected unseenCalls(oids: readonly number[], where: string): void {
    for (const oid of oids) {
      const fn = this.definitions.functionByOid.get(oid)
      if (fn) this.function(fn, where)
    }
  }

  /** A call by name: every function that the name could mean. */
  call(schema: string | undefined, name: string, args?: number): void {
    this.calls ||= !PURE_FUNCTIONS.has(name)
    if (schema === undefined || schema === 'pg_catalog') {
      if (isLockFunction(name)) {
        const unlocks = name.startsWith('pg_advisory_unlock')
        this.locks = true
        this.unlocks ||= unlocks
        this.sessionLocks ||= !unlocks && !name.includes('_xact_')
      }
      if (isSettingFunction(name)) this.opaque = true
      if (schema === 'pg_catalog') return
    }
    if (schema?.startsWith('pg_temp')) {
      const own = this.#own.get(name)
      if (own?.code && args === 0) this.code(own.code, `function ${schema}.${name}()`)
      else this.everything(`function ${schema}.${name}() is not known`, true)
      return
    }
    for (const fn of this.definitions.functions.get(name) ?? []) {
      if (schema === undefined || fn.schema === schema) this.function(fn, `function ${fn.schema}.${fn.name}()`)
    }
  }

  /** What an expression calls: by name, or as an operator or a cast, whose functions no text names. */
  expression(expr: Expr): void {
    switch (expr.kind) {
      case 'call':
        this.call(expr.schema, expr.name, expr.args.length)
        // `mood('ok')` is a cast.
        this.#hidden(this.definitions.castCalls.get(expr.name), `a cast to ${expr.name}`)
        break
      case 'field':
        this.call(undefined, expr.name)
        break
      case 'column': {
        // `t.f` calls the function f with a row of t, where t has no such column.
        const name = expr.path.length > 1 && !expr.star ? expr.path[expr.path.length - 1] : undefined
        if (name !== undefined && this.definitions.functions.has(name)) this.call(undefined, name)
        break
      }
      case 'cast':
        this.#hidden(this.definitions.castCalls.get(expr.type), `a cast to ${expr.type}`)
        break
      case 'operation':
        for (const operator of expr.operators) this.#operator(operator)
        break
      case 'equals':
      case 'in':
      case 'equals-any':
      case 'not-distinct':
        this.#operator('=')
        break
      case 'subquery':
        if (expr.operator !== undefined) this.#operator(expr.operator)
    }
  }

  #operator(name: string): void {
    this.#hidden(this.definitions.operatorCalls.get(name.slice(name.lastIndexOf('.') + 1)), `operator ${name}`)
  }

  /** Conversions that no text names. */
  conversions(): void {
    this.#hidden(this.definitions.implicitCalls, 'an implicit cast')
  }

  #hidden(oids: readonly number[] | undefined, where: string): void {
    if (!oids || oids.length === 0) return
    this.calls = true
    this.unseenCalls(oids, where)
  }

  function(fn: UserFunction, where: string): void {
    if (this.#functions.has(fn.oid)) return
    this.#functions.add(fn.oid)
    const declared = this.declared.functions[`${fn.schema}.${fn.name}`] ?? this.declared.functions[fn.name]
    if (declared) {
      this.declaredTables(declared.writes, where)
      return
    }
    if (fn.language === 'internal') return
    // PostgreSQL forbids writes in functions that are not volatile, but lets them call volatile ones: bodies are followed.
    const readable = fn.language === 'sql' || fn.language === 'plpgsql'
    if (fn.volatility !== 'volatile' && !readable) return
    if (fn.language === 'c' && HARMLESS_C.has(fn.name)) return
    this.code(fn, where)
  }

  /** What a body in SQL or PL/pgSQL does; in another language anything. */
  code({ language, source }: { readonly language: string; readonly source: string }, where: string): void {
    if (language !== 'sql' && language !== 'plpgsql') {
      this.everything(`${where} is in ${language}, which cannot be read`, true)
      return
    }
    const body = readBody(source)
    if (body.kind === 'unreadable') {
      // A7: what runs dynamic SQL may change definitions with it.
      this.everything(`${where} ${body.reason}`, true)
      return
    }
    if (body.settings) this.opaque = true
    if (body.locks) this.locks = true
    for (const call of body.calls) this.call(call.schema, call.name)
    for (const write of body.writes) this.writes(write, where)
    this.#hiddenIn(source)
  }

  /** Functions of operators and casts that a text may call, and the views that it may read, by any of its words. */
  #hiddenIn(source: string): void {
    const { operatorCalls, castCalls, tables } = this.definitions
    const text = source.toLowerCase()
    const names = (name: string): boolean => text.includes(name.toLowerCase())
    this.conversions()
    for (const [name, oids] of operatorCalls) if (names(name)) this.#hidden(oids, `operator ${name}`)
    for (const [name, oids] of castCalls) if (names(name)) this.#hidden(oids, `a cast to ${name}`)
    for (const table of tables.values()) if (!table.pure && names(table.name)) this.view(table)
  }

  /** The same of a statement whose expressions are not known. */
  hidden(): void {
    const { operatorCalls, castCalls } = this.definitions
    this.conversions()
    for (const [name, oids] of operatorCalls) this.#hidden(oids, `operator ${name}`)
    for (const [name, oids] of castCalls) this.#hidden(oids, `a cast to ${name}`)
  }
}
