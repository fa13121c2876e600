/** Counts since the start, of this process. */
export class Stats {
  hits = 0
  misses = 0
  /** Reads that went past the cache, by reason. */
  readonly bypasses = new Map<string, number>()
  /** Calls of functions. */
  readonly functions = { hits: 0, misses: 0 }
  invalidations = 0
  storeErrors = 0
  /** Of `verify`. `skipped`: a write came in between, the session's settings differ from the pool's, or it could not be asked. */
  readonly verified = { equal: 0, different: 0, skipped: 0 }

  bypassed(reason: string): void {
    // Reasons name tables and functions: bounded, as a hostile text must not fill the memory.
    const key = this.bypasses.has(reason) || this.bypasses.size < 500 ? reason : 'other'
    this.bypasses.set(key, (this.bypasses.get(key) ?? 0) + 1)
  }
}
