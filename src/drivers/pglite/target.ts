import type { PGliteInterface } from '@electric-sql/pglite'

export type Parsers = Readonly<Record<number | string, ((text: string, oid: number) => unknown) | undefined>>
type Serializers = Readonly<Record<number | string, ((value: unknown) => unknown) | undefined>>

/** What a PGlite has beside its documented interface; `PGliteWorker` and older versions lack some of it. */
interface Inner {
  readonly parsers: Parsers
  readonly serializers: Serializers
  isInTransaction?(): boolean
  syncToFs?(): Promise<void>
  /** Holds off the queries and transactions of others, but not what runs inside of it past `query` and `exec`. */
  _runExclusiveTransaction?<T>(fn: () => Promise<T>): Promise<T>
  execProtocolStream?(message: Uint8Array, options: object): Promise<unknown[]>
}

/** The user's own instance. */
export type Target = PGliteInterface & Inner

/** PGlite's own parser and serializer of a type, by the name under which an instance keeps both. */
const STANDARD: Readonly<Record<number, string>> = {
  0: 'number',
  16: 'boolean',
  17: 'bytea',
  20: 'bigint',
  21: 'number',
  23: 'number',
  25: 'string',
  26: 'number',
  114: 'json',
  700: 'number',
  701: 'number',
  1042: 'string',
  1043: 'string',
  1082: 'date',
  1114: 'date',
  1184: 'date',
  3802: 'json',
}
const STANDARD_OIDS = Object.entries(STANDARD).map(([oid, name]) => [Number(oid), name] as const)

/** The parser of a column for one call: the caller's, else the instance's, else PGlite's own. */
export function parserOf(
  target: Target,
  given: Parsers | undefined,
  oid: number,
): ((text: string, oid: number) => unknown) | undefined {
  const { parsers } = target
  // One that the caller set to undefined takes the instance's away.
  const own = given && Object.hasOwn(given, oid) ? given[oid] : parsers[oid]
  return own ?? parsers[STANDARD[oid] ?? '']
}

const ARRAY_PROBE = {}
const looked = new WeakMap<object, boolean>()

/**
 * Whether an instance turns parameters into text as PGlite by itself does, so that it is known without asking the
 * database for their types. Serializers of other types than PGlite's own are looked at once.
 */
export function serializesAsUsual({ serializers }: Target): boolean {
  for (const [oid, name] of STANDARD_OIDS) if (serializers[oid] !== serializers[name]) return false
  let usual = looked.get(serializers)
  if (usual === undefined) {
    usual = Object.entries(serializers).every(
      ([key, serializer]) => !/^\d+$/.test(key) || key in STANDARD || ofArray(serializer),
    )
    looked.set(serializers, usual)
  }
  return usual
}

/** PGlite's serializers of arrays give back what is not an array. */
function ofArray(serializer: ((value: unknown) => unknown) | undefined): boolean {
  try {
    return serializer === undefined || (serializer(ARRAY_PROBE) === ARRAY_PROBE && serializer([]) === '{}')
  } catch {
    return false
  }
}
