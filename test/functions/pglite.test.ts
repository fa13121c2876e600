import { afterAll, beforeAll, expect, it } from 'vitest'
import { cachedPGlite } from '../../src/drivers/pglite/index.js'
import { createCacheops, memory } from '../../src/index.js'
import { createPGlite } from '../support/pglite.js'
import { TABLES } from './support.js'

let db: Awaited<ReturnType<typeof createPGlite>>
const cacheops = createCacheops({ store: memory(), models: { '*': { ops: 'all', ttl: '1h' } } })
beforeAll(async () => {
  const plain = await createPGlite()
  await plain.exec(TABLES)
  db = cachedPGlite(cacheops, plain)
  await cacheops.ready()
})
afterAll(async () => {
  await cacheops.close()
  await db.close()
})

it('functions follow the queries of PGlite, in its transactions, too', async () => {
  let runs = 0
  const page = cacheops.computed('page', async () => {
    runs++
    const { rows } = await db.query<{ name: string }>('SELECT name FROM authors WHERE id = 1')
    const titles = await db.transaction((tx) =>
      tx.query<{ title: string }>('SELECT title FROM posts WHERE author_id = 1'),
    )
    return [rows[0]?.name, titles.rows.length]
  })
  const writes = cacheops.computed('writes', async () => {
    runs++
    return (await db.exec(`SELECT 1; UPDATE notes SET line = 'y'`)).length
  })
  expect(await page()).toEqual(['Ada', 2])
  expect(await page()).toEqual(['Ada', 2])
  expect(runs).toBe(1)
  await db.query(`DELETE FROM posts WHERE id = 2`)
  expect(await page()).toEqual(['Ada', 1])
  await writes()
  await writes()
  expect(runs).toBe(4)
})
