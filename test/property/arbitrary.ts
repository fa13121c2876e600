import fc from 'fast-check'
import type { History } from './history.js'

/** Numbers that decide; all of them, not only the small ones, from the first run on. */
function numbers(most: number): fc.Arbitrary<number[]> {
  return fc.noBias(fc.array(fc.nat(999_999), { minLength: most >> 1, maxLength: most, size: 'max' }))
}

export function history(options: { readonly steps: number }): fc.Arbitrary<History> {
  return fc.record({
    schema: numbers(160),
    reads: fc.noBias(fc.array(numbers(120), { minLength: 6, maxLength: 14, size: 'max' })),
    steps: fc.noBias(fc.array(numbers(60), { minLength: options.steps >> 1, maxLength: options.steps, size: 'max' })),
  })
}
