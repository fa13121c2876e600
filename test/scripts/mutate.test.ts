import { describe, expect, it } from 'vitest'
import { type Mutant, mutated } from '../../scripts/mutate.js'

const mutant: Mutant = {
  id: 'x',
  rule: 'S1',
  what: 'adds instead of subtracting',
  file: 'src/x.ts',
  find: 'a - b',
  replace: "a + b + '$&'",
  tests: ['test/x.test.ts'],
}

describe('a mutant', () => {
  it('replaces its text, taken literally', () => {
    expect(mutated(mutant, 'return a - b')).toBe("return a + b + '$&'")
  })

  it('is refused where its text is not there, or more than once', () => {
    expect(() => mutated(mutant, 'return a * b')).toThrow(
      'mutant x: its text stands 0 times in src/x.ts, expected once',
    )
    expect(() => mutated(mutant, 'a - b, a - b')).toThrow('stands 2 times')
  })
})
