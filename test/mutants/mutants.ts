import type { Mutant } from '../../scripts/mutate.js'
import { databaseMutants } from './database.js'
import { functionMutants } from './functions.js'
import { missedMutants } from './missed.js'
import { protocolMutants } from './protocol.js'
import { relationMutants } from './relations.js'
import { ruleMutants } from './rules.js'
import { sessionMutants } from './sessions.js'

/**
 * The mistakes that `npm run test:mutants` makes, one after another, and the tests that have to notice each. A rule that is built gets at
 * least one here.
 */
export const mutants: readonly Mutant[] = [
  ...ruleMutants,
  ...protocolMutants,
  ...databaseMutants,
  ...relationMutants,
  ...functionMutants,
  ...missedMutants,
  ...sessionMutants,
]
