import type { History } from './history.js'

/**
 * A smaller history that fails in the same way: fewer steps, fewer reads, and fewer numbers in each, as a number that is
 * missing is the simplest decision. fast-check's own way, number by number, takes hours where a run takes a moment.
 */
export async function shrink(
  history: History,
  failure: Error,
  seconds: number,
  run: (history: History) => Promise<void>,
): Promise<{ history: History; failure: Error }> {
  const end = Date.now() + seconds * 1000
  let best = { history, failure }
  const wanted = kindOf(failure)
  const attempt = async (candidate: History): Promise<boolean> => {
    if (Date.now() > end) return false
    try {
      await run(candidate)
      return false
    } catch (error) {
      if (kindOf(error as Error) !== wanted) return false
      best = { history: candidate, failure: error as Error }
      return true
    }
  }
  for (let before = ''; before !== JSON.stringify(best.history) && Date.now() < end; ) {
    before = JSON.stringify(best.history)
    await fewer(
      () => best.history.steps,
      (steps) => attempt({ ...best.history, steps }),
    )
    await fewer(
      () => best.history.reads,
      (reads) => attempt({ ...best.history, reads }),
    )
    for (let index = best.history.reads.length - 1; index >= 0; index--) {
      await simpler(
        () => best.history.reads[index] ?? [],
        (numbers) => attempt({ ...best.history, reads: replaced(best.history.reads, index, numbers) }),
      )
    }
    for (let index = best.history.steps.length - 1; index >= 0; index--) {
      await simpler(
        () => best.history.steps[index] ?? [],
        (numbers) => attempt({ ...best.history, steps: replaced(best.history.steps, index, numbers) }),
      )
    }
    await simpler(
      () => best.history.schema,
      (schema) => attempt({ ...best.history, schema }),
    )
  }
  return best
}

function kindOf(error: Error): string {
  return error.message.split(':')[0] as string
}

function replaced<T>(list: readonly T[], index: number, value: T): T[] {
  return list.map((item, at) => (at === index ? value : item))
}

/** Leaves out larger parts first. */
async function fewer<T>(current: () => readonly T[], attempt: (list: T[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.max(1, current().length >> 1); size >= 1; size >>= 1) {
    for (let at = current().length - size; at >= 0; at -= size) {
      await attempt([...current().slice(0, at), ...current().slice(at + size)])
    }
  }
}

/** Cuts the end off, then makes single numbers 0. */
async function simpler(
  current: () => readonly number[],
  attempt: (numbers: number[]) => Promise<boolean>,
): Promise<void> {
  for (let kept = 0; kept < current().length; kept = kept === 0 ? 1 : kept * 2) {
    if (await attempt(current().slice(0, kept))) break
  }
  for (let at = Math.min(current().length, 40) - 1; at >= 0; at--) {
    if (current()[at] !== 0) await attempt(replaced(current(), at, 0))
  }
}
