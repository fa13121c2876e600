import { expect, test } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.js'
import { SERVERS } from './support.js'

const TABLES = 100

test.each(SERVERS)(`${TABLES} tables on $name`, async ({ open }) => {
  const db = await open()
  const columns = Array.from({ length: 10 }, (_, index) => `c${index} ${['int', 'text', 'timestamptz'][index % 3]}`)
  for (let i = 0; i < TABLES; i++) {
    await db.exec(`
      CREATE TABLE t${i} (id serial PRIMARY KEY, ${columns.join(', ')}, up int REFERENCES t${Math.max(i - 1, 0)} ON DELETE CASCADE);
      CREATE UNIQUE INDEX ON t${i} (c0, c1)`)
    if (i % 5 === 4)
      await db.exec(
        `CREATE VIEW v${i} AS SELECT a.id, b.c1, count(*) FROM t${i} a JOIN t${i - 1} b ON b.id = a.up GROUP BY 1, 2`,
      )
  }
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    const catalog = await loadCatalog(db.query, 'd')
    times.push(performance.now() - started)
    expect(catalog.tables.size).toBe(2 * TABLES + TABLES / 5)
  }
  // Some 40 ms on PostgreSQL, 60 ms on PGlite: what this guards against is work that grows with the square.
  expect(Math.min(...times)).toBeLessThan(2000)
  await db.close()
})
