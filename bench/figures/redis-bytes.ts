import { Redis } from 'ioredis'
import { POST_BY_KEY } from '../blog.js'
import type { Figure } from '../figure.js'

const FINDS = 100_000
const AT_ONCE = 500

const DATABASE = 'bench'
const TABLE = 'public.blog_post'

/** What 100,000 different finds by key take in Redis, entries and stamps, against the bytes of their rows on the wire. */
export const redisBytes: Figure = {
  name: 'redis-bytes',
  measures: ['redis-bytes'],
  async run(bench) {
    const { redis, makeScheme } = bench.subject
    const url = await bench.redis()
    const { rows, fields } = await bench.pool(await bench.blog('redis_bytes')).query({
      text: POST_BY_KEY,
      values: [1],
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text } as never,
    })
    const row = rows[0] as unknown as string[]
    const store = redis(url, { writeTimeout: '60s', readTimeout: '60s' })
    const client = new Redis(url)
    const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    try {
      const catalogStamp = await store.catalogStamp(DATABASE)
      const scheme = makeScheme(TABLE, ['id'], undefined)
      const keep = async (id: number): Promise<void> => {
        const reply = await store.read({
          key: `a key as long as those of the engine are, which are hashed: ${id}`,
          database: DATABASE,
          catalogStamp,
          tables: [TABLE],
          dependencies: () => [{ scheme, values: [String(id)] }],
        })
        if (reply.kind !== 'miss') throw new Error(`redis-bytes: expected a miss, got a ${reply.kind}`)
        const entry = { command: 'SELECT', rowCount: 1, fields, rows: [[String(id), ...row.slice(1)]] }
        await store.write(reply.lease, entry, 3_600_000)
      }
      const before = await used()
      for (let id = 0; id < FINDS; id += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => keep(id + index)))
      }
      const each = (await used()) - before
      const wire = row.reduce((sum, value) => sum + Buffer.byteLength(value), 0)
      return [
        {
          name: 'redis-bytes',
          value: each / FINDS / wire,
          unit: 'x',
          higherIsBetter: false,
          note: `${Math.round(each / FINDS)} B : ${wire} B a find, ${FINDS} finds`,
        },
      ]
    } finally {
      client.disconnect()
      await store.close()
    }
  },
}
