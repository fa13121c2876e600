import { createHash } from 'node:crypto'

/** A Lua script, sent by its hash; by its text where the server does not know it. */
export interface Script {
  readonly name: string
  readonly lua: string
  /** SHA-1 of the text, as EVALSHA names it. */
  readonly sha: string
}

export function script(name: string, lua: string): Script {
  const text = lua.trim()
  return { name, lua: text, sha: createHash('sha1').update(text).digest('hex') }
}
