import type { Pool } from 'pg'
import type { Store } from '../../src/store/store.js'
import { POSTS } from '../blog.js'
import type { Bench } from '../environment.js'
import type { Figure, Measurement } from '../figure.js'
import { reconnect } from '../reconnect.js'
import { compareCalls, shown } from '../rounds.js'

/** What 20 schemes compare; each is read once with all columns and once with two. */
const CONDITIONS = [
  'id = 7',
  'category_id = 3',
  'author_id = 5',
  `status = 'published'`,
  `lang = 'en'`,
  `slug = 'title-of-post-9'`,
  `category_id = 3 AND status = 'published'`,
  `author_id = 5 AND status = 'published'`,
  `category_id = 3 AND lang = 'en'`,
  `lang = 'en' AND status = 'draft'`,
]

const READS = CONDITIONS.flatMap((condition) =>
  ['*', 'id, title'].map((list) => `SELECT ${list} FROM blog_post WHERE ${condition} ORDER BY id LIMIT 1`),
)

/** An autocommit UPDATE by key on a table of which 20 schemes are in use, against the uncached one. */
export const update: Figure = {
  name: 'update',
  measures: ['update-untouched', 'update-touched', 'update-untouched-async', 'update-touched-async'],
  async run(bench) {
    const untouched = 'UPDATE blog_post SET views = views + 1 WHERE id = $1'
    const touched = `UPDATE blog_post SET status = CASE status WHEN 'draft' THEN 'published' ELSE 'draft' END WHERE id = $1`
    return [
      await measure(bench, 'update-untouched', untouched, 1.15, true),
      await measure(bench, 'update-touched', touched, undefined, true),
      // Without the wait for the disk, which hides what the cache adds.
      await measure(bench, 'update-untouched-async', untouched, undefined, false),
      await measure(bench, 'update-touched-async', touched, undefined, false),
    ]
  },
}

async function measure(
  bench: Bench,
  name: string,
  text: string,
  target: number | undefined,
  asTheServer: boolean,
): Promise<Measurement> {
  return updateFigure(bench, bench.subject.memory(), { name, text, target, asTheServer })
}

/** An update by key over a store, against the uncached one. */
export async function updateFigure(
  bench: Bench,
  store: Store,
  options: {
    readonly name: string
    readonly text: string
    readonly target: number | undefined
    readonly asTheServer: boolean
  },
): Promise<Measurement> {
  const { name, text, target, asTheServer } = options
  const url = await bench.blog('update')
  const address = new URL(url)
  if (!asTheServer) address.searchParams.set('options', '-c synchronous_commit=off')
  const { pool, cacheops } = await bench.over(store, address.href)
  const plain = bench.pool(address.href)
  const { rows } = await plain.query('SHOW synchronous_commit')
  bench.tell(`${name}, synchronous_commit ${rows[0]?.synchronous_commit}`)
  const [database] = [...bench.subject.engineOf(cacheops, 'bench').databases]
  const register = async (): Promise<void> => {
    for (const read of READS) await pool.query(read)
  }
  await register()
  const schemes = (await store.schemes(database?.id ?? '', 'public.blog_post')).length
  if (schemes !== READS.length) throw new Error(`${name}: expected ${READS.length} schemes, there are ${schemes}`)
  const update = (from: Pool, offset: number) => (number: number) =>
    from.query(text, [1 + ((number * 2 + offset) % POSTS)])
  const result = await compareCalls({
    a: update(pool, 0),
    b: update(plain, 1),
    calls: 2_000,
    warmUp: 1_000,
    before: async () => {
      await reconnect([pool, plain])
      // What the updates dropped is read again, so that all schemes stay in use.
      await register()
    },
  })
  return { name, value: result.ratio, unit: 'x', ...(target && { target }), higherIsBetter: false, note: shown(result) }
}
