import { randomBytes } from 'node:crypto'

/**
 * What the value of a table stamp begins with: the layout of the keys below it, of entries, and of the values in conjs. Another layout
 * gets another mark; names of table stamps and of those above never change, so that processes of two layouts notice (A22).
 */
export const LAYOUT = '1.'

/** In the place of a stamp: the table or database is blocked (A2). */
export const BLOCKED = '!'

/** 12 characters, 72 bits: enough that a replaced stamp never comes back. Made here, as the server's random may repeat (A12). */
export function newStamp(): string {
  return randomBytes(9).toString('base64url')
}

export function newTableStamp(): string {
  return LAYOUT + newStamp()
}
