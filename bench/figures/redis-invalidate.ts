import { Redis } from 'ioredis'
import type { Figure } from '../figure.js'
import { median } from '../rounds.js'

const MANY = 100_000
const ROUNDS = 400
const WARM_UP = 100
const AT_ONCE = 500

const DATABASE = 'bench'
const TABLE = 'public.blog_post'

/** An invalidation in Redis with 100,000 entries under its conj, against one with a single entry. */
export const redisInvalidate: Figure = {
  name: 'redis-invalidate-100k',
  measures: ['redis-invalidate-100k'],
  async run(bench) {
    const { redis, makeScheme } = bench.subject
    const client = new Redis(await bench.redis())
    const store = redis(client as never, { writeTimeout: '60s', readTimeout: '60s' })
    try {
      const scheme = makeScheme(TABLE, ['category_id'], ['id', 'category_id', 'status'])
      const catalogStamp = await store.catalogStamp(DATABASE)
      const read = (key: string, value: string) =>
        store.read({
          key,
          database: DATABASE,
          catalogStamp,
          tables: [TABLE],
          dependencies: () => [{ scheme, values: [value] }],
        })
      const keep = async (key: string, value: string): Promise<void> => {
        const reply = await read(key, value)
        if (reply.kind !== 'miss') throw new Error(`redis-invalidate: expected a miss, got a ${reply.kind}`)
        await store.write(reply.lease, { command: 'SELECT', rowCount: 1, fields: [], rows: [[key]] }, 3_600_000)
      }
      const alive = async (key: string, value: string): Promise<boolean> => (await read(key, value)).kind === 'hit'
      for (let entry = 0; entry < MANY; entry += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => keep(`many:${entry + index}`, 'many')))
      }
      await keep('one', 'one')
      // A stamp that is put back makes all that was stored under it stand again, for the next round.
      const stamps = (await client.keys(`*{${DATABASE}:*`)).filter((key) => !key.endsWith(':schemes'))
      const values = (await client.mget(stamps)) as string[]
      const restore = () => client.mset(stamps.flatMap((key, index) => [key, values[index] as string]))
      const invalidate = async (value: string): Promise<number> => {
        await restore()
        const image = { values: new Map([['category_id', value]]) }
        const start = performance.now()
        const { tables } = await store.invalidate(DATABASE, [
          { kind: 'rows', table: TABLE, before: image, after: undefined, columns: undefined },
        ])
        const took = (performance.now() - start) * 1000
        if (tables[0]?.conjs !== 1) throw new Error('redis-invalidate: expected that one conj was dropped')
        return took
      }
      const many: number[] = []
      const one: number[] = []
      for (let round = 0; round < WARM_UP + ROUNDS; round++) {
        for (const value of round % 2 === 0 ? ['many', 'one'] : ['one', 'many']) {
          const took = await invalidate(value)
          if (round >= WARM_UP) (value === 'many' ? many : one).push(took)
        }
      }
      await restore()
      if (!(await alive('many:0', 'many'))) throw new Error('redis-invalidate: the entries were not alive')
      await invalidate('many')
      if (await alive('many:0', 'many')) throw new Error('redis-invalidate: an entry is still served')
      const value = median(many) / median(one)
      const note = `${median(many).toFixed(0)} µs : ${median(one).toFixed(0)} µs, medians of ${ROUNDS}`
      return [{ name: 'redis-invalidate-100k', value, unit: 'x', target: 1.2, higherIsBetter: false, note }]
    } finally {
      await store.close()
      client.disconnect()
    }
  },
}
