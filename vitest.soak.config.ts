import { mergeConfig } from 'vitest/config'
import ordinary from './vitest.config.js'

// `npm run test:soak`: the property tests of the ordinary suite and what is in test/soak/, each for CACHEOPS_SOAK_SECONDS
// (ten minutes where it is not set).
const seconds = process.env.CACHEOPS_SOAK_SECONDS || '600'

const config = mergeConfig(ordinary, {
  test: {
    testTimeout: Number(seconds) * 1000 + 120_000,
    env: { CACHEOPS_SOAK_SECONDS: seconds },
  },
})
// mergeConfig joins arrays; a soak runs these files instead of the ordinary ones.
config.test.include = ['test/**/*.property.test.ts', 'test/soak/**/*.soak.ts']

export default config
