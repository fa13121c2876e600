import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conjKey, makeScheme } from '../../src/invalidation/scheme.js'

describe('makeScheme', () => {
  it('sorts, drops what is repeated, and reads what it compares', () => {
    const scheme = makeScheme('public.posts', ['b', 'a', 'b'], ['z', 'c', 'z'])
    expect(scheme).toMatchObject({ table: 'public.posts', compared: ['a', 'b'], read: ['a', 'b', 'c', 'z'] })
  })

  it('gives equal shapes one id, however they are spelled', () => {
    const one = makeScheme('public.posts', ['b', 'a'], ['c', 'a'])
    const two = makeScheme('public.posts', ['a', 'b'], ['b', 'c', 'c'])
    expect(two.id).toBe(one.id)
  })

  it('B9: gives other shapes other ids, full hashes', () => {
    const shapes = [
      makeScheme('public.posts', [], []),
      makeScheme('public.posts', [], undefined),
      makeScheme('public.posts', ['a'], []),
      makeScheme('public.posts', [], ['a']),
      makeScheme('public.posts', ['a'], undefined),
      makeScheme('public.posts', ['a', 'b'], []),
      makeScheme('public.posts', ['a,b'], []),
      makeScheme('public.posts', ['a","b'], []),
      makeScheme('public.post', ['a'], []),
    ]
    expect(new Set(shapes.map(({ id }) => id)).size).toBe(shapes.length)
    for (const { id } of shapes) expect(id).toMatch(/^[\w-]{43}$/)
  })

  it('A9: a scheme that reads a system column reads everything', () => {
    expect(makeScheme('public.posts', ['a'], ['a', 'xmin']).read).toBeUndefined()
  })

  it('B10: keeps ids right when its cache is full', () => {
    const { id } = makeScheme('public.posts', ['a'], ['a'])
    for (let i = 0; i < 5000; i++) makeScheme('public.posts', [`c${i}`], [])
    expect(makeScheme('public.posts', ['a'], ['a']).id).toBe(id)
  })
})

describe('conjKey', () => {
  it('writes lengths and a mark for NULL', () => {
    expect(conjKey([])).toBe('')
    expect(conjKey(['a', null])).toBe('1:a-')
  })

  it('is injective', () => {
    const value = fc.oneof(fc.constant(null), fc.string({ unit: fc.constantFrom('1', ':', '-', 'a'), maxLength: 5 }))
    const values = fc.array(value, { maxLength: 4 })
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(conjKey(a) === conjKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
      { numRuns: 2000 },
    )
  })
})
