import type { Choices } from '../choices.js'
import { addChain } from './chain.js'
import { addDefinitions } from './definitions.js'
import { addFunctions } from './functions.js'
import { addChild } from './inheritance.js'
import { type Draft, emptyDraft, insertOf, type SchemaModel } from './model.js'
import { addPartitioned } from './partitions.js'
import { addPolicies } from './policies.js'
import { addSettings } from './settings.js'
import { addTable } from './tables.js'
import { addTriggers } from './triggers.js'
import { addMaterialized, addViews } from './views.js'

type Feature = (c: Choices, draft: Draft) => void

/** What a schema can have beside ordinary tables. Each case has a few of them, so that they meet and none drowns. */
const FEATURES: readonly (readonly [weight: number, feature: Feature])[] = [
  [4, addTriggers],
  [4, addViews],
  [3, addPartitioned],
  [2, addChild],
  [3, addPolicies],
  [2, addFunctions],
  [2, addMaterialized],
  [3, addDefinitions],
  [2, addSettings],
]

/** What all cases need to exist. */
const GROUND = [
  `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`,
  `CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
]

/** A random schema: two or three tables, or a chain of them, and a few features. */
export function makeSchema(c: Choices): SchemaModel {
  const draft = emptyDraft()
  draft.ddl.push(...GROUND)
  const chosen = new Set<Feature>()
  for (
    let count = c.weighted([
      [2, 1],
      [4, 2],
      [2, 3],
      [1, 0],
    ] as const);
    count > 0;
    count--
  )
    chosen.add(c.weighted(FEATURES))
  if (c.chance(25)) addChain(c, draft)
  else for (let index = 0, count = 2 + c.int(2); index < count; index++) addTable(c, index, draft)
  // Tables first, then what is made of them; who may read what comes last.
  const order: readonly Feature[] = [
    addPartitioned,
    addChild,
    addTriggers,
    addFunctions,
    addViews,
    addMaterialized,
    addDefinitions,
    addSettings,
    addPolicies,
  ]
  for (const feature of order) if (chosen.has(feature)) feature(c, draft)
  for (const table of draft.tables) {
    if (!table.part)
      for (let index = 0, count = 2 + c.int(5); index < count; index++) draft.rows.push(insertOf(c, table, index))
  }
  for (const name of draft.materialized) draft.rows.push(`REFRESH MATERIALIZED VIEW ${name}`)
  return draft
}
