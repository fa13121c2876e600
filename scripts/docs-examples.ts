/**
 * The examples of README.md and docs/*.md as programs: the ```ts blocks of one page marked `run`, in order, are one
 * module. `npm run check` compiles the modules, test/docs/examples.test.ts runs them.
 *
 * - ```ts run        is compiled and run
 * - ```ts no-run     is only shown (a fragment, or it needs what a test does not have)
 * - `// prints: …`   at the end of a line or alone: what the program prints next
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Page {
  /** From the repository's root, e.g. `docs/configuration.md`. */
  readonly file: string
  /** The blocks marked `run`; lines are counted from 1. */
  readonly blocks: readonly { readonly line: number; readonly code: string }[]
  /** Lines of ts blocks that are marked neither `run` nor `no-run`. */
  readonly unmarked: readonly number[]
  /** What `// prints:` promises, in order. */
  readonly prints: readonly string[]
  /** The module that the blocks make, below test/docs/generated/. */
  readonly module: string
}

const root = new URL('../', import.meta.url)
const generated = new URL('test/docs/generated/', root)

export function readPages(): readonly Page[] {
  const docs = readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
  return ['README.md', ...docs.sort()].map((file) => readPage(file, readFileSync(new URL(file, root), 'utf8')))
}

export function readPage(file: string, text: string): Page {
  const blocks: { line: number; code: string }[] = []
  const unmarked: number[] = []
  for (const match of text.matchAll(/^(`{3,})(?:ts|typescript)\b([^\n]*)\n([\s\S]*?)^\1`*\s*$/gm)) {
    const line = text.slice(0, match.index).split('\n').length
    const words = (match[2] as string).trim().split(/\s+/)
    if (words.includes('run')) blocks.push({ line: line + 1, code: match[3] as string })
    else if (!words.includes('no-run')) unmarked.push(line)
  }
  const prints = blocks.flatMap(({ code }) =>
    [...code.matchAll(/\/\/ prints: (.*)$/gm)].map((found) => found[1]?.trim() ?? ''),
  )
  return { file, blocks, unmarked, prints, module: `${file.replace(/\.md$/, '').replaceAll('/', '-')}.ts` }
}

/** Writes the modules of all pages that have any, with each line where it stands in its page, so that errors point there. */
export function writeModules(pages: readonly Page[]): void {
  rmSync(generated, { recursive: true, force: true })
  mkdirSync(generated, { recursive: true })
  for (const page of pages.filter(({ blocks }) => blocks.length > 0)) {
    const lines: string[] = []
    for (const { line, code } of page.blocks) {
      while (lines.length < line - 1) lines.push('')
      lines.push(...code.trimEnd().split('\n'))
    }
    writeFileSync(new URL(page.module, generated), `${lines.join('\n')}\nexport {}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeModules(readPages())
