import type { Catalog, Table } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { DerivedSource, JoinSource, Query, RelationName, Source, TableSource } from '../sql/statement.js'
import { Bypass } from './bypass.js'
import { DEFINITION_PATH, viewQuery } from './definitions.js'
import { outputNames } from './output-names.js'
import type { DerivedOccurrence, Item, Occurrence } from './scope.js'

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
  | JoinNode

export interface JoinNode {
  readonly kind: 'join'
  readonly source: JoinSource
  readonly left: SourceNode
  readonly right: SourceNode
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
      case 'join': {
        const left = this.resolve(source.left, items, ctes)
        const right = this.resolve(source.right, items, ctes)
        return { kind: 'join', source, left, right }
      }
    }
  }

  #named(source: TableSource, items: Item[], ctes: CteScope | undefined): SourceNode {
    const { relation, columnAliases } = source
    const alias = source.alias ?? relation.name
    const cte = relation.schema === undefined ? findCte(relation.name, ctes) : undefined
    if (cte) {
      const item: DerivedOccurrence = { kind: 'derived', alias, columns: renamed(cte.columns, columnAliases) }
      items.push(item)
      return { kind: 'cte', item }
    }
    const table = this.#table(relation)
    if (table.kind === 'view') return view(table, source, items)
    if (columnAliases.length > 0) throw new Bypass('column aliases of a table are not understood')
    const item: Occurrence = {
      kind: 'table',
      alias,
      bare: source.alias === undefined,
      table,
      read: new Set(),
      all: false,
    }
    items.push(item)
    return { kind: 'table', item }
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

/** Every item below a node. */
export function itemsOf(node: SourceNode, into: Set<Item> = new Set()): Set<Item> {
  if (node.kind === 'join') {
    itemsOf(node.left, into)
    itemsOf(node.right, into)
  } else into.add(node.item)
  return into
}
