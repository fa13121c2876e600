import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode, encodeKey } from '../../src/functions/values.js'
import { budget } from '../support/property.js'

describe('values', () => {
  const kept: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['numbers', [0, -0, 1.5, -1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['strings', ['', 'ü\u0000😀\ud800', '$', '__proto__']],
    ['bigint', [0n, -(2n ** 80n)]],
    ['dates', [new Date(0), new Date(8.64e15), new Date(Number.NaN)]],
    ['bytes', { buffer: Buffer.from([0, 255, 13]), bytes: new Uint8Array([1, 2]), empty: Buffer.alloc(0) }],
    ['a part of a buffer', Buffer.from('abcdef').subarray(2, 4)],
    [
      'maps and sets',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1n, undefined])],
        [new Map(), [new Date(1)]],
      ]),
    ],
    ['keys that look like words', { $: 'u', v: 1 }],
    ['nested words', { a: { $: { $: 'i', v: '1' } }, v: [{ $: null }] }],
    ['a key __proto__', JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":1}}')],
    ['no prototype', Object.assign(Object.create(null), { a: undefined, $: 1 })],
    ['undefined in an object', { a: undefined, b: [undefined] }],
    ['the same twice', ((same) => [same, same])({ a: 1 })],
  ]
  it.each(kept)('come back as they were: %s', (_, value) => {
    const back = decode(encode(value, 'it'))
    expect(back).toStrictEqual(value)
    expect(Object.getPrototypeOf(Object(back))).toBe(Object.getPrototypeOf(Object(value)))
  })

  it('come back with nothing shared', () => {
    const value = { list: [1], bytes: Buffer.from('a') }
    const text = encode(value, 'it')
    const [one, two] = [decode(text), decode(text)] as [typeof value, typeof value]
    one.list.push(2)
    one.bytes[0] = 0
    expect(two).toStrictEqual(value)
  })

  it('of another realm are taken as what they are', () => {
    const value: unknown = runInNewContext('({ a: [new Date(5)], b: new Map([[1, new Set([2n])]]) })')
    expect(decode(encode(value, 'it'))).toStrictEqual({ a: [new Date(5)], b: new Map([[1, new Set([2n])]]) })
  })

  class Money {
    readonly cents = 1
  }
  const cycle: { self?: unknown } = {}
  cycle.self = [cycle]
  const refused: readonly (readonly [unknown, string])[] = [
    [
      { a: [() => 1] },
      'the result.a[0]: expected JSON values, undefined, bigint, Date, Map, Set, Buffer and Uint8Array, got a function',
    ],
    [Symbol('x'), 'the result: expected'],
    [{ [Symbol('tag')]: 1 }, 'Symbol(tag)'],
    [
      { price: new Money() },
      'the result.price: expected JSON values, undefined, bigint, Date, Map, Set, Buffer and Uint8Array, got an instance of Money',
    ],
    [cycle, 'the result.self[0]: expected'],
    [new Map([['k', new Map([[cycle, 1]])]]), 'the result.k.(key).self[0]'],
    [[Promise.resolve(1)], 'await it'],
    [new Error('x'), 'an instance of Error'],
    [/x/, 'an instance of RegExp'],
    [new (class extends Date {})(), 'an instance of'],
    [new (class extends Map {})(), 'an instance of'],
    [new (class extends Array {})(), 'an array with'],
    [new Float64Array(1), 'an instance of Float64Array'],
    [Object.assign([1], { count: 1 }), 'an array with'],
    // biome-ignore lint/suspicious/noSparseArray: it is what is refused
    [[1, , 2], 'an array with holes'],
    [new WeakMap(), 'an instance of WeakMap'],
    [Object(1), 'an instance of Number'],
  ]
  it.each(refused)('that cannot be kept exactly are refused: %o', (value, message) => {
    expect(() => encode(value, 'the result')).toThrow(TypeError)
    expect(() => encode(value, 'the result')).toThrow(message)
    expect(() => encodeKey(value, 'the result')).toThrow(message)
  })

  it('of any shape come back', () => {
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      key: fc.oneof(fc.string(), fc.constantFrom('$', 'v', '__proto__')),
    })
    fc.assert(
      fc.property(value, (each) => {
        expect(decode(encode(each, 'it'))).toStrictEqual(each)
      }),
      budget({ runs: 300, seconds: 10 }),
    )
  })
})

describe('keys of values', () => {
  it('do not depend on the order of members', () => {
    const one = {
      a: 1,
      b: new Map<unknown, unknown>([
        ['x', 1],
        [{ p: 1, q: 2 }, 2],
      ]),
      c: new Set([1, 'z', 2n]),
    }
    const two = {
      c: new Set(['z', 2n, 1]),
      b: new Map<unknown, unknown>([
        [{ q: 2, p: 1 }, 2],
        ['x', 1],
      ]),
      a: 1,
    }
    expect(encodeKey(one, 'it')).toBe(encodeKey(two, 'it'))
    expect(encodeKey([1, 2], 'it')).not.toBe(encodeKey([2, 1], 'it'))
  })

  const different: readonly unknown[] = [
    1,
    '1',
    1n,
    true,
    'true',
    null,
    'null',
    undefined,
    [],
    {},
    [[]],
    [undefined],
    [null],
    '',
    0,
    -0,
    Number.NaN,
    'NaN',
    new Date(0),
    0n,
    new Date(0).toISOString(),
    new Map(),
    new Set(),
    Buffer.alloc(0),
    new Uint8Array(0),
    { a: undefined },
    { a: null },
    { $: 'u' },
    { $: 'i', v: '1' },
    new Map([['a', null]]),
    [['a', null]],
    new Set([1]),
    [1],
    Buffer.from('a'),
    'YQ==',
    'a',
  ]
  it('differ where values differ', () => {
    const keys = different.map((value) => encodeKey(value, 'it'))
    expect(new Set(keys).size).toBe(different.length)
  })
})
