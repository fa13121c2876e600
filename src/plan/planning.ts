import type { Catalog } from '../catalog/catalog.js'
import type { PlanLimits } from './read.js'

/** Under what a statement is planned. */
export interface Planning {
  readonly catalog: Catalog
  readonly searchPath: readonly string[]
  readonly limits: PlanLimits
}
