import type { Cacheops } from '../../src/cacheops.js'
import type { Counts } from './world.js'

/** What several processes counted, as one. */
export async function sum(engines: readonly Cacheops[]): Promise<Counts> {
  const all = await Promise.all(engines.map((cacheops) => cacheops.stats()))
  const bypasses: Record<string, number> = {}
  for (const stats of all) {
    for (const [reason, count] of Object.entries(stats.bypasses)) bypasses[reason] = (bypasses[reason] ?? 0) + count
  }
  const total = (name: 'hits' | 'misses' | 'invalidations') => all.reduce((count, stats) => count + stats[name], 0)
  return { hits: total('hits'), misses: total('misses'), invalidations: total('invalidations'), bypasses }
}

/** Counts the reads that were answered from the cache, and those that were to be stored, from now on. */
export function readCounter(engines: readonly Cacheops[]): { hits(): number; misses(): number } {
  let [hits, misses] = [0, 0]
  for (const cacheops of engines) cacheops.on('read', (event) => void (event.hit ? hits++ : misses++))
  return { hits: () => hits, misses: () => misses }
}
