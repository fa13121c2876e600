/**
 * What the database says of its tables, as one immutable snapshot. `load.ts` reads it over the `Query` port.
 */

/** Types whose equality can be mirrored exactly (S3); everything else is `'other'`. */
export type KeyType = 'integer' | 'boolean' | 'uuid' | 'enum' | 'text' | 'other'

export interface Column {
  readonly name: string
  /** `pg_attribute.attnum`. */
  readonly position: number
  readonly typeOid: number
  /** `format_type` without modifiers, e.g. `character varying`; a type outside pg_catalog is always `schema.name`. */
  readonly typeName: string
  /** `pg_type.typname` and its schema: `int4`, `varchar`, as a parsed cast names them. */
  readonly typname: string
  readonly typeSchema: string
  /** `pg_attribute.atttypmod`; -1 for none. */
  readonly typeModifier: number
  /** 0 for types without a collation. */
  readonly collationOid: number
  readonly keyType: KeyType
  readonly notNull: boolean
  /** Columns that a generated column's expression reads; empty for an ordinary column. */
  readonly generatedFrom: readonly string[]
  readonly generated: boolean
  readonly identity: boolean
}

/** A primary or unique key: not partial, not over expressions, valid and immediate. */
export interface UniqueKey {
  readonly columns: readonly string[]
  readonly primary: boolean
  /** Whether NULLs can repeat (no NULLS NOT DISTINCT and a nullable column). */
  readonly nullable: boolean
}

export type ForeignKeyAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default'

/** Seen from the referenced (parent) table. */
export interface Reference {
  readonly child: Table
  readonly childColumns: readonly string[]
  readonly parentColumns: readonly string[]
  readonly onDelete: ForeignKeyAction
  readonly onUpdate: ForeignKeyAction
  /** The columns of ON DELETE SET NULL (a, b) or SET DEFAULT (a, b); all child columns where the key does not say. */
  readonly setColumns: readonly string[]
}

export interface Trigger {
  readonly name: string
  readonly timing: 'before' | 'after' | 'instead of'
  readonly level: 'row' | 'statement'
  readonly events: readonly ('insert' | 'update' | 'delete' | 'truncate')[]
  /** A function that is built in, e.g. `tsvector_update_trigger`, is not in `Catalog.functionByOid`. */
  readonly functionOid: number
}

/** A policy of row-level security (A6). */
export interface RowPolicy {
  readonly name: string
  readonly command: 'all' | 'select' | 'insert' | 'update' | 'delete'
  /** The expression of USING: the table's columns by name, every other name that is not of pg_catalog qualified. Empty for none. */
  readonly using: string
  /** The expression of WITH CHECK. Empty for none. */
  readonly check: string
}

export interface Table {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** `schema.name`, the name in stamp keys and events; a part that holds a dot or a quote stands in quotes. */
  readonly id: string
  /** `other` is a sequence. */
  readonly kind: 'table' | 'view' | 'materialized view' | 'foreign table' | 'partitioned table' | 'other'
  readonly temporary: boolean
  readonly columns: readonly Column[]
  readonly column: ReadonlyMap<string, Column>
  readonly keys: readonly UniqueKey[]
  /** Foreign keys of other tables (or its own) that point here. Filled for every child, whatever its schema. */
  readonly references: readonly Reference[]
  /** User triggers, whether enabled or not; those of foreign keys are left out. */
  readonly triggers: readonly Trigger[]
  /** It has rewrite rules other than a view's own. */
  readonly rules: boolean
  /** It inherits or is inherited from, or is a partition. */
  readonly inherits: boolean
  /** The oids of the tables that it directly inherits from, or is a partition of, and of those that inherit from it. */
  readonly parents: readonly number[]
  readonly children: readonly number[]
  /**
   * B8: the id by which stamps, schemes and changes know its rows: the root's for every member of a tree of partitions or of
   * inheritance, whatever name a statement uses for it (columns have the same names and types in all of them), else its
   * own. `undefined` where its rows cannot be followed so: a tree that has several roots or a foreign table in it, a
   * view, a foreign table, a sequence, a temporary table.
   */
  readonly stampId: string | undefined
  readonly rowSecurity: boolean
  /** A6: all there are, for whatever role. They count where `rowSecurity` is true. */
  readonly policies: readonly RowPolicy[]
  /**
   * The oids of the user functions that an INSERT or UPDATE of it may call unseen: of defaults, generated columns, CHECK and
   * exclusion constraints, domains, indexes, partition keys, and casts on assignment, those of all members of its tree
   * included. Triggers and policies are not among them. Of a materialized view: those that REFRESH may call.
   */
  readonly writeCalls: readonly number[]
  /**
   * The oids of the user functions that whoever names it may call unseen: of its policies, or of its definition if it is a
   * view. Not of what a view reads in its turn.
   */
  readonly readCalls: readonly number[]
  /**
   * For a view: the oids of the relations that its definition reads, to any depth, views on the way included. Empty
   * for others: a materialized view depends on itself (A16). An oid that `Catalog.tables` does not have is a system relation.
   */
  readonly viewReads: readonly number[]
  /** For a view: its SELECT, every name that is not of pg_catalog qualified. Empty for others. */
  readonly definition: string
  /**
   * For a view: its answer depends on the rows of `viewReads` alone, as every function in it, and in the views that it
   * reads, is built in and immutable (A10). True for others.
   */
  readonly pure: boolean
}

export interface UserFunction {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window'
  readonly language: string
  /** Of an aggregate: the worst of the functions that it is made of. */
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  /** The body, where the language keeps one. An aggregate is shown as SQL that calls what it is made of. */
  readonly source: string
}

export interface Catalog {
  /** The identity of the data: SOUNDNESS A4. */
  readonly database: string
  /** A hash of everything below: equal catalogs have equal versions. Part of an entry's key. */
  readonly version: string
  /** e.g. 150020. */
  readonly serverVersion: number
  readonly tables: ReadonlyMap<number, Table>
  /** By `Table.id`. */
  readonly byId: ReadonlyMap<string, Table>
  /** User functions by name; overloads side by side. */
  readonly functions: ReadonlyMap<string, readonly UserFunction[]>
  readonly functionByOid: ReadonlyMap<number, UserFunction>
  /** Names of operators that were not there at initdb, and whether each is backed by immutable functions only. */
  readonly userOperators: ReadonlyMap<string, { readonly immutable: boolean }>
  /**
   * Oids of types for which `column = constant` need not be the built-in equality: a user-defined `=` exists on either side,
   * or user-defined implicit casts can lead to another one. `Column.keyType` is `'other'` for these.
   */
  readonly overloadedTypes: ReadonlySet<number>
  /** Names of user-defined types (enums, domains, composites, rows of tables, ranges), for casts. */
  readonly userTypes: ReadonlySet<string>
  /** The oids of the user functions that an operator may call, by its bare name: a statement names only the operator. */
  readonly operatorCalls: ReadonlyMap<string, readonly number[]>
  /** The oids of the user functions that a cast may call, by the `typname` of its target; a domain's checks are among them. */
  readonly castCalls: ReadonlyMap<string, readonly number[]>
  /** The oids of the user functions of implicit casts: any expression may call them. */
  readonly implicitCalls: readonly number[]
  /** `typname`s of types to which a user-defined cast leads that is not known to be immutable, for casts (A10). */
  readonly userCasts: ReadonlySet<string>
  /**
   * Settings of the user's own, such as `app.tenant`, that views, policies or functions read by name; in lower case, sorted.
   * Their values are part of a session's fingerprint (S8).
   */
  readonly customSettings: readonly string[]
  /** Names of the relations of pg_catalog, and `information_schema.name`. */
  readonly systemRelations: ReadonlySet<string>
  /**
   * Event triggers (they run for DDL, from 17 also for logins), or an implicit cast that calls a function that is not
   * immutable: anything by which a statement may write without naming it. The reason, else undefined.
   */
  readonly opaque: string | undefined
}
