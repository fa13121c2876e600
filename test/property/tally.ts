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
  /** Reads that were cached and are not any more, and those of them whose answer is another now. */
  answers = 0
  empty = 0
  dropped = 0
  needed = 0
  readonly bypasses = new Map<string, number>()
  readonly #forms = new Map<string, number>()

  add(counts: Counts): void {
    this.cases++
    this.hits += counts.hits
    this.misses += counts.misses
    this.invalidations += counts.invalidations
    for (const [reason, count] of Object.entries(counts.bypasses)) more(this.bypasses, kindOf(reason), count)
  }

  writes(form: string): void {
    more(this.#forms, form, 1)
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
    const asked = [...this.bypasses.values()].reduce((sum, count) => sum + count, 0)
    const share = (count: number) => percent(count / Math.max(1, asked))
    return [
      `${this.cases} cases, ${this.steps} steps, ${this.statements} statements (${this.failedWrites} failed), ${this.reads} reads (${this.failedReads} failed)`,
      `${this.hits} hits (${percent(this.hitShare)} of the reads), ${this.misses} misses, ${asked} past the cache; ${this.invalidations} invalidations; ${percent(this.survivors)} of the entries survived a write`,
      `${this.dropped} dropped, ${this.needed} of them needed (${percent(this.needed / Math.max(1, this.dropped))}), ${(this.needed / Math.max(1, this.cases)).toFixed(1)} a case; ${percent(this.empty / Math.max(1, this.answers))} of the answers without rows`,
      `writes: ${sorted(this.#forms)
        .map(([form, count]) => `${form} ${count}`)
        .join(', ')}`,
      'past the cache:',
      ...sorted(this.bypasses)
        .slice(0, 14)
        .map(([reason, count]) => `  ${share(count)} ${reason}`),
    ].join('\n')
  }
}

/** A reason without the names of the case's own making. */
function kindOf(reason: string): string {
  return reason.replace(/\b(?:public|side)\.\w+/g, 'a relation')
}

function more(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}

function sorted(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1])
}
