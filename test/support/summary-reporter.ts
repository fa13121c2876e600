import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node'

/** The closing lines of a run: what was skipped, by name, and one line `N passed, N failed`. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, pending: 0 }
    const skipped: string[] = []
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) counts.failed += (suite as TestSuite).errors().length
      for (const test of module.children.allTests()) {
        const { state } = (test as TestCase).result()
        if (state === 'skipped') skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
        else counts[state]++
      }
    }
    for (const name of skipped) console.log(`skipped: ${name}`)
    if (skipped.length > 0) console.log(`${skipped.length} skipped`)
    // A test that never got to run is not a pass.
    console.log(`${counts.passed} passed, ${counts.failed + counts.pending} failed`)
  }
}
