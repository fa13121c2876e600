/** How long anything may take before it is taken for something that never comes. */
export const PATIENCE_MS = 60_000

/** Resolves when `holds` does; how long that takes is no one's promise. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s, and not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
