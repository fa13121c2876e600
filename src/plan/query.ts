import type { Catalog, Table } from '../catalog/catalog.js'
import { resolveRelation } from '../catalog/resolve.js'
import type { ConjTemplate, DependencyTemplate, Restriction, ValueSource } from '../invalidation/template.js'
import type {
  CommonTable,
  Expr,
  JoinSource,
  Query,
  RelationName,
  SelectBody,
  Source,
  SubqueryExpr,
} from '../sql/statement.js'
import { Bypass } from './bypass.js'
import { type Atom, type ConditionContext, type Conj, conjoin, type Dnf, dnf, TRUE } from './conditions.js'
import type { ExpressionReader } from './expressions.js'
import { outputNames } from './output-names.js'
import {
  type ColumnUse,
  type DerivedOccurrence,
  type Item,
  type Occurrence,
  resolveColumn,
  type Scope,
} from './scope.js'

/** The CTEs that a name can mean. */
export interface CteScope {
  readonly name: string
  readonly columns: readonly string[] | undefined
  readonly outer: CteScope | undefined
}

/** A source with its names resolved. */
type Node =
  | { readonly kind: 'table'; readonly item: Occurrence }
  | {
      readonly kind: 'derived'
      readonly item: DerivedOccurrence
      readonly query: Query
      /** What a lateral query sees of its FROM clause: what stands before it. */
      readonly before: readonly Item[] | undefined
    }
  | { readonly kind: 'cte'; readonly item: DerivedOccurrence }
  | { readonly kind: 'join'; readonly source: JoinSource; readonly left: Node; readonly right: Node }

/** What a query reads: one dependency an occurrence of a table. */
export class QueryReader {
  readonly dependencies: DependencyTemplate[] = []
  /** Every table that is read, in the order of the text. */
  readonly tables: Table[] = []
  readonly #catalog: Catalog
  readonly #searchPath: readonly string[]
  readonly #expressions: ExpressionReader
  readonly #maxConjs: number
  /** Occurrences are finished at the end, when all that reads of them has been seen. */
  readonly #pending: { readonly occurrence: Occurrence; readonly context: Dnf }[] = []

  constructor(catalog: Catalog, searchPath: readonly string[], expressions: ExpressionReader, maxConjs: number) {
    this.#catalog = catalog
    this.#searchPath = searchPath
    this.#expressions = expressions
    this.#maxConjs = maxConjs
  }

  /** Reads a whole statement's query. */
  read(query: Query): void {
    this.query(query, undefined, TRUE, undefined)
    this.finish()
  }

  finish(): void {
    for (const { occurrence, context } of this.#pending) {
      this.dependencies.push({
        table: occurrence.table.id,
        read: occurrence.all ? undefined : [...occurrence.read],
        conjs: this.project(context, occurrence),
      })
    }
    this.#pending.length = 0
  }

  /** What a context says of one occurrence: constants travel over equalities between columns (A23). Asked at the end. */
  project(context: Dnf, occurrence: Occurrence): readonly ConjTemplate[] {
    return project(context, occurrence, (source) => this.#expressions.trusted(source))
  }

  query(query: Query, outer: Scope | undefined, env: Dnf, ctes: CteScope | undefined): void {
    const visible = this.commonTables(query.ctes, outer, env, ctes)
    const body = query.body
    switch (body.kind) {
      case 'select':
        this.#select(query, body, outer, env, visible)
        return
      case 'set-operation':
        this.query(body.left, outer, env, visible)
        this.query(body.right, outer, env, visible)
        // ORDER BY of a set operation names output columns; LIMIT takes no columns.
        for (const expr of [...query.orderBy, query.limit, query.offset]) {
          if (expr && expr.kind !== 'column') this.#standalone(expr, outer, env, visible)
        }
        return
      case 'values':
        for (const expr of [...body.rows.flat(), query.limit, query.offset]) {
          if (expr) this.#standalone(expr, outer, env, visible)
        }
        for (const expr of query.orderBy) if (expr.kind !== 'column') this.#standalone(expr, outer, env, visible)
    }
  }

  commonTables(
    list: readonly CommonTable[],
    outer: Scope | undefined,
    env: Dnf,
    ctes: CteScope | undefined,
  ): CteScope | undefined {
    let visible = ctes
    for (const cte of list) {
      if (cte.body.kind !== 'query') throw new Bypass('a CTE writes')
      this.query(cte.body.query, outer, env, visible)
      const names = outputNames(cte.body.query)
      visible = { name: cte.name, columns: renamed(names, cte.columnAliases), outer: visible }
    }
    return visible
  }

  #standalone(expr: Expr, outer: Scope | undefined, env: Dnf, ctes: CteScope | undefined): void {
    const scope: Scope = { items: [], outer }
    this.#subqueries(this.#expressions.visit(expr, scope), scope, env, ctes)
  }

  #subqueries(found: readonly SubqueryExpr[], scope: Scope, env: Dnf, ctes: CteScope | undefined): void {
    for (const subquery of found) this.query(subquery.query, scope, env, ctes)
  }

  #select(query: Query, body: SelectBody, outer: Scope | undefined, env: Dnf, ctes: CteScope | undefined): void {
    const items: Item[] = []
    const nodes = body.from.map((source) => this.resolve(source, items, ctes))
    const scope: Scope = { items, outer }
    const context = this.filter(body.where, nodes, scope, env, ctes)

    const outputs = new Set(body.targets.map((target) => target.alias).filter((alias) => alias !== undefined))
    const found: SubqueryExpr[] = []
    for (const target of body.targets) this.#expressions.visit(target.expr, scope, found)
    for (const expr of [...body.distinctOn, ...body.windows, body.having, query.limit, query.offset]) {
      if (expr) this.#expressions.visit(expr, scope, found)
    }
    for (const expr of [...body.groupBy, ...query.orderBy]) {
      // A bare name may be an output column, which is read already.
      const bare = expr.kind === 'column' && expr.path.length === 1 && outputs.has(expr.path[0] as string)
      try {
        this.#expressions.visit(expr, scope, found)
      } catch (error) {
        if (!bare || !(error instanceof Bypass)) throw error
      }
    }
    this.#subqueries(found, scope, context, ctes)
  }

  /** Reads the FROM items under a WHERE: gives what holds for the rows that come out. */
  filter(where: Expr | undefined, nodes: readonly Node[], scope: Scope, env: Dnf, ctes: CteScope | undefined): Dnf {
    const condition = where ? dnf(where, this.#conditions(scope), false) : TRUE
    const context = conjoin(env, condition, this.#maxConjs)
    this.#conditionSubqueries(condition, context, scope, ctes)
    for (const node of nodes) this.#depend(node, context, scope, ctes)
    return context
  }

  /** A subquery matters only where the rest of its conj holds: the other conjuncts are its context. */
  #conditionSubqueries(condition: Dnf, context: Dnf, scope: Scope, ctes: CteScope | undefined): void {
    const seen = new Set<SubqueryExpr>()
    for (const atom of condition.flat()) {
      if (atom.kind !== 'subquery' || seen.has(atom.query)) continue
      seen.add(atom.query)
      const holding = context.filter((conj) =>
        conj.some((other) => other.kind === 'subquery' && other.query === atom.query),
      )
      this.query(atom.query.query, scope, holding.length > 0 ? withoutSubqueries(holding) : TRUE, ctes)
    }
  }

  #conditions(scope: Scope): ConditionContext {
    return {
      maxConjs: this.#maxConjs,
      column: (expr) => (expr.kind === 'column' ? resolveColumn(expr, scope) : undefined),
      constant: (expr, on) => this.#expressions.constant(expr, on),
      visit: (expr) => this.#expressions.visit(expr, scope),
    }
  }

  resolve(source: Source, items: Item[], ctes: CteScope | undefined): Node {
    switch (source.kind) {
      case 'table': {
        const cte = source.relation.schema === undefined ? findCte(source.relation.name, ctes) : undefined
        const alias = source.alias ?? source.relation.name
        if (cte) {
          const item: DerivedOccurrence = {
            kind: 'derived',
            alias,
            columns: renamed(cte.columns, source.columnAliases),
          }
          items.push(item)
          return { kind: 'cte', item }
        }
        const table = this.table(source.relation)
        if (source.columnAliases.length > 0) throw new Bypass('column aliases of a table are not understood')
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
      case 'derived': {
        const columns = renamed(outputNames(source.query), source.columnAliases)
        const item: DerivedOccurrence = { kind: 'derived', alias: source.alias ?? '', columns }
        const before = source.lateral ? [...items] : undefined
        items.push(item)
        this.#derivedCtes.set(source.query, ctes)
        return { kind: 'derived', item, query: source.query, before }
      }
      case 'join': {
        const left = this.resolve(source.left, items, ctes)
        const right = this.resolve(source.right, items, ctes)
        return { kind: 'join', source, left, right }
      }
    }
  }

  readonly #derivedCtes = new Map<Query, CteScope | undefined>()

  /** @throws Bypass where the relation is not a table whose every row can be followed */
  table(relation: RelationName): Table {
    const table = resolveRelation(this.#catalog, relation, this.#searchPath)
    const name = relation.schema === undefined ? relation.name : `${relation.schema}.${relation.name}`
    if (table === 'system') throw new Bypass(`${name} belongs to the system`)
    if (!table) throw new Bypass(`table ${name} is not known`)
    if (!this.tables.includes(table)) this.tables.push(table)
    return table
  }

  /** S2: which rows of each table matter, given what holds for the combinations that matter at this node. */
  #depend(node: Node, context: Dnf, scope: Scope, ctes: CteScope | undefined): void {
    switch (node.kind) {
      case 'table':
        this.#pending.push({ occurrence: node.item, context: withoutSubqueries(context) })
        return
      case 'cte':
        return
      case 'derived': {
        const inner = this.#derivedCtes.get(node.query)
        // Lateral: the outer columns that it names are bound by what holds here. Others see only the enclosing query.
        if (node.before)
          this.query(node.query, { items: node.before, outer: scope.outer }, withoutSubqueries(context), inner)
        else this.query(node.query, scope.outer, TRUE, inner)
        return
      }
      case 'join':
        this.#join(node, context, scope, ctes)
    }
  }

  #join(node: Node & { kind: 'join' }, context: Dnf, scope: Scope, ctes: CteScope | undefined): void {
    const { source, left, right } = node
    // ON sees the two sides of its join, and not what else stands in the FROM clause.
    const sides = new Set<Item>()
    itemsOf(node, sides)
    const inside: Scope = { items: [...sides], outer: scope.outer }
    const on = source.on ? dnf(source.on, this.#conditions(inside), false) : TRUE
    // What is said of a nullable side says nothing of the rows that are not there (S2).
    const nullable = new Set<Item>()
    if (source.join === 'left' || source.join === 'full') itemsOf(right, nullable)
    if (source.join === 'right' || source.join === 'full') itemsOf(left, nullable)
    const outer = nullable.size > 0 ? withoutItems(context, nullable) : context
    const joined = conjoin(outer, on, this.#maxConjs)
    this.#conditionSubqueries(on, joined, inside, ctes)
    this.#depend(left, source.join === 'inner' || source.join === 'right' ? joined : outer, scope, ctes)
    this.#depend(right, source.join === 'inner' || source.join === 'left' ? joined : outer, scope, ctes)
  }
}

function findCte(name: string, ctes: CteScope | undefined): CteScope | undefined {
  for (let scope = ctes; scope; scope = scope.outer) if (scope.name === name) return scope
  return undefined
}

function renamed(names: readonly string[] | undefined, aliases: readonly string[]): readonly string[] | undefined {
  if (aliases.length === 0) return names
  return names && [...aliases, ...names.slice(aliases.length)]
}

function itemsOf(node: Node, into: Set<Item>): void {
  if (node.kind === 'join') {
    itemsOf(node.left, into)
    itemsOf(node.right, into)
  } else into.add(node.item)
}

function mentions(atom: Atom, items: ReadonlySet<Item>): boolean {
  switch (atom.kind) {
    case 'restriction':
      return items.has(atom.on.occurrence)
    case 'same':
      return items.has(atom.left.occurrence) || items.has(atom.right.occurrence)
    case 'subquery':
      return true
  }
}

function withoutItems(context: Dnf, items: ReadonlySet<Item>): Dnf {
  return context.map((conj) => conj.filter((atom) => !mentions(atom, items)))
}

function withoutSubqueries(context: Dnf): Dnf {
  return context.map((conj) =>
    conj.some((atom) => atom.kind === 'subquery') ? conj.filter((atom) => atom.kind !== 'subquery') : conj,
  )
}

function project(
  context: Dnf,
  occurrence: Occurrence,
  trusted: (source: ValueSource) => boolean,
): readonly ConjTemplate[] {
  const conjs: ConjTemplate[] = []
  const seen = new Set<string>()
  for (const conj of context) {
    const template = restrictionsOn(conj, occurrence, trusted)
    if (template.length === 0) return [[]]
    const key = JSON.stringify(template)
    if (!seen.has(key)) conjs.push(template)
    seen.add(key)
  }
  return conjs.length > 0 ? conjs : [[]]
}

const RANK = { null: 0, value: 0, list: 1, array: 2 } as const

function restrictionsOn(conj: Conj, occurrence: Occurrence, trusted: (source: ValueSource) => boolean): ConjTemplate {
  const classes = equalityClasses(conj)
  const best = new Map<string, Restriction>()
  const offer = (restriction: Restriction) => {
    const held = best.get(restriction.column)
    if (!held || RANK[restriction.kind] < RANK[held.kind]) best.set(restriction.column, restriction)
  }
  for (const atom of conj) {
    if (atom.kind !== 'restriction' || !sourcesOf(atom.restriction).every(trusted)) continue
    if (atom.on.occurrence === occurrence) offer(atom.restriction)
    // NULL equals nothing, so it does not travel.
    if (atom.restriction.kind === 'null') continue
    for (const use of classes.get(nameOf(atom.on)) ?? []) {
      if (use.occurrence === occurrence) offer({ ...atom.restriction, column: use.column.name })
    }
  }
  return [...best.values()].sort((a, b) => (a.column < b.column ? -1 : 1))
}

function sourcesOf(restriction: Restriction): readonly ValueSource[] {
  switch (restriction.kind) {
    case 'null':
      return []
    case 'value':
      return [restriction.value]
    case 'list':
      return restriction.items
    case 'array':
      return [restriction.array]
  }
}

const occurrenceIds = new WeakMap<Occurrence, number>()
let nextOccurrence = 0

function nameOf(use: ColumnUse): string {
  let id = occurrenceIds.get(use.occurrence)
  if (id === undefined) {
    id = nextOccurrence++
    occurrenceIds.set(use.occurrence, id)
  }
  return `${id}.${use.column.name}`
}

/** Columns that a conj makes equal, by column; absent where a column is alone. */
function equalityClasses(conj: Conj): ReadonlyMap<string, readonly ColumnUse[]> {
  const classes = new Map<string, ColumnUse[]>()
  for (const atom of conj) {
    if (atom.kind !== 'same') continue
    const left = classes.get(nameOf(atom.left)) ?? [atom.left]
    const right = classes.get(nameOf(atom.right)) ?? [atom.right]
    if (left === right) continue
    const merged = [...left, ...right]
    for (const use of merged) classes.set(nameOf(use), merged)
  }
  return classes
}
