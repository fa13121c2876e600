import type { WireParam } from '../../engine/connection.js'

/** The parameters of one call. */
export interface Params {
  /** As they are keyed and compared. Bytes are never compared. */
  readonly wire: readonly WireParam[]
  /** For PGlite to serialise, by types that only the server knows: what nobody can change after the call. */
  readonly sent: readonly unknown[]
  /** What PGlite will make of them is not known. */
  readonly unknown: boolean
}

interface Captured {
  readonly wire: WireParam
  readonly sent: unknown
  readonly kind: string
}

const encoder = new TextEncoder()
const markers = new Map<string, Uint8Array>()

/**
 * PGlite serialises a value by the type that the server describes for its place: a number is `5` for an integer, a date for a
 * timestamp. A hit asks no server, so a key is made of the value and its kind: together they determine what is sent. The
 * kinds follow as one more value, which is never sent. Where a column is compared by key, the text is what PGlite sends
 * for its type, or means the same.
 */
export function capture(values: readonly unknown[]): Params {
  const wire: WireParam[] = []
  const sent: unknown[] = []
  let kinds = ''
  let plain = true
  // By index, as a hole is NULL.
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value === 'string') {
      wire.push(value)
      sent.push(value)
      kinds += 's'
      continue
    }
    if (value === null || value === undefined) {
      wire.push(null)
      sent.push(null)
      kinds += 's'
      continue
    }
    const captured = captureOne(value)
    if (!captured) return { wire: [], sent: values, unknown: true }
    wire.push(captured.wire)
    sent.push(captured.sent)
    kinds += captured.kind
    plain = false
  }
  if (!plain) wire.push(marker(kinds))
  return { wire, sent, unknown: false }
}

function marker(kinds: string): Uint8Array {
  let bytes = markers.get(kinds)
  if (!bytes) {
    if (markers.size >= 1000) markers.clear()
    bytes = encoder.encode(kinds)
    markers.set(kinds, bytes)
  }
  return bytes
}

function captureOne(value: NonNullable<unknown>): Captured | undefined {
  switch (typeof value) {
    case 'number':
      return { wire: String(value), sent: value, kind: 'n' }
    case 'bigint':
      return { wire: String(value), sent: value, kind: 'i' }
    case 'boolean':
      // `t` for a boolean, which means the same.
      return { wire: String(value), sent: value, kind: 'b' }
    case 'object':
      return captureObject(value)
    default:
      return undefined
  }
}

function captureObject(value: object): Captured | undefined {
  if (Array.isArray(value)) return captureArray(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (value instanceof Date) {
    if (prototype !== Date.prototype || Number.isNaN(value.getTime())) return undefined
    return { wire: encoder.encode(value.toISOString()), sent: new Date(value), kind: 'd' }
  }
  if (value instanceof Uint8Array) {
    if (prototype === Buffer.prototype) return bytes(Buffer.from(value as Buffer), 'f')
    return prototype === Uint8Array.prototype ? bytes(new Uint8Array(value), 'u') : undefined
  }
  return ArrayBuffer.isView(value) ? undefined : captureOther(value)
}

function bytes(copy: Uint8Array, kind: string): Captured {
  return { wire: copy, sent: copy, kind }
}

/** Any other object: PGlite takes its JSON or its text, whichever the type asks for. */
function captureOther(value: object): Captured | undefined {
  try {
    const json = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)) as
      | string
      | undefined
    const text: unknown = value.toString()
    if (json === undefined || typeof text !== 'string') return undefined
    const parsed: unknown = JSON.parse(json)
    return {
      wire: encoder.encode(`${json.length}:${json}${text}`),
      sent: { toJSON: () => parsed, toString: () => text },
      kind: 'o',
    }
  } catch {
    return undefined
  }
}

function captureArray(values: readonly unknown[]): Captured | undefined {
  const copies: unknown[] = []
  const kinds: string[] = []
  const texts: string[] = []
  let comparable = true
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value === null || value === undefined) {
      copies.push(null)
      kinds.push('0')
      texts.push('null')
      continue
    }
    const captured: Captured | undefined =
      typeof value === 'string' ? { wire: value, sent: value, kind: 's' } : captureOne(value)
    if (!captured) return undefined
    copies.push(captured.sent)
    kinds.push(captured.kind)
    const { wire } = captured
    // Elements that are arrays themselves are never compared (B4).
    if (typeof wire !== 'string' || Array.isArray(value)) comparable = false
    texts.push(
      typeof wire === 'string'
        ? `"${wire.replace(/[\\"]/g, '\\$&')}"`
        : Buffer.from(wire as Uint8Array).toString('base64'),
    )
  }
  const text = `{${texts.join(',')}}`
  return { wire: comparable ? text : encoder.encode(text), sent: copies, kind: `(${kinds.join('')})` }
}
