import type { Catalog, Reference, Table, UserFunction } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { RelationName } from '../sql/statement.js'
import { walk } from '../sql/walk.js'
import { viewStatement } from './definitions.js'
import { readBody } from './function-body.js'
import { isLockFunction, isSettingFunction, PURE_FUNCTIONS } from './functions.js'

/** What the configuration declares of triggers and functions, by name (`name` or `schema.name`). */
export interface Declarations {
  readonly triggers: Readonly<Record<string, { readonly writes: readonly string[] }>>
  readonly functions: Readonly<Record<string, { readonly writes: readonly string[] }>>
}

export type WriteEvent = 'insert' | 'update' | 'delete' | 'truncate'

/** Functions of well-known extensions in C that are volatile and touch no table. */
const HARMLESS_C: ReadonlySet<string> = new Set(
  (
    'uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 gen_random_uuid ' +
    'gen_random_bytes gen_salt crypt digest hmac encrypt decrypt pgp_sym_encrypt pgp_sym_decrypt pgp_pub_encrypt ' +
    'set_limit show_limit'
  ).split(' '),
)

/** Collects what a statement changes beyond its own rows: triggers, cascades, functions (S1, A17). */
export class Effects {
  /** Tables of which any row may change. */
  readonly tables = new Map<string, Table>()
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
    this.named(table)
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
      walk(statement, { expr: (expr) => void (expr.kind === 'call' && call(expr.schema, expr.name)) })
    } else if (statement.kind === 'opaque' && statement.calls) {
      this.locks ||= statement.locks
      for (const { schema, name } of statement.calls) call(schema, name)
    } else this.everything(`view ${view.id} is not understood`, true)
  }

  /** Any row of the table, and whatever follows from any change of it. */
  wholeTable(table: Table, reason: string | undefined): void {
    if (reason !== undefined) this.reasons.add(reason)
    if (this.tables.has(table.id)) return
    this.tables.set(table.id, table)
    if (table.rules) this.everything(`${table.id} has rules`)
    for (const event of ['insert', 'update', 'delete', 'truncate'] as const) this.triggers(table, event)
    this.defaults(table)
    this.named(table)
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
    // Rows of a parent or a partitioned table live in its children, whose triggers and keys count too.
    if (table.inherits || table.kind === 'partitioned table') {
      for (const other of this.#catalog.tables.values()) {
        if (other.inherits || other.kind === 'partitioned table') this.wholeTable(other, undefined)
      }
    }
  }

  /** TRUNCATE … CASCADE empties every table that refers to it, whatever the keys' actions. */
  truncate(table: Table, cascade: boolean): void {
    this.wholeTable(table, `TRUNCATE changes every row of ${table.id}`)
    if (!cascade) return
    const seen = new Set<Table>([table])
    const queue = [table]
    for (let next = queue.pop(); next; next = queue.pop()) {
      for (const { child } of next.references) {
        if (seen.has(child)) continue
        seen.add(child)
        queue.push(child)
        this.wholeTable(child, undefined)
      }
    }
  }

  triggers(table: Table, event: WriteEvent): void {
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

  /** What an INSERT or UPDATE of the table calls besides triggers: defaults, constraints, domains, indexes. */
  defaults(table: Table): void {
    this.#unseen(table.writeCalls, `a default, constraint or index of ${table.id}`)
  }

  /** What the policies of a table, or the definition of a view, call for whatever is done with it. */
  named(table: Table): void {
    this.#unseen(table.readCalls, `${table.policies.length > 0 ? 'a policy of' : table.kind} ${table.id}`)
  }

  #unseen(oids: readonly number[], where: string): void {
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
    for (const fn of this.#catalog.functions.get(name) ?? []) {
      if (schema === undefined || fn.schema === schema) this.function(fn, `function ${fn.schema}.${fn.name}()`)
    }
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
    for (const relation of body.writes) {
      const tables = [...this.#catalog.tables.values()].filter(
        (table) => table.name === relation.name && (relation.schema === undefined || table.schema === relation.schema),
      )
      if (tables.length === 0) this.everything(`${where} writes to ${relation.name}, which is not known`)
      for (const table of tables) {
        this.wholeTable(table, `${where} writes to ${table.id}`)
        if (relation.truncates) this.truncate(table, true)
      }
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

/** Whether a foreign key's action changes the referencing rows. */
export function acts(action: Reference['onDelete']): boolean {
  return action === 'cascade' || action === 'set null' || action === 'set default'
}
