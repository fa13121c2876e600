import type { Figure } from '../figure.js'
import { collectGarbage, median } from '../rounds.js'

const MANY = 100_000
const ROUNDS = 21
const WARM_UP = 4
/** Invalidations of other conjs right before each measured one. */
const OTHERS = 200

const DATABASE = 'bench'
const TABLE = 'public.blog_post'

/** An invalidation in the memory store with 100,000 entries under its conj, against one with a single entry. */
export const invalidate100k: Figure = {
  name: 'invalidate-100k',
  measures: ['invalidate-100k'],
  run(bench) {
    const { memory, makeScheme } = bench.subject
    const store = memory({ maxBytes: 4 * 1024 ** 3 })
    const scheme = makeScheme(TABLE, ['category_id'], ['id', 'category_id', 'status'])
    const catalogStamp = store.catalogStamp(DATABASE)
    const keep = (key: string, value: string): void => {
      const request = {
        key,
        database: DATABASE,
        catalogStamp,
        tables: [TABLE],
        dependencies: () => [{ scheme, values: [value] }],
      }
      const reply = store.read(request)
      if (reply.kind !== 'miss') throw new Error(`invalidate-100k: expected a miss, got a ${reply.kind}`)
      store.write(reply.lease, { command: 'SELECT', rowCount: 1, fields: [], rows: [[key]] }, 3_600_000)
    }
    const invalidate = (value: string): number => {
      const image = { values: new Map([['category_id', value]]) }
      const start = performance.now()
      const { tables } = store.invalidate(DATABASE, [
        { kind: 'rows', table: TABLE, before: image, after: undefined, columns: undefined },
      ])
      const took = (performance.now() - start) * 1000
      if (tables[0]?.conjs !== 1) throw new Error('invalidate-100k: expected that one conj was dropped')
      return took
    }
    const measured = (value: string): number => {
      for (let other = 0; other < OTHERS; other++) keep(`other:${other}`, `other:${other}`)
      for (let other = 0; other < OTHERS; other++) invalidate(`other:${other}`)
      return invalidate(value)
    }
    const many: number[] = []
    const one: number[] = []
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      for (let entry = 0; entry < MANY; entry++) keep(`many:${entry}`, 'many')
      keep('one', 'one')
      collectGarbage()
      const values = round % 2 === 0 ? ['many', 'one'] : ['one', 'many']
      const times = new Map(values.map((value) => [value, measured(value)]))
      let alive = 0
      for (const entry of store.entries()) if (entry.alive) alive++
      if (alive > 0) throw new Error(`invalidate-100k: ${alive} entries are still served`)
      if (round < WARM_UP) continue
      many.push(times.get('many') as number)
      one.push(times.get('one') as number)
    }
    const value = median(many) / median(one)
    const note = `${median(many).toFixed(2)} µs : ${median(one).toFixed(2)} µs, medians of ${ROUNDS}`
    return Promise.resolve([{ name: 'invalidate-100k', value, unit: 'x', target: 1.2, higherIsBetter: false, note }])
  },
}
