import type { PGlite } from '@electric-sql/pglite'
import { cachedPGlite } from 'cacheops/pglite'
import fc from 'fast-check'
import { afterAll, expect, it, vi } from 'vitest'
import { engineOf } from '../../../src/engine/engine.js'
import { createPGlite } from '../../support/pglite.js'
import { budget } from '../../support/property.js'
import { allCached, outcome, readsOf } from './support.js'

const SETUP = `
  RESET ALL; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other; CREATE TABLE other.t (id int, v text); INSERT INTO other.t VALUES (1, 'other');
  DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v text, n int, at timestamptz);
  INSERT INTO t SELECT i, 'v' || i % 3, i % 2, '2024-01-01T00:00:00Z'::timestamptz + i * '1 hour'::interval FROM generate_series(1, 4) AS i`

type Db = Pick<PGlite, 'query' | 'exec'>
interface Step {
  readonly text: string
  run(db: Db): Promise<unknown>
}

const key = fc.integer({ min: 1, max: 5 })
const word = fc.constantFrom('v0', 'v1', 'v2', 'x')
const kind = fc.constantFrom<(id: number) => unknown>((id) => id, String, BigInt)
const rowMode = fc.constantFrom<'array' | 'object'>('array', 'object')

const query = (text: string, params: unknown[], mode?: 'array' | 'object'): Step => ({
  text: `query ${text} ${JSON.stringify(params, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`,
  run: (db) => db.query(text, params, mode ? { rowMode: mode } : undefined),
})
const exec = (text: string): Step => ({ text: `exec ${text}`, run: (db) => db.exec(text) })

const read: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, kind, rowMode).map(([id, as, mode]) => query('SELECT * FROM t WHERE id = $1', [as(id)], mode)),
  fc.tuple(word, rowMode).map(([v, mode]) => query('SELECT id, n FROM t WHERE v = $1 ORDER BY id', [v], mode)),
  fc.array(key, { maxLength: 3 }).map((ids) => query('SELECT id, v FROM t WHERE id = ANY($1) ORDER BY id', [ids])),
  key.map((n) => query('SELECT count(*) FROM t WHERE n = $1', [n % 2])),
  key.map((n) => query('SELECT id FROM t WHERE at = $1', [new Date(Date.UTC(2024, 0, 1, n))])),
  key.map((n) => query('SELECT id, at::text FROM t WHERE at < $1 ORDER BY id', [Date.UTC(2024, 0, 1, n)])),
  fc.constant(exec('SELECT v, count(*) FROM t GROUP BY v ORDER BY v')),
)
const write: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, word).map(([id, v]) => query('UPDATE t SET v = $1 WHERE id = $2', [v, id])),
  fc.tuple(word, word).map(([to, from]) => query('UPDATE t SET v = $1 WHERE v = $2 RETURNING id, v', [to, from])),
  fc
    .tuple(key, key)
    .map(([id, n]) =>
      query('UPDATE t SET n = $1, at = $3 WHERE id = $2', [n % 2, id, new Date(Date.UTC(2024, 0, 1, n))]),
    ),
  fc.tuple(key, word).map(([id, v]) => query('INSERT INTO t VALUES ($1, $2, 1)', [id, v])),
  fc
    .tuple(key, word)
    .map(([id, v]) =>
      query('INSERT INTO t VALUES ($1, $2, 0) ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = 1 - t.n', [id, v]),
    ),
  key.map((id) => query('DELETE FROM t WHERE id = $1 RETURNING *', [id], 'array')),
  key.map((id) =>
    exec(`UPDATE t SET v = 'e' WHERE id = ${id}; DELETE FROM t WHERE id = ${id + 1}; SELECT count(*) FROM t`),
  ),
  key.map((id) => exec(`UPDATE t SET v = 'f' WHERE id = ${id}; SELECT 1/0`)),
)
const odd: fc.Arbitrary<Step> = fc.constantFrom(
  query('SELECT 1/0', []),
  query('SELECT nothing FROM t', []),
  exec("SET TimeZone = 'Asia/Tokyo'"),
  exec('RESET TimeZone'),
  exec('SET search_path = other, public'),
  exec('RESET search_path'),
  query("SELECT set_config('TimeZone', 'Asia/Tokyo', true) IS NULL", []),
  exec('ALTER TABLE t ADD COLUMN IF NOT EXISTS extra int DEFAULT 7'),
  exec('ALTER TABLE t DROP COLUMN IF EXISTS extra'),
)
const byHand: fc.Arbitrary<Step> = fc.constantFrom(
  exec('BEGIN'),
  query('BEGIN', []),
  exec("BEGIN; UPDATE t SET v = 'g' WHERE id = 1"),
  exec('COMMIT'),
  query('ROLLBACK', []),
  exec('COMMIT AND CHAIN'),
  exec("COMMIT; UPDATE t SET v = 'h' WHERE id = 2; BEGIN"),
)
const savepoint: fc.Arbitrary<Step> = fc.constantFrom(
  exec('SAVEPOINT a'),
  exec('ROLLBACK TO a'),
  query('RELEASE a', []),
  exec('SAVEPOINT b'),
)

const transaction: fc.Arbitrary<Step> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 5, arbitrary: read },
        { weight: 4, arbitrary: write },
        { weight: 2, arbitrary: savepoint },
        odd,
      ),
      {
        maxLength: 7,
      },
    ),
    fc.constantFrom('commit', 'throw', 'rollback'),
  )
  .map(([steps, end]) => ({
    text: `transaction(${steps.map(({ text }) => text).join('; ')}) ${end}`,
    run: (db) =>
      (db as PGlite).transaction(async (tx) => {
        const seen: unknown[] = []
        for (const step of steps) seen.push(await outcome(() => step.run(tx)))
        if (end === 'throw') throw new Error('thrown')
        if (end === 'rollback') await tx.rollback()
        return seen
      }),
  }))

/** Called at once, none awaited before the next. */
const together: fc.Arbitrary<Step> = fc
  .array(fc.oneof({ weight: 3, arbitrary: read }, { weight: 2, arbitrary: write }, odd, byHand), {
    minLength: 2,
    maxLength: 5,
  })
  .map((steps) => ({
    text: `together(${steps.map(({ text }) => text).join('; ')})`,
    run: (db) => Promise.all(steps.map((step) => outcome(() => step.run(db)))),
  }))

const sequence = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: read },
    { weight: 5, arbitrary: write },
    { weight: 2, arbitrary: transaction },
    { weight: 2, arbitrary: together },
    odd,
    byHand,
    savepoint,
  ),
  { minLength: 5, maxLength: 40 },
)

const closing: PGlite[] = []
afterAll(() => Promise.all(closing.map((db) => db.close())))

it('such reads are hits the second time', async () => {
  const cacheops = allCached()
  const db = cachedPGlite(cacheops, await createPGlite())
  closing.push(db)
  await db.exec(SETUP)
  const reads = fc.sample(read, { numRuns: 30, seed: 1 })
  for (const { run } of reads) await run(db)
  const seen = readsOf(cacheops)
  for (const { run } of reads) await run(db)
  expect(seen.filter((one) => one !== 'miss').length).toBe(reads.length)
})

it('gives what a plain PGlite gives, whatever the calls are', async () => {
  const plain = await createPGlite()
  const cacheops = allCached()
  const db = cachedPGlite(cacheops, await createPGlite())
  closing.push(plain, db)
  // With it hardly anything would be read from the cache here.
  vi.spyOn(engineOf(cacheops, 'test').delivery, 'grace').mockImplementation(() => undefined)
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      for (const on of [plain, db]) {
        await on.exec('ROLLBACK')
        await on.exec(SETUP)
      }
      const log: string[] = []
      for (const step of steps) {
        log.push(step.text)
        const expected = await outcome(() => step.run(plain))
        expect(await outcome(() => step.run(db)), log.join('\n')).toStrictEqual(expected)
      }
    }),
    budget({ runs: 150, seconds: 15 }),
  )
}, 120_000)
