import { FileCache, type FileCacheOptions } from './file-cache.js'

export { CacheMiss } from '../simple.js'
export type { Cleaned } from './clean.js'
export type { FileCacheOptions }
export { FileCache }

/**
 * A cache in files of a directory, for one machine, safe for processes that write at the same time.
 *
 * @throws ConfigError that names the option and what was expected
 * @example
 * const files = fileCache({ dir: '.cache', ttl: '1h' })
 * await files.set('report', report)
 */
export function fileCache(options: FileCacheOptions): FileCache {
  return new FileCache(options)
}
