import type { CommentOptions } from './analysis.js'

/** What the comments of a statement ask for together; `notes` are their texts behind `cacheops:`. */
export function commentOptions(notes: readonly string[]): CommentOptions | undefined {
  if (notes.length === 0) return undefined
  let off = false
  let ttl: string | undefined
  let lock: boolean | undefined
  const unknown: string[] = []
  for (const word of notes.join(' ').split(/[\s,]+/)) {
    const lower = word.toLowerCase()
    if (lower === '') continue
    if (lower === 'off') off = true
    else if (lower === 'lock' || lower === 'lock=true') lock = true
    else if (lower === 'lock=false') lock = false
    else if (lower.startsWith('ttl=') && lower.length > 4) ttl = word.slice(4)
    else unknown.push(word)
  }
  return { off, ...(ttl !== undefined && { ttl }), ...(lock !== undefined && { lock }), unknown }
}
