import type { Catalog, Table } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { OwnFunction, RelationName } from '../sql/statement.js'
import { walk } from '../sql/walk.js'
import { CalledFunctions, type Declarations } from './called-functions.js'
import { acts, cascadesOf, type FollowUp, type RowOperation } from './cascades.js'
import { viewStatement } from './definitions.js'
import type { BodyWrite } from './function-body.js'
import { type RowWrite, unseenWrite } from './row-write.js'
import { changedWith, isFollowed, membersOf } from './trees.js'

type WriteEvent = RowOperation | 'truncate'

/** Collects what a statement changes beyond its own rows: triggers, cascades, functions. */
export class Effects extends CalledFunctions implements FollowUp {
  /** Tables of which any row may change. */
  readonly tables = new Set<string>()
  /** Writes of rows that are not seen: those of CTEs, of functions, of statements inside others. */
  readonly unseen: RowWrite[] = []
  /** Anything in the database may change. */
  database = false
  catalog = false
  /** Why it is coarser than rows. */
  readonly reasons = new Set<string>()
  readonly #searchPath: readonly string[]
  readonly #views = new Set<Table>()
  readonly #whole = new Set<Table>()
  readonly #followed = new Set<string>()
  readonly #unknown = new Set<string>()

  /** @param own - functions of the session's own that are known */
  constructor(
    catalog: Catalog,
    searchPath: readonly string[],
    declared: Declarations,
    own: ReadonlyMap<string, OwnFunction>,
  ) {
    super(catalog, declared, own)
    this.#searchPath = searchPath
  }

  /** Nothing is known of what it writes. */
  everything(reason: string, catalog = false): void {
    this.database = true
    this.catalog ||= catalog
    this.opaque = true
    this.reasons.add(reason)
  }

  resolve(relation: RelationName): Table | undefined {
    const table = resolveRelation(this.definitions, relation, this.#searchPath)
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
    const table = resolveRelation(this.definitions, relation, this.#searchPath)
    if (table && table !== 'system') this.view(table)
  }

  protected view(table: Table): void {
    if (this.#views.has(table)) return
    this.#views.add(table)
    this.#named(table)
    if (table.kind === 'view' && !table.pure) this.#definition(table)
    for (const oid of table.viewReads) {
      const inner = this.definitions.tables.get(oid)
      if (inner) this.view(inner)
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
    return membersOf(this.definitions, table)
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
      if (event !== 'delete') this.unseenCalls(member.writeCalls, `a default, constraint or index of ${member.id}`)
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
    this.unseenCalls(table.writeCalls, `a default, constraint or index of ${table.id}`)
    this.#named(table)
    for (const reference of table.references) {
      if (acts(reference.onDelete) || acts(reference.onUpdate)) this.wholeTable(reference.child, undefined)
    }
    if (table.kind === 'view' || table.kind === 'materialized view') {
      this.view(table)
      for (const oid of table.viewReads) {
        const base = this.definitions.tables.get(oid)
        if (base) this.wholeTable(base, `${table.id} is a ${table.kind}`)
      }
    }
    for (const member of this.members(table)) this.wholeTable(member, undefined)
    // A tree whose rows cannot be followed: whoever has relatives may be one of it.
    if (table.stampId === undefined && table.inherits) {
      for (const other of this.definitions.tables.values()) if (other.inherits) this.wholeTable(other, undefined)
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
      const declared = this.declared.triggers[trigger.name] ?? this.declared.triggers[`${table.id}.${trigger.name}`]
      if (declared) {
        this.declaredTables(declared.writes, `trigger ${trigger.name}`)
        continue
      }
      const fn = this.definitions.functionByOid.get(trigger.functionOid)
      // A trigger function of pg_catalog (suppress_redundant_updates_trigger, tsvector_update_trigger) writes no table.
      if (fn) this.function(fn, `trigger ${trigger.name} on ${table.id}`)
    }
  }

  /** What the policies of a table, or the definition of a view, call for whatever is done with it. */
  #named(table: Table): void {
    this.unseenCalls(table.readCalls, `${table.policies.length > 0 ? 'a policy of' : table.kind} ${table.id}`)
  }

  protected writes({ relation, operation, columns }: BodyWrite, where: string): void {
    const tables = [...this.definitions.tables.values()].filter(
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

  protected declaredTables(names: readonly string[], where: string): void {
    for (const name of names) {
      const dot = name.indexOf('.')
      const relation = dot < 0 ? { name } : { schema: name.slice(0, dot), name: name.slice(dot + 1) }
      const table = resolveRelation(this.definitions, relation, this.#searchPath)
      if (table && table !== 'system') this.wholeTable(table, `${where} writes to ${table.id}`)
      else this.everything(`${where} is declared to write to ${name}, which is not known`)
    }
  }
}
