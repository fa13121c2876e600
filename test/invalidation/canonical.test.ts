import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, imageValue, LONGEST_TEXT, UNKEYED } from '../../src/invalidation/canonical.js'

const long = 'x'.repeat(LONGEST_TEXT + 1)
const UUID = '0190a5e2-1c4b-7d3e-9f00-abcdefabcdef'

describe('canonical (S3)', () => {
  it.each([
    ['integer', ['0', '5', '-5', '9223372036854775807', '-9223372036854775808']],
    ['uuid', [UUID]],
    ['enum', ['draft', 'with space', '']],
    ['text', ['', 'a', 'A', ' a ', 'Ünï', '😀', 'x'.repeat(LONGEST_TEXT)]],
  ] as const)('keeps a %s that is in its one form', (keyType, wires) => {
    for (const wire of wires) expect(canonical(keyType, wire)).toBe(wire)
  })

  it('makes one form of several', () => {
    for (const wire of ['t', 'true', '1']) expect(canonical('boolean', wire)).toBe('t')
    for (const wire of ['f', 'false', '0']) expect(canonical('boolean', wire)).toBe('f')
    expect(canonical('uuid', UUID.toUpperCase())).toBe(UUID)
  })

  it.each([
    ['integer', ['', '05', '-0', '+5', ' 5', '5 ', '5\n', '5.0', '1e3', '0x10', '1_000', '٥', '1'.repeat(20)]],
    ['boolean', ['', 'T', 'TRUE', 'yes', 'on', 'tr', ' t', '2', '01']],
    ['uuid', ['', UUID.replaceAll('-', ''), `{${UUID}}`, `${UUID} `, `${UUID}\n`, UUID.replace('a', 'g')]],
    ['enum', ['\ud800', 'a\u0000b']],
    ['text', [long, '\ud800', 'a\udc00', 'a\u0000b', '\uFEFFa']],
    ['other', ['', '5', 'a']],
  ] as const)('B9: gives no %s for other spellings: they restrict nothing', (keyType, wires) => {
    for (const wire of wires) expect(canonical(keyType, wire)).toBeUndefined()
  })

  it('is idempotent', () => {
    const types = fc.constantFrom('integer', 'boolean', 'uuid', 'enum', 'text', 'other')
    fc.assert(
      fc.property(types, fc.oneof(fc.string({ unit: 'binary' }), fc.integer().map(String), fc.uuid()), (type, wire) => {
        const value = canonical(type, wire)
        if (value !== undefined) expect(canonical(type, value)).toBe(value)
        expect(value).not.toBe(UNKEYED)
      }),
    )
  })
})

describe('imageValue', () => {
  it('is the canonical form where there is one', () => {
    expect(imageValue('integer', '5')).toBe('5')
    expect(imageValue('boolean', 'true')).toBe('t')
    expect(imageValue('text', 'a')).toBe('a')
  })

  it('knows that a text equals no key when it is too long, or starts with a mark that a decoder may drop', () => {
    expect(imageValue('text', long)).toBe(UNKEYED)
    expect(imageValue('text', '\uFEFFa')).toBe(UNKEYED)
  })

  it('knows nothing of a value that may be stored in another form than it was sent in', () => {
    expect(imageValue('integer', '05')).toBeUndefined()
    expect(imageValue('boolean', 'yes')).toBeUndefined()
    expect(imageValue('uuid', UUID.replaceAll('-', ''))).toBeUndefined()
    expect(imageValue('text', '\ud800')).toBeUndefined()
    expect(imageValue('text', `${long}\ud800`)).toBeUndefined()
    expect(imageValue('text', `${long}\u0000`)).toBeUndefined()
  })

  it('knows of a type that nobody compares by key that it equals none', () => {
    expect(imageValue('other', 'a')).toBe(UNKEYED)
  })

  it('is met by every reader whose value the row equals, through any decoder', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ unit: fc.constantFrom('\uFEFF', '\ud83d', '\ude00', '\ufffd', '\u0000', 'a'), maxLength: 4 }),
      fc.string({ minLength: LONGEST_TEXT - 1, maxLength: LONGEST_TEXT + 1 }),
    )
    fc.assert(
      fc.property(texts, (sent) => {
        const stored = new TextEncoder().encode(sent)
        const key = canonical('text', sent)
        if (key === undefined) return // no restriction: every row meets it
        for (const decoded of [new TextDecoder().decode(stored), Buffer.from(stored).toString('utf8')]) {
          const image = imageValue('text', decoded)
          if (image !== undefined) expect(image).toBe(key)
        }
      }),
    )
  })
})
