import type { Catalog } from '../catalog/catalog.js'
import type { Template } from '../sql/analysis.js'
import type { Declarations } from './effects.js'
import { type PlanLimits, planRead, type ReadPlan } from './read.js'
import { changesAnything, planWrite, type WritePlan } from './write.js'

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

  plan(template: Template): StatementPlan {
    let plan = this.#plans.get(template)
    if (!plan) {
      plan = this.#make(template)
      this.#plans.set(template, plan)
    }
    return plan
  }

  #make(template: Template): StatementPlan {
    const { statement } = template
    const write = planWrite(statement, this.catalog, this.searchPath, this.#declared, this.#limits)
    const effects = changesAnything(write) || write.opaque || write.locks
    if (effects || statement.kind !== 'select') return { read: undefined, write }
    return { read: planRead(statement.query, this.catalog, this.searchPath, this.#limits), write }
  }
}
