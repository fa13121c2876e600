import type { Mutant } from '../../scripts/mutate.js'

/**
 * The mistakes that `npm run test:mutants` makes, one after another, and the tests that have to notice each. A rule that is built gets at
 * least one here.
 */
export const mutants: readonly Mutant[] = []
