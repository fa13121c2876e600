import fc from 'fast-check'
import { budget, soakSeconds } from '../support/property.js'
import { history } from './arbitrary.js'
import { carryOut, type History } from './history.js'
import { shrink } from './shrink.js'
import { Tally } from './tally.js'
import { moveableClock, type Worlds } from './world.js'

/** How long a counterexample is made smaller; where the mistake is a deliberate one, nobody looks at it. */
const SHRINK_SECONDS = process.env.CACHEOPS_MUTANT ? 0 : 60
/** On a machine so slow that the cases are not done by then, those that are have to do. */
const LIMIT_SECONDS = 100

/** Milliseconds that the test may take. */
export function timeOf(): number {
  return ((soakSeconds() ?? LIMIT_SECONDS) + SHRINK_SECONDS + 60) * 1000
}

/**
 * Runs so many random histories; in a soak, until the time is over. Rejects with the smallest history that was found for a failure; its seed
 * is in the message, and `CACHEOPS_TEST_SEED` starts from it again.
 */
export async function prove(
  open: () => Promise<Worlds>,
  options: { readonly steps: number; readonly runs: number },
): Promise<Tally> {
  const restoreClock = moveableClock()
  const worlds = await open()
  const tally = new Tally()
  let failed: { readonly history: History; readonly failure: Error } | undefined
  let running: Promise<void> = Promise.resolve()
  try {
    const property = fc.asyncProperty(history({ steps: options.steps }), (one) => {
      running = carryOut(worlds, one, tally).catch((failure: Error) => {
        failed = { history: one, failure }
        throw failure
      })
      return running
    })
    const result = await fc.check(property, {
      ...budget({ runs: options.runs, seconds: LIMIT_SECONDS }),
      endOnFailure: true,
    })
    // At the end of its time fast-check does not wait for the case that is under way.
    await running.catch(() => undefined)
    console.log(`${worlds.name}, seed ${result.seed}: ${tally}`)
    if (!failed) return tally
    const { failure } = await shrink(failed.history, failed.failure, SHRINK_SECONDS, (one) =>
      carryOut(worlds, one, new Tally()),
    )
    throw new Error(`seed ${result.seed}, after ${tally.cases} cases: ${failure.message}`, { cause: failure })
  } finally {
    await running.catch(() => undefined)
    await worlds.close()
    restoreClock()
  }
}
