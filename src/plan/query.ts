import type { Catalog, Table } from '../catalog/catalog.js'
import type { ConjTemplate, DependencyTemplate } from '../invalidation/template.js'
import type { CommonTable, Expr, Query, SelectBody, Source, SubqueryExpr } from '../sql/statement.js'
import { Bypass } from './bypass.js'
import { type ConditionContext, dnf } from './conditions.js'
import { conjoin, type Dnf, TRUE, withoutItems, withoutSubqueries } from './dnf.js'
import type { ExpressionReader } from './expressions.js'
import { outputNames } from './output-names.js'
import { readPolicies } from './policies.js'
import { project } from './projection.js'
import { type Item, type Occurrence, resolveColumn, type Scope } from './scope.js'
import {
  type CteScope,
  type From,
  innerItemsOf,
  itemsOf,
  type JoinNode,
  renamed,
  type SourceNode,
  SourceResolver,
} from './sources.js'

/** What a query reads: one dependency an occurrence of a table. */
export class QueryReader {
  readonly dependencies: DependencyTemplate[] = []
  readonly #sources: SourceResolver
  readonly #expressions: ExpressionReader
  readonly #maxConjs: number
  /** Occurrences are finished at the end, when all that reads of them has been seen. */
  readonly #pending: { readonly occurrence: Occurrence; readonly context: Dnf }[] = []

  /** Tables whose policies are read at the moment: these may name each other. */
  readonly #policed = new Set<Table>()

  constructor(catalog: Catalog, searchPath: readonly string[], expressions: ExpressionReader, maxConjs: number) {
    this.#sources = new SourceResolver(catalog, searchPath)
    this.#expressions = expressions
    this.#maxConjs = maxConjs
  }

  /** Every table that is read, in the order of the text. */
  get tables(): readonly Table[] {
    return this.#sources.tables
  }

  /** Reads a whole statement's query. */
  read(query: Query): void {
    this.query(query, undefined, TRUE, undefined)
    this.finish()
  }

  finish(): void {
    for (const { occurrence, context } of this.#pending) {
      const { table, all, read } = occurrence
      // B8: every member of a tree is known by its root's id. What has none is refused with its reason.
      const stamps = table.stampId ?? table.id
      this.dependencies.push({
        table: stamps,
        // A row may leave a partition with a change of columns that this does not read.
        read: all || stamps !== table.id ? undefined : [...read],
        conjs: this.project(context, occurrence),
      })
    }
    this.#pending.length = 0
  }

  /** What a context says of one occurrence: constants travel over equalities between columns (A23). Asked at the end. */
  project(context: Dnf, occurrence: Occurrence): readonly ConjTemplate[] {
    return project(context, occurrence, (source) => this.#expressions.trusted(source))
  }

  /** @param from - its FROM clause, where that is resolved already */
  query(query: Query, outer: Scope | undefined, env: Dnf, ctes: CteScope | undefined, from?: From): void {
    const visible = this.commonTables(query.ctes, outer, env, ctes)
    const body = query.body
    switch (body.kind) {
      case 'select':
        this.#select(query, body, outer, env, visible, from)
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
    for (const cte of list) if (cte.recursive) visible = named(cte, visible)
    for (const cte of list) {
      if (cte.body.kind !== 'query') throw new Bypass('a CTE writes')
      // B3: what is said of a recursive CTE where it is used is pushed into none of its terms.
      this.query(cte.body.query, outer, env, visible)
      if (!cte.recursive) visible = named(cte, visible)
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

  #select(
    query: Query,
    body: SelectBody,
    outer: Scope | undefined,
    env: Dnf,
    ctes: CteScope | undefined,
    from: From | undefined,
  ): void {
    const { items, nodes } = from ?? this.#sources.from(body.from, ctes)
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
  filter(
    where: Expr | undefined,
    nodes: readonly SourceNode[],
    scope: Scope,
    env: Dnf,
    ctes: CteScope | undefined,
  ): Dnf {
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
      array: (expr, on) => this.#expressions.array(expr, on),
      visit: (expr) => this.#expressions.visit(expr, scope),
    }
  }

  resolve(source: Source, items: Item[], ctes: CteScope | undefined): SourceNode {
    return this.#sources.resolve(source, items, ctes)
  }

  /** S2: which rows of each table matter, given what holds for the combinations that matter at this node. */
  #depend(node: SourceNode, context: Dnf, scope: Scope, ctes: CteScope | undefined): void {
    switch (node.kind) {
      case 'table':
        this.#pending.push({ occurrence: node.item, context: withoutSubqueries(context) })
        this.#underPolicies(node.item)
        return
      case 'cte':
        return
      case 'function': {
        const inside: Scope = { items: node.before, outer: scope.outer }
        const found: SubqueryExpr[] = []
        for (const call of node.source.calls) this.#expressions.visit(call, inside, found)
        for (const { value } of node.source.columns) if (value) this.#expressions.visit(value, inside, found)
        this.#subqueries(found, inside, withoutSubqueries(context), ctes)
        return
      }
      case 'derived': {
        const { query, from } = node
        // B3: only what passes through it as it is can be meant by what is said outside.
        const env = node.item.uses || node.before ? withoutSubqueries(context) : TRUE
        if (node.view) {
          this.#sources.inDefinition(() => this.query(query, undefined, env, undefined, from))
          return
        }
        // Lateral: the outer columns that it names are bound by what holds here. Others see only the enclosing query.
        const outer = node.before ? { items: node.before, outer: scope.outer } : scope.outer
        this.query(query, outer, env, node.ctes, from)
        return
      }
      case 'join':
        this.#join(node, context, scope, ctes)
    }
  }

  /** A6: policies add to what is read, whatever the role: which of them hold for it, only the database knows. */
  #underPolicies(item: Occurrence): void {
    this.#sources.inDefinition(() => {
      readPolicies(item, this.#policed, this.#expressions, (subqueries, scope) =>
        this.#subqueries(subqueries, scope, TRUE, undefined),
      )
    })
  }

  #join(node: JoinNode, context: Dnf, scope: Scope, ctes: CteScope | undefined): void {
    const { source, left, right } = node
    // ON sees the two sides of its join, and not what else stands in the FROM clause.
    const inside: Scope = { items: [...itemsOf(node)], outer: scope.outer }
    const on = source.on ? dnf(source.on, this.#conditions(inside), false) : merged(node)
    if (node.merge) this.#expressions.purity.operator('=')
    // What is said of a nullable side says nothing of the rows that are not there (S2).
    const nullable = new Set<Item>()
    if (source.join === 'left' || source.join === 'full') innerItemsOf(right, nullable)
    if (source.join === 'right' || source.join === 'full') innerItemsOf(left, nullable)
    const outer = nullable.size > 0 ? withoutItems(context, nullable) : context
    const joined = conjoin(outer, on, this.#maxConjs)
    this.#conditionSubqueries(on, joined, inside, ctes)
    this.#depend(left, source.join === 'inner' || source.join === 'right' ? joined : outer, scope, ctes)
    this.#depend(right, source.join === 'inner' || source.join === 'left' ? joined : outer, scope, ctes)
  }
}

function named(cte: CommonTable, outer: CteScope | undefined): CteScope {
  const names = cte.body.kind === 'query' ? outputNames(cte.body.query) : undefined
  return { name: cte.name, columns: renamed(names, cte.columnAliases), outer }
}

/** What USING and NATURAL say of the rows that meet. */
function merged({ merge }: JoinNode): Dnf {
  return merge && merge.equal.length > 0 ? [merge.equal] : TRUE
}
