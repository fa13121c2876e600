import type { Catalog } from '../catalog/catalog.js'
import type { Template } from '../sql/analysis.js'
import type { OwnFunction, Statement } from '../sql/statement.js'
import type { Declarations } from './called-functions.js'
import { type PlanLimits, planRead, type ReadPlan } from './read.js'
import { changesAnything, planInner, planWrite, type WritePlan } from './write.js'

/** What a statement is to the cache under one catalog and search path. */
export interface StatementPlan {
  /** Present for a query that has no effects: it could be cached, or says why not. */
  readonly read: ReadPlan | undefined
  /** What it changes; of a plain query nothing. */
  readonly write: WritePlan
}

/** Plans statements and keeps the plans by template, as long as the catalog and the search path stay the same. */
export class Planner {
  readonly catalog: Catalog
  readonly searchPath: readonly string[]
  readonly #declared: Declarations
  readonly #limits: PlanLimits
  readonly #plans = new WeakMap<Template, StatementPlan>()

  constructor(catalog: Catalog, searchPath: readonly string[], declared: Declarations, limits: PlanLimits) {
    this.catalog = catalog
    this.searchPath = searchPath
    this.#declared = declared
    this.#limits = limits
  }

  /** @param own - functions of the session's temporary schema that are known */
  plan(template: Template, own?: ReadonlyMap<string, OwnFunction>): StatementPlan {
    if (own && own.size > 0) return this.#make(template, own)
    let plan = this.#plans.get(template)
    if (!plan) {
      plan = this.#make(template)
      this.#plans.set(template, plan)
    }
    return plan
  }

  /** What EXECUTE does with a statement whose name is known. Its values are not: they are not in the text that was prepared. */
  executed(named: Statement, template: Template): StatementPlan {
    const write = planInner(named, this.catalog, this.searchPath, this.#declared, this.#limits)
    const { statement } = template
    // What its arguments call comes on top.
    return statement.kind === 'execute' && statement.calls.length > 0 ? this.plan(template) : { read: undefined, write }
  }

  #make(template: Template, own?: ReadonlyMap<string, OwnFunction>): StatementPlan {
    const { statement } = template
    const write = planWrite(statement, this.catalog, this.searchPath, this.#declared, this.#limits, own)
    const effects = changesAnything(write) || write.opaque || write.locks
    if (effects || statement.kind !== 'select') return { read: undefined, write }
    return { read: planRead(statement.query, this.catalog, this.searchPath, this.#limits), write }
  }
}
