import { randomBytes } from 'node:crypto'

/**
 * What the value of a table stamp begins with: the layout of the keys below it, of entries, and of the values in conjs. Another layout
 * gets another mark; names of table stamps and of those above never change, so that processes of two layouts notice (A22).
 */
export const LAYOUT = '1.'

/** In the place of a stamp: the table or database is blocked (A2). */
export const BLOCKED = '!'

/** How long a new stamp with an end waits for the first entry that records it: longer than most queries take. */
export const LEASE_MS = 600_000

/** 12 characters, 72 bits: enough that a replaced stamp never comes back. Made here, as the server's random may repeat (A12). */
export function newStamp(): string {
  return randomBytes(9).toString('base64url')
}

export function newTableStamp(): string {
  return LAYOUT + newStamp()
}

/**
 * A7: the catalog stamp that readers compare is of the global one, too, as a server that has lost anything may have lost a change of
 * the catalog. Undefined where one of the two is gone.
 */
export function catalogStampOf(global: string | null, catalog: string | null): string | undefined {
  return global === null || catalog === null ? undefined : `${catalog}.${global}`
}
