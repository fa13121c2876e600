import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mutants } from './mutants.js'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

interface Item {
  readonly name: string
  readonly tests: readonly string[]
}

const items: readonly Item[] = [...read('../README.md').matchAll(/^\| ([SAB]\d+) \|.*\| (`.*`) \|$/gm)].map(
  ([, name = '', tests = '']) => ({
    name,
    tests: [...tests.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string),
  }),
)

describe('ways to be wrong', () => {
  it('each that concerns PostgreSQL is in the list', () => {
    const numbers = (letter: string, to: number, without: readonly number[] = []) =>
      Array.from({ length: to }, (_, i) => i + 1)
        .filter((number) => !without.includes(number))
        .map((number) => `${letter}${number}`)
    // What is left out concerns shared stores and results of functions.
    const expected = [...numbers('S', 10), ...numbers('A', 25, [11, 12, 18, 19, 20, 21]), ...numbers('B', 10)]
    expect(items.map(({ name }) => name)).toEqual(expect.arrayContaining(expected))
  })

  it.each(items)('$name has tests that carry its name', ({ name, tests }) => {
    expect(tests.length).toBeGreaterThan(0)
    for (const test of tests) {
      const path = `../${test}.test.ts`
      expect(existsSync(new URL(path, import.meta.url)), path).toBe(true)
      // As in 'A5: …', or 'A3, A15: …'.
      expect(read(path), path).toMatch(new RegExp(`['"\`](?:[SAB]\\d+, )*${name}(?:, [SAB]\\d+)*: `))
    }
  })

  it.each(items)('$name has mutants', ({ name }) => {
    expect(mutants.filter((mutant) => mutant.rule === name)).not.toEqual([])
  })
})
