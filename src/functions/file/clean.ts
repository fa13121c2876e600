import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ENTRY_FILE, isMissing, SHARD, UNFINISHED_FILE } from './entry-file.js'

/** So old is what a process has left that ended while it wrote. */
const ABANDONED_MS = 3_600_000

/** What a cleaning did. */
export interface Cleaned {
  readonly removed: number
  readonly left: number
}

/** Removes what has expired, and what was left half written. A file that is renewed at that moment may go with it: a miss. */
export async function clean(dir: string): Promise<Cleaned> {
  let removed = 0
  let left = 0
  for (const shard of await list(dir)) {
    if (!SHARD.test(shard)) continue
    for (const name of await list(join(dir, shard))) {
      const entry = ENTRY_FILE.test(name)
      if (!entry && !UNFINISHED_FILE.test(name)) continue
      const path = join(dir, shard, name)
      if (await isOver(path, entry)) {
        await rm(path, { force: true })
        removed++
      } else left++
    }
  }
  return { removed, left }
}

/** The names in a directory; none where it does not exist. */
export async function list(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function isOver(path: string, entry: boolean): Promise<boolean> {
  try {
    const { mtimeMs, ctimeMs } = await stat(path)
    return entry ? mtimeMs <= Date.now() : ctimeMs <= Date.now() - ABANDONED_MS
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
