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
import { passedColumns, transparentBody } from './transparent.js'

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
      /** Its FROM clause, where that was looked at for what comes out of it. */
      readonly from: From | undefined
    }
  | { readonly kind: 'cte'; readonly item: DerivedOccurrence }
  | {
      readonly kind: 'function'
      readonly item: DerivedOccurrence
      readonly source: FunctionSource
      readonly before: readonly Item[]
    }
  | JoinNode

/** The items of a FROM clause, resolved. */
export interface From {
  readonly items: readonly Item[]
  readonly nodes: readonly SourceNode[]
}

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

  /** A whole FROM clause. */
  from(sources: readonly Source[], ctes: CteScope | undefined): From {
    const items: Item[] = []
    return { nodes: sources.map((source) => this.resolve(source, items, ctes)), items }
  }

  /** Puts the names that the source brings into `items`, which hold those that stand before it. */
  resolve(source: Source, items: Item[], ctes: CteScope | undefined): SourceNode {
    switch (source.kind) {
      case 'table':
        return this.#named(source, items, ctes)
      case 'derived':
        return this.#derived(source, items, ctes)
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
    if (table.kind === 'view') return this.#view(table, source, items)
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

  #derived({ query, ...source }: DerivedSource, items: Item[], ctes: CteScope | undefined): SourceNode {
    const before = source.lateral ? [...items] : undefined
    const columns = renamed(outputNames(query), source.columnAliases)
    const { from, uses } = this.#passing(query, columns, ctes)
    const item: DerivedOccurrence = { kind: 'derived', alias: source.alias ?? '', columns, ...uses }
    items.push(item)
    return { kind: 'derived', item, query, ctes, before, view: false, from }
  }

  /** A10: a view is read as the query that it is. */
  #view(table: Table, source: TableSource, items: Item[]): SourceNode {
    const query = viewQuery(table)
    const names = table.columns.map((column) => column.name)
    const columns = renamed(names, source.columnAliases)
    const { from, uses } = this.inDefinition(() => this.#passing(query, columns, undefined))
    const item: DerivedOccurrence = {
      kind: 'derived',
      alias: source.alias ?? table.name,
      columns,
      ...uses,
      ...(source.alias === undefined && { schema: table.schema }),
    }
    items.push(item)
    return { kind: 'derived', item, query, ctes: undefined, before: undefined, view: true, from }
  }

  /** Which columns of the tables inside come out of a query, where what is said of them may be said inside. */
  #passing(
    query: Query,
    columns: readonly string[] | undefined,
    ctes: CteScope | undefined,
  ): { readonly from?: From; readonly uses?: Pick<DerivedOccurrence, 'uses'> } {
    const body = columns && transparentBody(query)
    if (!body) return {}
    const from = this.from(body.from, ctes)
    const uses = passedColumns(body, columns, from.items)
    return uses.size > 0 ? { from, uses: { uses } } : { from }
  }

  /** Reads a definition of the catalog's: its bare names are not looked up in the session's search path. */
  inDefinition<T>(read: () => T): T {
    const path = this.#searchPath
    this.#searchPath = DEFINITION_PATH
    try {
      return read()
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

/** The items below a node, and those inside its derived tables: whatever a condition on its columns may be about. */
export function innerItemsOf(node: SourceNode, into: Set<Item> = new Set()): Set<Item> {
  for (const item of itemsOf(node)) into.add(item)
  const inside =
    node.kind === 'join' ? [node.left, node.right] : node.kind === 'derived' ? (node.from?.nodes ?? []) : []
  for (const inner of inside) innerItemsOf(inner, into)
  return into
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
