import type { CallExpr, CommonTable, Expr, Query, Source, Statement, TableSource, Target, Write } from './statement.js'

/** What a walk tells of; each is called before its parts are walked. */
export interface Visitor {
  readonly expr?: (expr: Expr) => void
  readonly query?: (query: Query) => void
  /** The statement's own write, and each CTE's. */
  readonly write?: (write: Write) => void
  /** An item of FROM or USING, joins included; `cte` where it is a name that means a CTE there. */
  readonly source?: (source: Source, cte: CommonTable | undefined) => void
}

/** The CTEs whose names can be used at a place, the innermost first. */
interface Scope {
  readonly table: CommonTable
  readonly outer: Scope | undefined
}

/** Everything in a SELECT or a write, subqueries included. The other kinds of statements have no parts. */
export function walk(statement: Statement, visitor: Visitor): void {
  if (statement.kind === 'select') walkQuery(statement.query, visitor)
  else if (statement.kind === 'write') walkWrite(statement.write, visitor)
}

export function walkQuery(query: Query, visitor: Visitor): void {
  new Walker(visitor).query(query, undefined)
}

export function walkWrite(write: Write, visitor: Visitor): void {
  new Walker(visitor).write(write, undefined)
}

/** All writes at any depth: the statement's own and those of its CTEs. */
export function writesOf(statement: Statement): readonly Write[] {
  const writes: Write[] = []
  walk(statement, { write: (write) => writes.push(write) })
  return writes
}

/** All function calls at any depth. */
export function callsOf(statement: Statement): readonly CallExpr[] {
  const calls: CallExpr[] = []
  walk(statement, {
    expr: (expr) => {
      if (expr.kind === 'call') calls.push(expr)
    },
  })
  return calls
}

/** All tables that are read by name at any depth, CTE names not among them. The target of a write is not one. */
export function tablesOf(statement: Statement): readonly TableSource[] {
  const tables: TableSource[] = []
  walk(statement, {
    source: (source, cte) => {
      if (source.kind === 'table' && !cte) tables.push(source)
    },
  })
  return tables
}

class Walker {
  readonly #visitor: Visitor

  constructor(visitor: Visitor) {
    this.#visitor = visitor
  }

  query(query: Query, outer: Scope | undefined): void {
    this.#visitor.query?.(query)
    const scope = this.#commonTables(query.ctes, outer)
    const { body } = query
    switch (body.kind) {
      case 'select':
        for (const source of body.from) this.#source(source, scope)
        this.#exprs([body.where, body.having], scope)
        this.#targets(body.targets, scope)
        this.#exprs(body.groupBy, scope)
        this.#exprs(body.distinctOn, scope)
        this.#exprs(body.windows, scope)
        break
      case 'set-operation':
        this.query(body.left, scope)
        this.query(body.right, scope)
        break
      case 'values':
        for (const row of body.rows) this.#exprs(row, scope)
        break
    }
    this.#exprs(query.orderBy, scope)
    this.#exprs([query.limit, query.offset], scope)
  }

  write(write: Write, outer: Scope | undefined): void {
    this.#visitor.write?.(write)
    const scope = this.#commonTables(write.ctes, outer)
    switch (write.kind) {
      case 'insert':
        if (write.source) this.query(write.source, scope)
        for (const { value } of write.assignments) this.#exprs([value], scope)
        this.#exprs([write.conflictWhere], scope)
        break
      case 'update':
        for (const { value } of write.assignments) this.#exprs([value], scope)
        for (const source of write.from) this.#source(source, scope)
        this.#exprs([write.where], scope)
        break
      case 'delete':
        for (const source of write.using) this.#source(source, scope)
        this.#exprs([write.where], scope)
        break
    }
    this.#targets(write.returning, scope)
  }

  /** Each CTE sees those before it, and all of a WITH RECURSIVE; what follows the WITH sees all. */
  #commonTables(ctes: readonly CommonTable[], outer: Scope | undefined): Scope | undefined {
    let scope = outer
    for (const table of ctes) if (table.recursive) scope = { table, outer: scope }
    for (const table of ctes) {
      if (table.body.kind === 'query') this.query(table.body.query, scope)
      else this.write(table.body.write, scope)
      if (!table.recursive) scope = { table, outer: scope }
    }
    return scope
  }

  #source(source: Source, scope: Scope | undefined): void {
    this.#visitor.source?.(source, source.kind === 'table' ? commonTable(source, scope) : undefined)
    switch (source.kind) {
      case 'table':
        break
      case 'derived':
        this.query(source.query, scope)
        break
      case 'function':
        this.#exprs([...source.calls, ...source.columns.map(({ value }) => value)], scope)
        break
      case 'join':
        this.#source(source.left, scope)
        this.#source(source.right, scope)
        this.#exprs([source.on], scope)
        break
    }
  }

  #targets(targets: readonly Target[], scope: Scope | undefined): void {
    for (const { expr } of targets) this.#expr(expr, scope)
  }

  #exprs(exprs: readonly (Expr | undefined)[], scope: Scope | undefined): void {
    for (const expr of exprs) if (expr) this.#expr(expr, scope)
  }

  #expr(expr: Expr, scope: Scope | undefined): void {
    this.#visitor.expr?.(expr)
    switch (expr.kind) {
      case 'literal':
      case 'constant':
      case 'param':
      case 'column':
      case 'environment':
        break
      case 'and':
      case 'or':
      case 'call':
      case 'operation':
        this.#exprs(expr.args, scope)
        break
      case 'not':
      case 'is-null':
      case 'is-truth':
      case 'field':
      case 'cast':
        this.#expr(expr.arg, scope)
        break
      case 'equals':
      case 'not-distinct':
        this.#exprs([expr.left, expr.right], scope)
        break
      case 'in':
        this.#expr(expr.arg, scope)
        this.#exprs(expr.items, scope)
        break
      case 'equals-any':
        this.#exprs([expr.arg, expr.array], scope)
        break
      case 'subquery':
        this.#exprs([expr.test], scope)
        this.query(expr.query, scope)
        break
      default:
        expr satisfies never
    }
  }
}

/** The CTE that a table's name means, if any: only a name without a schema can. */
function commonTable({ relation }: TableSource, scope: Scope | undefined): CommonTable | undefined {
  if (relation.schema !== undefined) return undefined
  for (let at = scope; at; at = at.outer) if (at.table.name === relation.name) return at.table
  return undefined
}
