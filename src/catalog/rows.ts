/** What `statements.ts` asks for, line by line. Oids fit a number; every list is in the order of oids. */
export interface CatalogRows {
  readonly relations: readonly RelationLine[]
  readonly columns: readonly ColumnLine[]
  readonly generated: readonly (readonly [table: number, position: number, from: number])[]
  readonly calls: readonly (readonly [table: number, functionOid: number, when: 'read' | 'write'])[]
  readonly domainCalls: readonly (readonly [type: number, functionOid: number])[]
  readonly keys: readonly KeyLine[]
  readonly foreignKeys: readonly ForeignKeyLine[]
  readonly triggers: readonly (readonly [table: number, name: string, type: number, functionOid: number])[]
  readonly policies: readonly PolicyLine[]
  readonly inherits: readonly (readonly [child: number, parent: number])[]
  readonly views: readonly ViewLine[]
  readonly functions: readonly FunctionLine[]
  readonly operators: readonly OperatorLine[]
  readonly casts: readonly CastLine[]
  readonly types: readonly TypeLine[]
  readonly eventTriggers: readonly (readonly [name: string, event: string])[]
  readonly systemRelations: readonly (readonly [schema: string, name: string])[]
}

export type RelationLine = readonly [
  oid: number,
  schema: string,
  name: string,
  kind: 'r' | 'p' | 'v' | 'm' | 'f' | 'S',
  temporary: boolean,
  rowSecurity: boolean,
  rules: boolean,
]

export type ColumnLine = readonly [
  table: number,
  name: string,
  position: number,
  typeOid: number,
  typeName: string,
  typname: string,
  typeSchema: string,
  typeKind: string,
  typeModifier: number,
  collationOid: number,
  deterministic: boolean,
  notNull: boolean,
  generated: '' | 's' | 'v',
  identity: '' | 'a' | 'd',
]

export type KeyLine = readonly [
  table: number,
  primary: boolean,
  /** Columns of INCLUDE come last. */
  positions: readonly number[],
  compared: number,
  nullsNotDistinct: boolean,
]

export type ActionLetter = 'a' | 'r' | 'c' | 'n' | 'd'

export type ForeignKeyLine = readonly [
  child: number,
  parent: number,
  childPositions: readonly number[],
  parentPositions: readonly number[],
  onDelete: ActionLetter,
  onUpdate: ActionLetter,
  setPositions: readonly number[] | null,
]

export type PolicyLine = readonly [
  table: number,
  name: string,
  command: '*' | 'r' | 'a' | 'w' | 'd',
  using: string,
  check: string,
]

export type ViewLine = readonly [
  view: number,
  definition: string,
  /** The kinds of nodes in its tree. */
  nodes: readonly string[] | null,
  reads: readonly number[] | null,
  /** Every function in it is built in and immutable. */
  immutable: boolean,
]

export type VolatilityLetter = 'i' | 's' | 'v'

export type FunctionLine = readonly [
  oid: number,
  schema: string,
  name: string,
  kind: 'f' | 'p' | 'a' | 'w',
  language: string,
  volatility: VolatilityLetter,
  source: string,
  /** What an aggregate is made of. */
  parts: readonly (readonly [schema: string, name: string, volatility: VolatilityLetter])[] | null,
]

/** `polymorphic`: a side is a pseudo-type, such as anyelement. A side that is missing is 0. */
export type OperatorLine = readonly [
  name: string,
  immutable: boolean,
  left: number,
  right: number,
  polymorphic: boolean,
  functionOid: number,
]

export type CastLine = readonly [
  source: number,
  target: number,
  context: 'i' | 'a' | 'e',
  targetTypname: string,
  sourceName: string,
  targetName: string,
  immutable: boolean,
  /** 0 for a cast without a function. */
  functionOid: number,
]

export type TypeLine = readonly [
  oid: number,
  schema: string,
  name: string,
  kind: string,
  base: number,
  labels: readonly string[] | null,
  /** Of an array: the type of its elements; else 0. */
  element: number,
]
