import type { Counts } from './world.js'

/** What a run has exercised: a test that never caches, or that invalidates everything, would prove nothing. */
export class Tally {
  cases = 0
  steps = 0
  statements = 0
  reads = 0
  failedReads = 0
  failedWrites = 0
  hits = 0
  misses = 0
  invalidations = 0
  /** Entries that were served before a write, and those of them that were after it. */
  entriesBefore = 0
  entriesAfter = 0
  readonly bypasses = new Map<string, number>()

  add(counts: Counts): void {
    this.cases++
    this.hits += counts.hits
    this.misses += counts.misses
    this.invalidations += counts.invalidations
    for (const [reason, count] of Object.entries(counts.bypasses)) {
      this.bypasses.set(reason, (this.bypasses.get(reason) ?? 0) + count)
    }
  }

  wrote(before: number, after: number): void {
    this.entriesBefore += before
    this.entriesAfter += Math.min(before, after)
  }

  get hitShare(): number {
    return this.hits / Math.max(1, this.reads)
  }

  get survivors(): number {
    return this.entriesAfter / Math.max(1, this.entriesBefore)
  }

  toString(): string {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    const reasons = [...this.bypasses].sort((a, b) => b[1] - a[1]).slice(0, 12)
    return [
      `${this.cases} cases, ${this.steps} steps, ${this.statements} statements (${this.failedWrites} failed), ${this.reads} reads (${this.failedReads} failed)`,
      `${this.hits} hits (${percent(this.hitShare)} of the reads), ${this.misses} misses, ${this.invalidations} invalidations; ${percent(this.survivors)} of the entries survived a write`,
      ...reasons.map(([reason, count]) => `  past the cache ${count} times: ${reason}`),
    ].join('\n')
  }
}
