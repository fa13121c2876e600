import type { Catalog, Table, UserFunction } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { Expr, RelationName } from '../sql/statement.js'
import { walk } from '../sql/walk.js'
import { acts, cascadesOf, type FollowUp, type RowOperation } from './cascades.js'
import { viewStatement } from './definitions.js'
import { type BodyWrite, readBody } from './function-body.js'
import { isLockFunction, isSettingFunction, PURE_FUNCTIONS } from './functions.js'
import { type RowWrite, unseenWrite } from './row-write.js'
import { changedWith, isFollowed, membersOf } from './trees.js'

/** What the configuration declares of triggers and functions, by name (`name` or `schema.name`). */
export interface Declarations {
  readonly triggers: Readonly<Record<string, { readonly writes: readonly string[] }>>
  readonly functions: Readonly<Record<string, { readonly writes: readonly string[] }>>
}

type WriteEvent = RowOperation | 'truncate'

/** Functions of well-known extensions in C that are volatile and touch no table. */
const HARMLESS_C: ReadonlySet<string> = new Set(
  (
    'uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 gen_random_uuid ' +
    'gen_random_bytes gen_salt crypt digest hmac encrypt decrypt pgp_sym_encrypt pgp_sym_decrypt pgp_pub_encrypt ' +
    'set_limit show_limit'
  ).split(' '),
)

/** Collects what a statement changes beyond its own rows: triggers, cascades, functions (S1, A17). */
export class Effects implements FollowUp {
  /** Tables of which any row may change. */
  readonly tables = new Set<string>()
  /** Writes of rows that are not seen: those of CTEs, of functions, of statements inside others. */
  readonly unseen: RowWrite[] = []
  /** Anything in the database may change. */
  database = false
  catalog = false
  /** The session's settings are not known afterwards (A5). */
  opaque = false
  /** Locks are taken; `sessionLocks` outlive the transaction, `unlocks` may have ended some. */
  locks = false
  sessionLocks = false
  unlocks = false
  /** A function was called that is not known to be pure. */
  calls = false
  /** Why it is coarser than rows. */
  readonly reasons = new Set<string>()
  readonly #catalog: Catalog
  readonly #searchPath: readonly string[]
  readonly #declared: Declarations
  readonly #functions = new Set<number>()
  readonly #views = new Set<Table>()
  readonly #whole = new Set<Table>()
  readonly #followed = new Set<string>()
  readonly #unknown = new Set<string>()

  constructor(catalog: Catalog, searchPath: readonly string[], declared: Declarations) {
    this.#catalog = catalog
    this.#searchPath = searchPath
    this.#declared = declared
  }

  /** Nothing is known of what it writes. */
  everything(reason: string, catalog = false): void {
    this.database = true
    this.catalog ||= catalog
    this.opaque = true
    this.reasons.add(reason)
  }

  resolve(relation: RelationName): Table | undefined {
    const table = resolveRelation(this.#catalog, relation, this.#searchPath)
    const name = relation.schema === undefined ? relation.name : `${relation.schema}.${relation.name}`
    if (table === 'system') {
      this.everything(`it writes to ${name}, which belongs to the system`, true)
      return undefined
    }
    if (!table) this.everything(`table ${name} is not known`, true)
    return table
  }

  /** A relation that is read: a view runs the functions that its definition calls. A name may also be a CTE's. */
  reads(relation: RelationName): void {
    const table = resolveRelation(this.#catalog, relation, this.#searchPath)
    if (table && table !== 'system') this.#view(table)
  }

  #view(table: Table): void {
    if (this.#views.has(table)) return
    this.#views.add(table)
    this.#named(table)
    if (table.kind === 'view' && !table.pure) this.#definition(table)
    for (const oid of table.viewReads) {
      const inner = this.#catalog.tables.get(oid)
      if (inner) this.#view(inner)
    }
  }

  /** What a view calls and locks. Its bare names are of pg_catalog. */
  #definition(view: Table): void {
    const statement = viewStatement(view)
    const call = (schema: string | undefined, name: string): void => this.call(schema ?? 'pg_catalog', name)
    if (statement.kind === 'select') {
      this.locks ||= statement.locks
      walk(statement, { expr: (expr) => (expr.kind === 'call' ? call(expr.schema, expr.name) : this.expression(expr)) })
    } else if (statement.kind === 'opaque' && statement.calls) {
      this.locks ||= statement.locks
      for (const { schema, name } of statement.calls) call(schema, name)
    } else this.everything(`view ${view.id} is not understood`, true)
  }

  members(table: Table): readonly Table[] {
    return membersOf(this.#catalog, table)
  }

  /** What runs with a write of rows of the table, besides the keys' actions: triggers, defaults, constraints, policies. */
  follows(table: Table, event: RowOperation): void {
    const name = `${table.oid} ${event}`
    if (this.#followed.has(name)) return
    this.#followed.add(name)
    const members = this.members(table)
    for (const member of members) {
      this.#triggers(member, event)
      // A row that moves is deleted in one partition and inserted in another.
      if (event === 'update' && members.length > 1) {
        this.#triggers(member, 'delete')
        this.#triggers(member, 'insert')
      }
      if (event !== 'delete') this.#unseenCalls(member.writeCalls, `a default, constraint or index of ${member.id}`)
      this.#named(member)
    }
  }

  /** Rows of the table of which nothing is known. `columns` are those that an UPDATE sets, where its text says it. */
  unknownRows(table: Table, operation: RowOperation, columns: readonly string[] | undefined, reason: string): void {
    this.reasons.add(reason)
    if (!isFollowed(table)) {
      this.wholeTable(table, undefined)
      return
    }
    const changed = operation === 'update' && columns ? changedWith(columns, this.members(table)) : undefined
    const name = `${table.stampId} ${operation} ${changed?.join() ?? '*'}`
    if (this.#unknown.has(name)) return
    this.#unknown.add(name)
    this.follows(table, operation)
    this.unseen.push(unseenWrite(table, operation, changed, cascadesOf(table, operation, false, changed, this)))
  }

  /** Any row of the table, and whatever follows from any change of it. */
  wholeTable(table: Table, reason: string | undefined): void {
    if (reason !== undefined) this.reasons.add(reason)
    if (this.#whole.has(table)) return
    this.#whole.add(table)
    this.#stamps(table)
    if (table.rules) this.everything(`${table.id} has rules`)
    for (const event of ['insert', 'update', 'delete', 'truncate'] as const) this.#triggers(table, event)
    this.#unseenCalls(table.writeCalls, `a default, constraint or index of ${table.id}`)
    this.#named(table)
    for (const reference of table.references) {
      if (acts(reference.onDelete) || acts(reference.onUpdate)) this.wholeTable(reference.child, undefined)
    }
    if (table.kind === 'view' || table.kind === 'materialized view') {
      this.#view(table)
      for (const oid of table.viewReads) {
        const base = this.#catalog.tables.get(oid)
        if (base) this.wholeTable(base, `${table.id} is a ${table.kind}`)
      }
    }
    for (const member of this.members(table)) this.wholeTable(member, undefined)
    // A tree whose rows cannot be followed: whoever has relatives may be one of it.
    if (table.stampId === undefined && table.inherits) {
      for (const other of this.#catalog.tables.values()) if (other.inherits) this.wholeTable(other, undefined)
    }
  }

  #stamps(table: Table): void {
    this.tables.add(table.id)
    if (table.stampId !== undefined) this.tables.add(table.stampId)
  }

  /** TRUNCATE fires triggers of its own, and no key acts; with CASCADE it empties every table that refers to it. */
  truncate(table: Table, cascade: boolean): void {
    this.reasons.add(`TRUNCATE changes every row of ${table.id}`)
    const seen = new Set<Table>(this.members(table))
    for (const next of seen) {
      if (!isFollowed(next)) this.wholeTable(next, undefined)
      this.#stamps(next)
      this.#triggers(next, 'truncate')
      if (!cascade) continue
      for (const { child } of next.references) for (const member of this.members(child)) seen.add(member)
    }
  }

  #triggers(table: Table, event: WriteEvent): void {
    for (const trigger of table.triggers) {
      if (!trigger.events.includes(event)) continue
      const declared = this.#declared.triggers[trigger.name] ?? this.#declared.triggers[`${table.id}.${trigger.name}`]
      if (declared) {
        this.#declaredTables(declared.writes, `trigger ${trigger.name}`)
        continue
      }
      const fn = this.#catalog.functionByOid.get(trigger.functionOid)
      // A trigger function of pg_catalog (suppress_redundant_updates_trigger, tsvector_update_trigger) writes no table.
      if (fn) this.function(fn, `trigger ${trigger.name} on ${table.id}`)
    }
  }

  /** What the policies of a table, or the definition of a view, call for whatever is done with it. */
  #named(table: Table): void {
    this.#unseenCalls(table.readCalls, `${table.policies.length > 0 ? 'a policy of' : table.kind} ${table.id}`)
  }

  #unseenCalls(oids: readonly number[], where: string): void {
    for (const oid of oids) {
      const fn = this.#catalog.functionByOid.get(oid)
      if (fn) this.function(fn, where)
    }
  }

  /** A call by name: every function that the name could mean. */
  call(schema: string | undefined, name: string): void {
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
    // The catalog knows no session's own functions.
    if (schema?.startsWith('pg_temp')) this.everything(`function ${schema}.${name}() is the session's own`, true)
    for (const fn of this.#catalog.functions.get(name) ?? []) {
      if (schema === undefined || fn.schema === schema) this.function(fn, `function ${fn.schema}.${fn.name}()`)
    }
  }

  /** What an expression calls: by name, or as an operator or a cast, whose functions no text names. */
  expression(expr: Expr): void {
    switch (expr.kind) {
      case 'call':
        this.call(expr.schema, expr.name)
        // `mood('ok')` is a cast.
        this.#hidden(this.#catalog.castCalls.get(expr.name), `a cast to ${expr.name}`)
        break
      case 'field':
        this.call(undefined, expr.name)
        break
      case 'column': {
        // `t.f` calls the function f with a row of t, where t has no such column.
        const name = expr.path.length > 1 && !expr.star ? expr.path[expr.path.length - 1] : undefined
        if (name !== undefined && this.#catalog.functions.has(name)) this.call(undefined, name)
        break
      }
      case 'cast':
        this.#hidden(this.#catalog.castCalls.get(expr.type), `a cast to ${expr.type}`)
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
    this.#hidden(this.#catalog.operatorCalls.get(name.slice(name.lastIndexOf('.') + 1)), `operator ${name}`)
  }

  /** Conversions that no text names. */
  conversions(): void {
    this.#hidden(this.#catalog.implicitCalls, 'an implicit cast')
  }

  #hidden(oids: readonly number[] | undefined, where: string): void {
    if (!oids || oids.length === 0) return
    this.calls = true
    this.#unseenCalls(oids, where)
  }

  function(fn: UserFunction, where: string): void {
    if (this.#functions.has(fn.oid)) return
    this.#functions.add(fn.oid)
    const declared = this.#declared.functions[`${fn.schema}.${fn.name}`] ?? this.#declared.functions[fn.name]
    if (declared) {
      this.#declaredTables(declared.writes, where)
      return
    }
    if (fn.language === 'internal') return
    // PostgreSQL forbids writes in functions that are not volatile, but lets them call volatile ones: bodies are followed.
    const readable = fn.language === 'sql' || fn.language === 'plpgsql'
    if (fn.volatility !== 'volatile' && !readable) return
    if (fn.language === 'c' && HARMLESS_C.has(fn.name)) return
    if (!readable) {
      this.everything(`${where} is in ${fn.language}, which cannot be read`, true)
      return
    }
    const body = readBody(fn.source)
    if (body.kind === 'unreadable') {
      // A7: what runs dynamic SQL may change definitions with it.
      this.everything(`${where} ${body.reason}`, true)
      return
    }
    if (body.settings) this.opaque = true
    for (const call of body.calls) this.call(call.schema, call.name)
    for (const write of body.writes) this.#bodyWrite(write, where)
  }

  #bodyWrite({ relation, operation, columns }: BodyWrite, where: string): void {
    const tables = [...this.#catalog.tables.values()].filter(
      (table) => table.name === relation.name && (relation.schema === undefined || table.schema === relation.schema),
    )
    if (tables.length === 0) this.everything(`${where} writes to ${relation.name}, which is not known`)
    for (const table of tables) {
      const reason = `${where} writes to ${table.id}`
      if (operation === 'truncate') {
        this.reasons.add(reason)
        this.truncate(table, true)
      } else if (operation === 'any') this.wholeTable(table, reason)
      else this.unknownRows(table, operation, columns, reason)
    }
  }

  #declaredTables(names: readonly string[], where: string): void {
    for (const name of names) {
      const dot = name.indexOf('.')
      const relation = dot < 0 ? { name } : { schema: name.slice(0, dot), name: name.slice(dot + 1) }
      const table = resolveRelation(this.#catalog, relation, this.#searchPath)
      if (table && table !== 'system') this.wholeTable(table, `${where} writes to ${table.id}`)
      else this.everything(`${where} is declared to write to ${name}, which is not known`)
    }
  }
}
