/**
 * The statement model: what a dialect's front-end makes of one SQL statement. It knows names as they stand in the text
 * (folded as the database folds them), nothing of a catalog: `*` and bare columns stay unresolved.
 */

/** A relation as the text names it. */
export interface RelationName {
  readonly schema?: string
  readonly name: string
}

/** A function as the text names it. */
export interface FunctionName {
  readonly schema?: string
  readonly name: string
}

/**
 * A literal that was lifted out of the text (SOUNDNESS A24). `slot` counts the lifted literals of a statement from 0;
 * its value belongs to the call, not to the statement.
 */
export interface LiteralExpr {
  readonly kind: 'literal'
  readonly slot: number
  /** `true` where the text has a minus sign before the literal, as in `-5`. */
  readonly negated: boolean
}

/** A constant that every text of this template shares: `NULL`, `TRUE`, `FALSE`, or a literal that was not lifted. */
export interface ConstantExpr {
  readonly kind: 'constant'
  readonly value: string | boolean | null
  /** What kind of literal it was. `null` for NULL. */
  readonly literal: 'integer' | 'float' | 'string' | 'boolean' | 'bitstring' | 'null'
}

/** `$1` has index 0. */
export interface ParamExpr {
  readonly kind: 'param'
  readonly index: number
}

/** `a`, `t.a`, `s.t.a`, `t.*`, `*`. A trailing star is not in `path`. */
export interface ColumnExpr {
  readonly kind: 'column'
  readonly path: readonly string[]
  readonly star: boolean
}

export interface AndExpr {
  readonly kind: 'and'
  readonly args: readonly Expr[]
}
export interface OrExpr {
  readonly kind: 'or'
  readonly args: readonly Expr[]
}
export interface NotExpr {
  readonly kind: 'not'
  readonly arg: Expr
}

/** `left = right` with an unqualified operator (or `OPERATOR(pg_catalog.=)`). */
export interface EqualsExpr {
  readonly kind: 'equals'
  readonly left: Expr
  readonly right: Expr
}

/** `arg IN (items)`; NOT IN is a `not` around it. Only where the list is of expressions, not a subquery. */
export interface InExpr {
  readonly kind: 'in'
  readonly arg: Expr
  readonly items: readonly Expr[]
}

/** `arg = ANY (array)`. */
export interface EqualsAnyExpr {
  readonly kind: 'equals-any'
  readonly arg: Expr
  readonly array: Expr
}

/** `left IS NOT DISTINCT FROM right`, which two NULLs meet; IS DISTINCT FROM is a `not` around it. */
export interface NotDistinctExpr {
  readonly kind: 'not-distinct'
  readonly left: Expr
  readonly right: Expr
}

/** `arg IS TRUE`, `arg IS FALSE`, never NULL itself; IS NOT TRUE is a `not` around it. IS UNKNOWN is IS NULL. */
export interface IsTruthExpr {
  readonly kind: 'is-truth'
  readonly arg: Expr
  readonly truth: boolean
}

/** `arg IS NULL`; IS NOT NULL is a `not` around it (true for a bare column, the only place where it is read). */
export interface IsNullExpr {
  readonly kind: 'is-null'
  readonly arg: Expr
}

/**
 * A subquery in an expression. `test` is the left side of `x IN (SELECT …)`, `x = ANY (SELECT …)`, `x < ALL (SELECT …)`;
 * absent for EXISTS, scalar and ARRAY subqueries.
 */
export interface SubqueryExpr {
  readonly kind: 'subquery'
  readonly form: 'exists' | 'scalar' | 'array' | 'any' | 'all'
  readonly test?: Expr
  readonly operator?: string
  readonly query: Query
}

/** A function call. `name` is folded; `schema` only where the text has one. */
export interface CallExpr {
  readonly kind: 'call'
  readonly schema?: string
  readonly name: string
  /** Everything that is evaluated for the call: arguments, FILTER, ORDER BY, the window's expressions. */
  readonly args: readonly Expr[]
  /** `count(*)`. */
  readonly star: boolean
  /** It has an OVER clause. */
  readonly window: boolean
}

/** `(arg).name`: a field of a row, or a function that is called with it. */
export interface FieldExpr {
  readonly kind: 'field'
  readonly arg: Expr
  readonly name: string
}

/** `arg::type`. `type` is the folded name without its modifiers; `pg_catalog.` is taken off. */
export interface CastExpr {
  readonly kind: 'cast'
  readonly arg: Expr
  readonly schema?: string
  readonly type: string
  readonly array: boolean
  /** It carries modifiers, as `varchar(3)` does. */
  readonly modified: boolean
}

/** CURRENT_DATE, CURRENT_USER and their like: never pure. */
export interface EnvironmentExpr {
  readonly kind: 'environment'
  readonly name: string
}

/**
 * Any other expression whose value is a function of its operands: operators, CASE, COALESCE, row constructors, COLLATE,
 * LIKE. `operators` are the names of the operators that it applies, qualified ones as `schema.name`.
 */
export interface OperationExpr {
  readonly kind: 'operation'
  readonly operators: readonly string[]
  readonly args: readonly Expr[]
}

export type Expr =
  | LiteralExpr
  | ConstantExpr
  | ParamExpr
  | ColumnExpr
  | AndExpr
  | OrExpr
  | NotExpr
  | EqualsExpr
  | InExpr
  | EqualsAnyExpr
  | NotDistinctExpr
  | IsTruthExpr
  | IsNullExpr
  | SubqueryExpr
  | CallExpr
  | FieldExpr
  | CastExpr
  | EnvironmentExpr
  | OperationExpr

/** One output column: `alias` as written, absent where the database would name it. */
export interface Target {
  readonly expr: Expr
  readonly alias?: string
}

export interface TableSource {
  readonly kind: 'table'
  readonly relation: RelationName
  readonly alias?: string
  /** `AS t(a, b)` renames columns. */
  readonly columnAliases: readonly string[]
  /** `ONLY t`. */
  readonly only: boolean
}

export interface DerivedSource {
  readonly kind: 'derived'
  readonly query: Query
  readonly alias?: string
  readonly columnAliases: readonly string[]
  readonly lateral: boolean
}

/** A column that a function in FROM gives by the text's definition; `value` says what it is converted to, as a cast. */
export interface FunctionColumn {
  readonly name: string
  readonly value?: Expr
}

/** Functions in FROM; they see what stands before them. More than one are a ROWS FROM. */
export interface FunctionSource {
  readonly kind: 'function'
  readonly calls: readonly Expr[]
  /** The columns, where the text defines them. */
  readonly columns: readonly FunctionColumn[]
  readonly alias?: string
  readonly columnAliases: readonly string[]
  /** WITH ORDINALITY: one more column, the last. */
  readonly ordinality: boolean
}

/** CROSS JOIN has neither `on` nor `using`. */
export interface JoinSource {
  readonly kind: 'join'
  readonly join: 'inner' | 'left' | 'right' | 'full'
  readonly left: Source
  readonly right: Source
  readonly on?: Expr
  /** The columns of USING, each of which comes out once; of NATURAL all that both sides have. */
  readonly using?: readonly string[] | 'natural'
  /** `USING (…) AS x`. */
  readonly usingAlias?: string
}

export type Source = TableSource | DerivedSource | FunctionSource | JoinSource

export interface CommonTable {
  readonly name: string
  /** Of a WITH RECURSIVE: it sees itself, and all others of its WITH. */
  readonly recursive: boolean
  readonly columnAliases: readonly string[]
  readonly body: CommonTableBody
}
/** A CTE reads, or writes with an optional RETURNING. */
export type CommonTableBody =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'write'; readonly write: Write }

/** A SELECT, a set operation or VALUES, with what stands around it. */
export interface Query {
  readonly ctes: readonly CommonTable[]
  readonly body: QueryBody
  readonly orderBy: readonly Expr[]
  readonly limit?: Expr
  /** FETCH FIRST … WITH TIES: more rows than `limit` may come. */
  readonly ties: boolean
  readonly offset?: Expr
}

export interface SelectBody {
  readonly kind: 'select'
  /** Comma-separated items; each may be a join tree. */
  readonly from: readonly Source[]
  readonly where?: Expr
  readonly targets: readonly Target[]
  /** Those of GROUPING SETS, ROLLUP and CUBE among them. */
  readonly groupBy: readonly Expr[]
  readonly having?: Expr
  /** `'on'` is DISTINCT ON; its expressions are in `distinctOn`. */
  readonly distinct: 'none' | 'all' | 'on'
  readonly distinctOn: readonly Expr[]
  /** Expressions of a WINDOW clause. */
  readonly windows: readonly Expr[]
}

export interface SetOperationBody {
  readonly kind: 'set-operation'
  readonly operator: 'union' | 'intersect' | 'except'
  readonly all: boolean
  readonly left: Query
  readonly right: Query
}

export interface ValuesBody {
  readonly kind: 'values'
  readonly rows: readonly (readonly Expr[])[]
  /** How many more rows there are, each of the form of one of `rows`: only its literals and parameters are others. */
  readonly unlisted: number
}

export type QueryBody = SelectBody | SetOperationBody | ValuesBody

export interface Assignment {
  readonly column: string
  /** Absent for DEFAULT. For `(a, b) = (SELECT …)` each column carries the same subquery. */
  readonly value?: Expr
}

export interface InsertWrite {
  readonly kind: 'insert'
  readonly ctes: readonly CommonTable[]
  readonly relation: RelationName
  readonly alias?: string
  /** Empty where the text lists none. */
  readonly columns: readonly string[]
  /** `undefined` for DEFAULT VALUES. */
  readonly source?: Query
  readonly onConflict: 'none' | 'nothing' | 'update'
  /** Of ON CONFLICT DO UPDATE. */
  readonly assignments: readonly Assignment[]
  readonly conflictWhere?: Expr
  readonly returning: readonly Target[]
}

export interface UpdateWrite {
  readonly kind: 'update'
  readonly ctes: readonly CommonTable[]
  readonly relation: RelationName
  readonly alias?: string
  readonly only: boolean
  readonly assignments: readonly Assignment[]
  readonly from: readonly Source[]
  readonly where?: Expr
  readonly returning: readonly Target[]
}

export interface DeleteWrite {
  readonly kind: 'delete'
  readonly ctes: readonly CommonTable[]
  readonly relation: RelationName
  readonly alias?: string
  readonly only: boolean
  readonly using: readonly Source[]
  readonly where?: Expr
  readonly returning: readonly Target[]
}

export type Write = InsertWrite | UpdateWrite | DeleteWrite

export type TransactionVerb =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback-to'
  | 'prepare'
  | 'commit-prepared'
  | 'rollback-prepared'

/** A query, VALUES or TABLE. A CTE of it, at any depth, may write. Locking clauses at any depth make `locks` true. */
export interface SelectStatement {
  readonly kind: 'select'
  readonly query: Query
  readonly locks: boolean
}

export interface WriteStatement {
  readonly kind: 'write'
  readonly write: Write
}

export interface TransactionStatement {
  readonly kind: 'transaction'
  readonly verb: TransactionVerb
  readonly savepoint?: string
  /** Of BEGIN and START TRANSACTION, as PostgreSQL spells it; absent where the text does not say. */
  readonly isolation?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'
  /** COMMIT AND CHAIN, ROLLBACK AND CHAIN. */
  readonly chain: boolean
}

/**
 * SET, RESET, DISCARD and their like: the session's settings may differ afterwards. `transaction` is true for SET
 * TRANSACTION and for SET LOCAL.
 */
export interface SettingStatement {
  readonly kind: 'setting'
  readonly name?: string
  readonly local: boolean
  /** Of SET TRANSACTION ISOLATION LEVEL and SET SESSION CHARACTERISTICS. */
  readonly isolation?: TransactionStatement['isolation']
  /** DISCARD ALL, RESET ALL, DISCARD TEMP, …: more than one setting. */
  readonly many: boolean
}

/** LOCK TABLE. */
export interface LockStatement {
  readonly kind: 'lock'
}

/** PREPARE name AS statement: nothing happens yet. The statement's parameters are its own, and get their values from EXECUTE. */
export interface PrepareStatement {
  readonly kind: 'prepare'
  readonly name: string
  readonly statement: Statement
}

/** EXECUTE name: only the session knows what the name stands for. */
export interface ExecuteStatement {
  readonly kind: 'execute'
  readonly name: string
  /** Functions that its arguments call. */
  readonly calls: readonly FunctionName[]
}

/** DEALLOCATE name; without one it is ALL. */
export interface DeallocateStatement {
  readonly kind: 'deallocate'
  readonly name?: string
}

/** It changes no row, no setting and no table: SHOW, LISTEN, NOTIFY, ANALYZE, VACUUM, CHECKPOINT, EXPLAIN without ANALYZE, CLOSE, FETCH, … */
export interface HarmlessStatement {
  readonly kind: 'harmless'
  readonly command: string
}

/** What WHEN MATCHED and its like do. */
export interface MergeAction {
  readonly operation: 'insert' | 'update' | 'delete'
  /** Columns that an UPDATE sets. */
  readonly columns: readonly string[]
}

/** TRUNCATE, MERGE, COPY … FROM: the tables are known, the rows are not. `cascade` follows foreign keys. */
export interface TableWriteStatement {
  readonly kind: 'table-write'
  readonly command: 'truncate' | 'merge' | 'copy-from' | 'refresh'
  readonly relations: readonly RelationName[]
  readonly cascade: boolean
  /** Functions that it calls by name (MERGE, COPY … WHERE). */
  readonly calls?: readonly FunctionName[]
  /** Of MERGE: the relations that it names, its target among them. */
  readonly reads?: readonly RelationName[]
  /** Of MERGE, where nothing but its own actions writes. */
  readonly actions?: readonly MergeAction[]
}

/** The text of a function, or of a DO block, as the database keeps it. */
export interface ProgramCode {
  readonly language: string
  readonly source: string
}

/** A function in the session's temporary schema. Without `code` what it runs is not known. */
export interface OwnFunction {
  readonly name: string
  readonly code?: ProgramCode
}

/** CREATE, ALTER, DROP, GRANT, …: the catalog may differ afterwards (SOUNDNESS A7). */
export interface DefinitionStatement {
  readonly kind: 'definition'
  readonly command: string
  /** It makes or drops something temporary. */
  readonly temporary: boolean
  /** CREATE TABLE AS, CREATE MATERIALIZED VIEW, SELECT INTO: what it runs to fill the new table. */
  readonly runs?: Statement
  /** It creates or drops a function of the session's own, and nothing besides. */
  readonly own?: OwnFunction | 'dropped'
  /** COMMENT, CREATE INDEX over columns: no answer and no write depends on it; it may take locks. */
  readonly inert?: true
}

/**
 * What is not understood. `writes` false only where the text provably cannot change a row (S1): it is a SELECT without
 * writing CTEs that merely has a form that the front-end does not know. A read's functions may still write, and are
 * listed in `calls`, `undefined` where they could not be listed.
 */
export interface OpaqueStatement {
  readonly kind: 'opaque'
  readonly reason: string
  readonly writes: boolean
  readonly calls?: readonly FunctionName[]
  /** Tables that it names, as far as they could be read; for display only. */
  readonly relations: readonly RelationName[]
  /** SELECT … FOR UPDATE and its like inside. */
  readonly locks: boolean
  /** DO: what it runs. CALL runs the functions in `calls`. Nothing besides; either may commit. */
  readonly code?: ProgramCode | 'calls'
  /**
   * EXPLAIN ANALYZE, COPY (query) TO, DECLARE CURSOR: the statement that it runs, and nothing besides. Its rows do not come
   * back as its own.
   */
  readonly runs?: Statement
}

export interface EmptyStatement {
  readonly kind: 'empty'
}

export type Statement =
  | SelectStatement
  | WriteStatement
  | TransactionStatement
  | SettingStatement
  | LockStatement
  | PrepareStatement
  | ExecuteStatement
  | DeallocateStatement
  | HarmlessStatement
  | TableWriteStatement
  | DefinitionStatement
  | OpaqueStatement
  | EmptyStatement
