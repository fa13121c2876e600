import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A copy of cacheops' sources in which something is different. */
export interface Copy {
  readonly source: string
  remove(): void
}

/** Lays out its keys in another way, as a later version might (A22). */
export function otherLayout(): Copy {
  const find = "export const LAYOUT = '1.'"
  return copy([{ file: 'store/redis/stamp.ts', find, replace: "export const LAYOUT = '2.'" }])
}

/** Does not look which server it is connected to (A12). */
export function trusting(): Copy {
  const find = 'await deadline(this.#tell(client, ids, lost))'
  return copy([{ file: 'store/redis/link.ts', find, replace: '' }])
}

function copy(edits: readonly Edit[]): Copy {
  const directory = mkdtempSync(join(tmpdir(), 'cacheops-copy-'))
  const source = join(directory, 'src')
  cpSync(join(ROOT, 'src'), source, { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  for (const { file, find, replace } of edits) {
    const path = join(source, file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(find)) throw new Error(`${file}: expected ${find}`)
    writeFileSync(path, text.replace(find, replace))
  }
  return { source, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
