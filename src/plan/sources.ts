import type { Catalog, Table } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type {
  DerivedSource,
  FunctionSource,
  JoinSource,
  Query,
  RelationName,
  Source,
  TableSource,
} from '../sql/statement.js'
import { Bypass } from './bypass.js'
import { DEFINITION_PATH, viewQuery } from './definitions.js'
import { functionColumns } from './function-columns.js'
import { type Merge, merge } from './merged.js'
import { outputNames } from './output-names.js'
import { type DerivedOccurrence, type Item, type Occurrence, occurrenceOf } from './scope.js'

/** The CTEs that a name can mean. */
export interface CteScope {
  readonly name: string
  readonly columns: readonly string[] | undefined
  readonly outer: CteScope | undefined
}

/** A source with its names resolved. */
export type SourceNode =
  | { readonly kind: 'table'; readonly item: Occurrence }
  | {
      readonly kind: 'derived'
      readonly item: DerivedOccurrence
      readonly query: Query
      /** The CTEs that the query's names can mean. */
      readonly ctes: CteScope | undefined
      /** What a lateral query sees of its FROM clause: what stands before it. */
      readonly before: readonly Item[] | undefined
      /** The query is a view's: it sees nothing of the statement that names it. */
      readonly view: boolean
    }
  | { readonly kind: 'cte'; readonly item: DerivedOccurrence }
  | {
      readonly kind: 'function'
      readonly item: DerivedOccurrence
      readonly source: FunctionSource
      readonly before: readonly Item[]
    }
  | JoinNode

export interface JoinNode {
  readonly kind: 'join'
  readonly source: JoinSource
  readonly left: SourceNode
  readonly right: SourceNode
  /** Of USING and NATURAL. */
  readonly merge: Merge | undefined
}

/** Finds what the items of FROM clauses mean. */
export class SourceResolver {
  /** Every table that was found, in the order of the text. */
  readonly tables: Table[] = []
  readonly #catalog: Catalog
  #searchPath: readonly string[]

  constructor(catalog: Catalog, searchPath: readonly string[]) {
    this.#catalog = catalog
    this.#searchPath = searchPath
  }

  /** Puts the names that the source brings into `items`, which hold those that stand before it. */
  resolve(source: Source, items: Item[], ctes: CteScope | undefined): SourceNode {
    switch (source.kind) {
      case 'table':
        return this.#named(source, items, ctes)
      case 'derived':
        return derived(source, items, ctes)
      case 'function':
        return this.#function(source, items)
      case 'join': {
        const left = this.resolve(source.left, items, ctes)
        const right = this.resolve(source.right, items, ctes)
        const merged = merge(source, itemsOf(left), itemsOf(right))
        if (merged) items.push(merged.item)
        return { kind: 'join', source, left, right, merge: merged }
      }
    }
  }

  #named(source: TableSource, items: Item[], ctes: CteScope | undefined): SourceNode {
    const { relation, columnAliases } = source
    const cte = relation.schema === undefined ? findCte(relation.name, ctes) : undefined
    if (cte) {
      const alias = source.alias ?? relation.name
      const item: DerivedOccurrence = { kind: 'derived', alias, columns: renamed(cte.columns, columnAliases) }
      items.push(item)
      return { kind: 'cte', item }
    }
    const table = this.#table(relation)
    if (table.kind === 'view') return view(table, source, items)
    const item = occurrenceOf(table, source.alias, columnAliases)
    items.push(item)
    return { kind: 'table', item }
  }

  #function(source: FunctionSource, items: Item[]): SourceNode {
    const [call] = source.calls
    const columns = functionColumns(source, (type) => !this.#catalog.userTypes.has(type))
    const alias = source.alias ?? (call?.kind === 'call' ? call.name : '')
    const item: DerivedOccurrence = { kind: 'derived', alias, columns: renamed(columns, source.columnAliases) }
    const before = [...items]
    items.push(item)
    return { kind: 'function', item, source, before }
  }

  /** Reads a definition of the catalog's: its bare names are not looked up in the session's search path. */
  inDefinition(read: () => void): void {
    const path = this.#searchPath
    this.#searchPath = DEFINITION_PATH
    try {
      read()
    } finally {
      this.#searchPath = path
    }
  }

  /** @throws Bypass where the relation is not a table whose every row can be followed */
  #table(relation: RelationName): Table {
    const table = resolveRelation(this.#catalog, relation, this.#searchPath)
    const name = relation.schema === undefined ? relation.name : `${relation.schema}.${relation.name}`
    if (table === 'system') throw new Bypass(`${name} belongs to the system`)
    if (!table) throw new Bypass(`table ${name} is not known`)
    if (!this.tables.includes(table)) this.tables.push(table)
    return table
  }
}

function derived(source: DerivedSource, items: Item[], ctes: CteScope | undefined): SourceNode {
  const { query, lateral } = source
  const columns = renamed(outputNames(query), source.columnAliases)
  const item: DerivedOccurrence = { kind: 'derived', alias: source.alias ?? '', columns }
  const before = lateral ? [...items] : undefined
  items.push(item)
  return { kind: 'derived', item, query, ctes, before, view: false }
}

/** A10: a view is read as the query that it is. */
function view(table: Table, source: TableSource, items: Item[]): SourceNode {
  const query = viewQuery(table)
  const names = table.columns.map((column) => column.name)
  const item: DerivedOccurrence = {
    kind: 'derived',
    alias: source.alias ?? table.name,
    columns: renamed(names, source.columnAliases),
    ...(source.alias === undefined && { schema: table.schema }),
  }
  items.push(item)
  return { kind: 'derived', item, query, ctes: undefined, before: undefined, view: true }
}

function findCte(name: string, ctes: CteScope | undefined): CteScope | undefined {
  for (let scope = ctes; scope; scope = scope.outer) if (scope.name === name) return scope
  return undefined
}

/** `AS d (a, b)` renames the first columns. */
export function renamed(
  names: readonly string[] | undefined,
  aliases: readonly string[],
): readonly string[] | undefined {
  if (aliases.length === 0) return names
  return names && [...aliases, ...names.slice(aliases.length)]
}

/** Every item below a node, in the order of the text. */
export function itemsOf(node: SourceNode, into: Set<Item> = new Set()): Set<Item> {
  if (node.kind === 'join') {
    itemsOf(node.left, into)
    itemsOf(node.right, into)
    if (node.merge) into.add(node.merge.item)
  } else into.add(node.item)
  return into
}
