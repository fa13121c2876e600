import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One deliberate mistake in the source: the rule that it breaks, and the tests that have to notice. */
export interface Mutant {
  /** Unique, e.g. `S4-lease-after-database`. */
  readonly id: string
  /** e.g. `S4`. */
  readonly rule: string
  /** What is wrong now, in a few words. */
  readonly what: string
  /** From the repository's root, e.g. `src/engine/read.ts`. */
  readonly file: string
  /** Text that stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Test files (or the beginnings of their paths), the likeliest to notice first. */
  readonly tests: readonly string[]
  /** Of their tests only those whose names match: a shorter way to the one that notices. */
  readonly only?: string
}

const root = new URL('../', import.meta.url)

/** The file's text with the mistake in it. Throws where the text to be replaced does not stand there exactly once. */
export function mutated(mutant: Mutant, text: string): string {
  const occurrences = text.split(mutant.find).length - 1
  if (occurrences !== 1) {
    throw new Error(`mutant ${mutant.id}: its text stands ${occurrences} times in ${mutant.file}, expected once`)
  }
  return text.replace(mutant.find, () => mutant.replace)
}

/** A Vite plugin that builds one mutant into the source as the tests load it. Files on disk are never changed. */
export function mutate(serialized: string | undefined) {
  const mutant = serialized ? (JSON.parse(serialized) as Mutant) : undefined
  const target = mutant && fileURLToPath(new URL(mutant.file, root))
  return {
    name: 'cacheops-mutant',
    enforce: 'pre' as const,
    transform(code: string, id: string) {
      return mutant && id.split('?')[0] === target ? { code: mutated(mutant, code), map: null } : undefined
    },
  }
}

export function readSource(mutant: Mutant): string {
  return readFileSync(new URL(mutant.file, root), 'utf8')
}
