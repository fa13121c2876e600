import type { Parameters } from 'fast-check'

/**
 * How long a property test goes on. In the ordinary suite: `runs` cases, and no longer than `seconds` (what was not
 * reached by then is not a failure). In a soak (`npm run test:soak`): as many cases as the time allows.
 * fast-check prints the seed and the path of a failure; `CACHEOPS_TEST_SEED=<seed>` starts from that seed again.
 *
 * ```ts
 * await fc.assert(fc.asyncProperty(…), budget({ runs: 200, seconds: 30 }))
 * ```
 */
export function budget<T>(ordinary: { readonly runs: number; readonly seconds: number }): Parameters<T> {
  const soak = soakSeconds()
  const seed = process.env.CACHEOPS_TEST_SEED
  return {
    numRuns: soak === undefined ? ordinary.runs : Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (soak ?? ordinary.seconds) * 1000,
    markInterruptAsFailure: false,
    ...(seed ? { seed: Number(seed) } : {}),
  }
}

/** How long a soak lasts; `undefined` in the ordinary suite. */
export function soakSeconds(): number | undefined {
  const text = process.env.CACHEOPS_SOAK_SECONDS
  if (!text) return undefined
  const seconds = Number(text)
  if (!(seconds > 0)) throw new Error(`CACHEOPS_SOAK_SECONDS: expected a number of seconds, such as 600, got '${text}'`)
  return seconds
}
