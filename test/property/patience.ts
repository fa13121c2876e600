/** No statement takes this long, however busy the machine is. */
const PATIENCE_MS = 45_000

/** The answer, or an error that says what was never answered: a case that hangs tells nobody anything. */
export async function answered<T>(answer: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer: ${what}`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([answer, never])
  } finally {
    clearTimeout(timer)
  }
}
