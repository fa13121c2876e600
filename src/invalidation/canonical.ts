import type { KeyType } from '../catalog/catalog.js'

/**
 * The longest text that is compared by key, in UTF-16 units. Part of the layout of stamps: processes that share a store
 * must agree on it, because `imageValue` concludes from it that no reader has a key for a longer text (A22).
 */
export const LONGEST_TEXT = 256

/**
 * The value of an image's column that is known well enough to say that it equals no key: longer than any key may be.
 * `canonical` never gives it, since it refuses NUL and PostgreSQL stores none.
 */
export const UNKEYED = '\u0000'

const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * S3: the one form of a value under which it enters a conj key: two values of a column are equal for the database exactly
 * if their canonical forms are equal. For a reader, `undefined` means that the value restricts nothing (B9): the type's
 * equality is not mirrored, or the spelling is not one that is surely understood. For a row image use `imageValue`.
 */
export function canonical(keyType: KeyType, wire: string): string | undefined {
  switch (keyType) {
    case 'integer':
      return INTEGER.test(wire) ? wire : undefined
    case 'boolean':
      return canonicalBoolean(wire)
    case 'uuid':
      return UUID.test(wire) ? wire.toLowerCase() : undefined
    case 'enum':
    case 'text':
      return wire.length <= LONGEST_TEXT && isText(wire) && !startsWithMark(wire) ? wire : undefined
    case 'other':
      return undefined
  }
}

/**
 * The value of a column in a row image, from its wire text: its canonical form, or `UNKEYED` where it is known to equal
 * no key, or `undefined` where it must count as unknown (leave the column out of the image then).
 *
 * Why `UNKEYED` is right where it is given: suppose a reader restricts the column to a value v by a key k. Then
 * k = canonical(v), and for text canonical is the identity, so v = k: well formed, at most LONGEST_TEXT units, no mark at
 * its start. The reader sent v as UTF-8, and a row's text equals it only if it is the same bytes (text that is compared by
 * key has a deterministic collation). Decoding the bytes of a well-formed string gives that string again (a decoder that
 * strips a byte order mark changes nothing, v has none). So a row that equals v shows up in an image as k, and an image
 * that is longer, or starts with a mark, is no such row. Readers whose own value was refused have no restriction on
 * the column, so they lose nothing. For everything else that canonical refuses the argument fails: a lone surrogate is
 * stored as U+FFFD, and `05` in a WHERE clause that pins an integer is the row 5. Those are unknown.
 */
export function imageValue(keyType: KeyType, wire: string): string | undefined {
  const value = canonical(keyType, wire)
  if (value !== undefined) return value
  // No reader has a key for such a type but NULL, which is no wire text.
  if (keyType === 'other') return UNKEYED
  return (keyType === 'text' || keyType === 'enum') && isText(wire) ? UNKEYED : undefined
}

/** PostgreSQL reads more spellings (`yes`, `ON`, ` tr`); these are exact in every version, and all that drivers send. */
function canonicalBoolean(wire: string): string | undefined {
  switch (wire) {
    case 't':
    case 'true':
    case '1':
      return 't'
    case 'f':
    case 'false':
    case '0':
      return 'f'
    default:
      return undefined
  }
}

/** What a database can hold as it is: no NUL, and no half of a surrogate pair (encoders store U+FFFD in its place). */
function isText(wire: string): boolean {
  return !wire.includes('\u0000') && !LONE_SURROGATE.test(wire)
}

/** Some drivers decode with `TextDecoder`, which drops a byte order mark: a row's image would then not show it. */
function startsWithMark(wire: string): boolean {
  return wire.startsWith('\uFEFF')
}
