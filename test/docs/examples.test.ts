import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readPage, readPages, writeModules } from '../../scripts/docs-examples.js'
import { createDatabase } from '../support/postgres.js'
import { fillExampleTables } from './example-tables.js'

const pages = readPages()
writeModules(pages)

describe('the examples of the documentation', () => {
  it('are there', () => {
    const withExamples = pages.filter(({ blocks }) => blocks.length > 0).map(({ file }) => file)
    expect(withExamples).toContain('README.md')
    expect(withExamples).toContain('docs/configuration.md')
    expect(withExamples).toContain('docs/events-and-explain.md')
  })

  it('are each marked as run or no-run', () => {
    expect(pages.flatMap(({ file, unmarked }) => unmarked.map((line) => `${file}:${line}`))).toEqual([])
  })

  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })

  for (const page of pages.filter(({ blocks }) => blocks.length > 0)) {
    it(`of ${page.file} run, and print what they say`, async () => {
      const database = await createDatabase('docs')
      await fillExampleTables(database.url)
      vi.stubEnv('DATABASE_URL', database.url)
      const printed: string[] = []
      vi.spyOn(console, 'log').mockImplementation((...values: readonly unknown[]) => {
        printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '))
      })
      await import(/* @vite-ignore */ new URL(`./generated/${page.module}`, import.meta.url).href)
      expect(printed).toEqual(page.prints)
      // Only now: under a page that failed half-way, connections are open, and the end of the run drops it.
      await database.drop()
    })
  }
})

describe('a page', () => {
  it('gives its blocks with their lines, what they print, and what is not marked', () => {
    const text = [
      '# Title',
      '```ts run',
      'const a = 1',
      'console.log(a) // prints: 1',
      '```',
      '```sql',
      'select 1',
      '```',
      '```ts no-run',
      'fragment(…)',
      '```',
      '```ts',
      'forgotten()',
      '```',
    ].join('\n')
    expect(readPage('docs/some/page.md', text)).toEqual({
      file: 'docs/some/page.md',
      blocks: [{ line: 3, code: 'const a = 1\nconsole.log(a) // prints: 1\n' }],
      unmarked: [12],
      prints: ['1'],
      module: 'docs-some-page.ts',
    })
  })
})
