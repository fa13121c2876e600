import type { Pool } from 'pg'

/** Whatever the cache is told, it asks the server. */
const PAST = 'SELECT count(*) FROM blog_category /* cacheops: off */'

/**
 * Puts new connections in the place of a pool's idle one. The server's processes stay for long where they are, on the
 * benchmark's own core or on another, and that makes more of a difference than most of what is measured.
 */
export async function reconnect(pools: readonly Pool[]): Promise<void> {
  for (const pool of pools) {
    const client = await pool.connect()
    await client.query(PAST)
    client.release(true)
    // The first statements of a connection fill its caches, and ours learns its settings.
    for (let statement = 0; statement < 5; statement++) await pool.query(PAST)
  }
}
