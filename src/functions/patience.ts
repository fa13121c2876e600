/**
 * How long a caller waits for another's run of the same. He may hold the connection that the other waits for, in which case
 * both would wait for ever: then he runs it himself.
 */
export const PATIENCE_MS = 5000
/** The same for a function that asks for `lock`. */
export const LONG_PATIENCE_MS = 60_000

/** What the promise brings; undefined where that takes longer. */
export async function withPatience<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
    timer.unref()
  })
  try {
    return await Promise.race([promise, enough])
  } finally {
    clearTimeout(timer)
  }
}
