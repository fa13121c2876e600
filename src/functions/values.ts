import { types } from 'node:util'
import { show } from '../base/duration.js'

/*
 * Values as text, exactly: JSON, and what JSON has no word for as objects whose first key is '$'. Readable by every
 * process and every version of Node that knows these words; new words need a new mark in the keys of results.
 *
 *   {"$":"u"} undefined      {"$":"n","v":"NaN"} a number       {"$":"i","v":"12"} bigint
 *   {"$":"d","v":0} Date     {"$":"b","v":"…"} Buffer           {"$":"a","v":"…"} Uint8Array, both base64
 *   {"$":"m","v":[[k,v]]} Map          {"$":"s","v":[v]} Set
 *   {"$":"o","v":[["k",v]]} an object with a key '$'            {"$":"p","v":[["k",v]]} one without a prototype
 */

const KINDS = 'JSON values, undefined, bigint, Date, Map, Set, Buffer and Uint8Array'

/**
 * A value as text from which `decode` makes an equal one that shares nothing with it.
 *
 * @param where - what the value is, e.g. `the result of page`, for the error
 * @throws TypeError that names the path of what cannot be kept exactly: functions, symbols, cycles, instances of classes
 */
export function encode(value: unknown, where: string): string {
  return JSON.stringify(new Encoder(where, false).encode(value))
}

/** A text that is the same for values that are equal, in whatever order an object, a Map or a Set holds its members. */
export function encodeKey(value: unknown, where: string): string {
  return JSON.stringify(new Encoder(where, true).encode(value))
}

/** @throws SyntaxError where the text is not what `encode` makes */
export function decode(text: string): unknown {
  return revive(JSON.parse(text))
}

class Encoder {
  readonly #where: string
  readonly #sorted: boolean
  readonly #path: (string | number)[] = []
  readonly #above = new Set<object>()

  constructor(where: string, sorted: boolean) {
    this.#where = where
    this.#sorted = sorted
  }

  encode(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'undefined':
        return { $: 'u' }
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : { $: 'n', v: Object.is(value, -0) ? '-0' : String(value) }
      case 'bigint':
        return { $: 'i', v: String(value) }
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        return this.#refuse(show(value))
    }
  }

  #object(value: object): unknown {
    if (this.#above.has(value)) return this.#refuse('a cycle: it contains itself')
    this.#above.add(value)
    const encoded = this.#members(value)
    this.#above.delete(value)
    return encoded
  }

  #members(value: object): unknown {
    if (Array.isArray(value)) return this.#array(value)
    if (types.isDate(value) && depth(value) === 2) return { $: 'd', v: value.getTime() }
    if (types.isMap(value) && depth(value) === 2) {
      const entries = [...value].map(([key, member]) => [this.#at('(key)', key), this.#at(pathOf(key), member)])
      return { $: 'm', v: this.#inOrder(entries) }
    }
    if (types.isSet(value) && depth(value) === 2) {
      return { $: 's', v: this.#inOrder([...value].map((member, index) => this.#at(index, member))) }
    }
    if (Buffer.isBuffer(value) && depth(value) === 4) return { $: 'b', v: value.toString('base64') }
    if (types.isUint8Array(value) && depth(value) === 3) {
      return { $: 'a', v: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
    }
    return this.#plain(value)
  }

  #array(value: readonly unknown[]): unknown {
    // Also where a member is missing or a class adds its own.
    if (depth(value) !== 2 || Object.keys(value).length !== value.length) {
      return this.#refuse('an array with holes, with properties, or of a class of its own: pass [...it]')
    }
    return value.map((member, index) => this.#at(index, member))
  }

  #plain(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value)
    // By its depth, as objects of another realm (a test runner's) have another Object.prototype.
    if (depth(value) > 1) {
      const { name } = (prototype as { constructor?: { name?: string } }).constructor ?? {}
      const hint = types.isPromise(value) ? 'await it' : 'pass a plain object'
      return this.#refuse(`an instance of ${name || 'a class'}: ${hint}`)
    }
    const symbol = Object.getOwnPropertySymbols(value).find((key) =>
      Object.prototype.propertyIsEnumerable.call(value, key),
    )
    if (symbol !== undefined) return this.#refuse(`an object with the key ${String(symbol)}`)
    const keys = Object.keys(value)
    if (this.#sorted) keys.sort()
    const entries = keys.map((key): [string, unknown] => [key, this.#at(key, (value as Record<string, unknown>)[key])])
    if (prototype === null) return { $: 'p', v: entries }
    if (keys.includes('$') || keys.includes('__proto__')) return { $: 'o', v: entries }
    return Object.fromEntries(entries)
  }

  #at(step: string | number, member: unknown): unknown {
    this.#path.push(step)
    const encoded = this.encode(member)
    this.#path.pop()
    return encoded
  }

  #inOrder(members: readonly unknown[]): readonly unknown[] {
    if (!this.#sorted) return members
    return members
      .map((member) => ({ member, text: JSON.stringify(member) }))
      .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
      .map(({ member }) => member)
  }

  #refuse(what: string): never {
    const path = this.#path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
    throw new TypeError(`${this.#where}${path}: expected ${KINDS}, got ${what}.`)
  }
}

/** How many prototypes there are above: 1 of `{}`, 2 of a Map, more of what extends one. */
function depth(value: object): number {
  let count = 0
  for (let at = Object.getPrototypeOf(value) as object | null; at !== null; at = Object.getPrototypeOf(at)) count++
  return count
}

function pathOf(key: unknown): string {
  return typeof key === 'object' || typeof key === 'symbol' ? '(value)' : String(key)
}

function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(revive)
  const { $: tag, v } = value as { $?: string; v?: unknown }
  if (tag === undefined) {
    for (const key of Object.keys(value)) {
      const object = value as Record<string, unknown>
      object[key] = revive(object[key])
    }
    return value
  }
  switch (tag) {
    case 'u':
      return undefined
    case 'n':
      return Number(v)
    case 'i':
      return BigInt(v as string)
    case 'd':
      return new Date((v as number | null) ?? Number.NaN)
    case 'm':
      return new Map((v as [unknown, unknown][]).map(([key, member]) => [revive(key), revive(member)]))
    case 's':
      return new Set((v as unknown[]).map(revive))
    case 'b':
      return Buffer.from(v as string, 'base64')
    case 'a':
      return new Uint8Array(Buffer.from(v as string, 'base64'))
    case 'o':
      return withKeys({}, v as [string, unknown][])
    case 'p':
      return withKeys(Object.create(null) as object, v as [string, unknown][])
    default:
      throw new SyntaxError(`a value was kept with the unknown word ${show(tag)}`)
  }
}

/** `__proto__` as a key like others. */
function withKeys(object: object, entries: readonly (readonly [string, unknown])[]): object {
  for (const [key, member] of entries) {
    Object.defineProperty(object, key, { value: revive(member), enumerable: true, writable: true, configurable: true })
  }
  return object
}
