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
  /** `format_type` without modifiers, e.g. `character varying`. */
  readonly typeName: string
  /** 0 for types without a collation. */
  readonly collationOid: number
  readonly keyType: KeyType
  readonly notNull: boolean
  /** Columns that a generated column's expression reads; empty for an ordinary column. */
  readonly generatedFrom: readonly string[]
  readonly generated: boolean
  /** The function oids that its default calls, as far as they are not built in. */
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
  /** The columns of SET NULL (a, b) or SET DEFAULT (a, b); all child columns where the key does not say. */
  readonly setColumns: readonly string[]
}

export interface Trigger {
  readonly name: string
  readonly timing: 'before' | 'after' | 'instead of'
  readonly level: 'row' | 'statement'
  readonly events: readonly ('insert' | 'update' | 'delete' | 'truncate')[]
  readonly functionOid: number
}

export interface Table {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** `schema.name`, the name in stamp keys and events. */
  readonly id: string
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
  readonly rowSecurity: boolean
  /** Roles that may SELECT all its columns are asked per role, see `Catalog.readableBy`. */
  readonly userDefaults: readonly number[]
  /** For a view: the oids of the relations that its definition reads, to any depth. Empty for others. */
  readonly viewReads: readonly number[]
}

export interface UserFunction {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly language: string
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  /** The body, where the language keeps one. */
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
  /** By `schema.name`. */
  readonly byId: ReadonlyMap<string, Table>
  /** User functions by name; overloads side by side. */
  readonly functions: ReadonlyMap<string, readonly UserFunction[]>
  readonly functionByOid: ReadonlyMap<number, UserFunction>
  /** Names of operators that were not there at initdb, and whether each is backed by immutable functions only. */
  readonly userOperators: ReadonlyMap<string, { readonly immutable: boolean }>
  /** Oids of base types for which a user-defined `=` exists on either side, and of types with user-defined casts. */
  readonly overloadedTypes: ReadonlySet<number>
  /** Names of user-defined types (enums, domains, composites, ranges), for casts. */
  readonly userTypes: ReadonlySet<string>
  /** Event triggers, or anything else by which any statement may write: the reason, else undefined. */
  readonly opaque: string | undefined
}
