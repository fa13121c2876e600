import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What a file begins with; another layout gets another mark. */
const MARK = 'cacheops-file 1'

/** Files of ours, by their names: others in the directory are left alone. */
export const ENTRY_FILE = /^[0-9a-f]{40}(-[0-9a-f]{24})?$/
export const UNFINISHED_FILE = /^[0-9a-f]{40}(-[0-9a-f]{24})?\.\d+-[0-9a-f]{16}\.tmp$/
export const SHARD = /^[0-9a-f]{2}$/

/** Where a key is kept. Variants of one key lie side by side, so that they can be dropped together. */
export function pathOf(dir: string, key: string, variant?: string): string {
  const name = digest(key)
  const file = name.slice(0, 40)
  return join(dir, name.slice(40, 42), variant === undefined ? file : `${file}-${digest(variant).slice(0, 24)}`)
}

/** The text under a key; undefined where there is none, it has expired, or the file is damaged. @throws where it cannot be read */
export async function readEntry(path: string, key: string): Promise<string | undefined> {
  let bytes: Buffer
  try {
    const file = await open(path, 'r')
    try {
      // By the same handle: whatever is put in its place meanwhile, this one's time and text belong together.
      const { mtimeMs } = await file.stat()
      if (!(mtimeMs > Date.now())) return undefined
      bytes = await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const end = bytes.indexOf(10)
  const body = bytes.subarray(end + 1)
  return end > 0 && bytes.toString('utf8', 0, end) === header(key, body) ? body.toString('utf8') : undefined
}

/** Writes a whole file aside, with the time at which it ends, and puts it in place in one step. */
export async function writeEntry(path: string, key: string, text: string, expires: number): Promise<void> {
  const body = Buffer.from(text)
  const aside = `${path}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(aside, Buffer.concat([Buffer.from(`${header(key, body)}\n`), body]), { flag: 'wx' })
    await utimes(aside, Date.now() / 1000, expires / 1000)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT'
}

/** Says what it is, whose, and whether all of it is there. */
function header(key: string, body: Buffer): string {
  return `${MARK} ${digest(key)} ${createHash('sha256').update(body).digest('hex')}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
