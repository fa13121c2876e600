import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { mutate } from './scripts/mutate.js'
import { SummaryReporter } from './test/support/summary-reporter.js'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  plugins: [mutate(process.env.CACHEOPS_MUTANT)],
  resolve: {
    // Examples and adapters import the package as users do.
    alias: [
      { find: /^cacheops$/, replacement: source('index.ts') },
      { find: /^cacheops\/pg$/, replacement: source('drivers/pg/index.ts') },
      { find: /^cacheops\/pglite$/, replacement: source('drivers/pglite/index.ts') },
      { find: /^cacheops\/file$/, replacement: source('functions/file/index.ts') },
      { find: /^cacheops\/redis$/, replacement: source('store/redis/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new SummaryReporter()],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
