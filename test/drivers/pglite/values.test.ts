import { identifier, raw, sql } from '@electric-sql/pglite/template'
import { describe, expect, it } from 'vitest'
import { readsOf, useBoth } from './support.js'

interface Everything {
  moment: Date
  jsonb: { deep: { n: unknown } }
  ints: unknown[]
  bytes: Uint8Array
  words: string
}

const upper = (text: string) => text.toUpperCase()

describe('values', () => {
  const { reads, wrapped } = useBoth()

  reads('rows of every type', (db) => db.query('SELECT * FROM everything ORDER BY id'))
  reads('as arrays', (db) => db.query('SELECT * FROM everything ORDER BY id', [], { rowMode: 'array' }))
  reads('as objects, asked for', (db) => db.query('SELECT * FROM everything ORDER BY id', [], { rowMode: 'object' }))
  reads('of exec', (db) => db.exec('SELECT * FROM everything ORDER BY id;'))
  reads('of exec as arrays with parsers', (db) =>
    db.exec('SELECT id, words FROM everything ORDER BY id', { rowMode: 'array', parsers: { 25: upper } }),
  )
  reads('with the parsers of the call', (db) =>
    db.query('SELECT * FROM everything ORDER BY id', [], {
      parsers: { 23: Number.isNaN, 25: upper, 1184: upper, 1007: upper },
    }),
  )
  reads('with a parser that is undefined', (db) =>
    db.query('SELECT day FROM everything ORDER BY id', [], { parsers: { 1082: undefined as never } }),
  )
  reads('with a parser that throws', (db) =>
    db.query('SELECT id FROM posts ORDER BY id', [], {
      parsers: {
        23: () => {
          throw new Error('no')
        },
      },
    }),
  )
  reads('of several callers with parsers of their own', async (db) => [
    await db.query('SELECT title FROM posts ORDER BY id', [], { parsers: { 25: upper } }),
    await db.query('SELECT title FROM posts ORDER BY id'),
    await db.query('SELECT title FROM posts ORDER BY id', [], { rowMode: 'array' }),
  ])
  reads('columns of one name', (db) => db.query('SELECT id AS a, title AS a FROM posts ORDER BY id'))
  reads('columns named as what objects have', (db) =>
    db.query('SELECT id AS "__proto__", title AS constructor, views AS "1" FROM posts ORDER BY id'),
  )
  reads('no rows', (db) => db.query('SELECT * FROM posts WHERE id = $1', [99]))
  reads('no columns', (db) => db.query('SELECT FROM posts'))
  reads('counts and aggregates', (db) =>
    db.query('SELECT count(*), sum(views), avg(views), array_agg(id ORDER BY id) FROM posts'),
  )
  reads('no table', (db) => db.query('SELECT 1 AS one, $1::text AS two', ['x']))
  reads('an empty text', (db) => db.query(''))
  reads('an empty exec', (db) => db.exec('-- nothing'))

  const find = (column: string, value: unknown) =>
    reads(
      `finds ${column} by ${typeof value === 'object' ? JSON.stringify(value) : `${typeof value} ${String(value)}`}`,
      (db) => db.query(`SELECT id FROM everything WHERE ${column} = $1 ORDER BY id`, [value]),
    )
  for (const value of [1, '1', 1n, true, 1.5, Number.NaN, {}, [1], new Date(0), new Uint8Array([49])]) find('id', value)
  for (const value of [5, '5', 5n, 9007199254740993n]) find('big', value)
  for (const value of [true, false, 1, 0, 'yes', 'T', ' on ', 'tru', 2]) find('yes', value)
  for (const value of ['', 'abc', 7, true, null, undefined, Buffer.from('abc'), '\ud800']) find('words', value)
  for (const value of [12.34, '12.3400', '12.34', 12n]) find('exact', value)
  for (const value of ['2024-02-29', new Date('2024-02-29'), 1709164800000, 20240229]) find('day', value)
  for (const value of [new Date('2024-01-01T00:00:00.123Z'), 1704067200123, '2024-01-01T00:00:00.123Z'])
    find('moment', value)
  for (const value of [Number.POSITIVE_INFINITY, '-infinity']) find('moment', value)
  for (const value of ['0123ABCD-0000-4000-8000-00000000abcd', 'nonsense']) find('uuid', value)
  for (const value of ['sad', 'glad']) find('mood', value)
  for (const value of [new Uint8Array([0xde, 0xad, 0xbe, 0xef, 0]), Buffer.from([]), '\\x', [1]]) find('bytes', value)
  for (const value of [[1, null, 3], '{1,NULL,3}', [], [1, 2]]) find('ints', value)
  for (const value of [['a', 'b c', 'd"e', null], []]) find('texts', value)
  for (const value of [{ deep: { n: 1 } }, '{"deep": {"n": 1}}', 'text', '"text"', 1n, 1, { toJSON: () => 'text' }])
    find('jsonb', value)
  find('grid', [
    [1, 2],
    [3, 4],
  ])
  for (const value of [[1, 3], ['1', '3'], [1n], [], [null], '{1,2}', [[1], [2]]]) {
    reads(
      `finds by ANY of ${typeof value === 'string' ? value : value.map(String).join()} (${typeof value[0]})`,
      (db) => db.query('SELECT id FROM everything WHERE id = ANY($1) ORDER BY id', [value]),
    )
  }
  reads('the same text with values of other kinds', async (db) => {
    const seen = []
    for (const value of ['20240101', 20240101, 1704067200000, '2024-01-01', new Date('2024-01-01'), '20240101']) {
      seen.push(await db.query('SELECT id, $1::timestamptz AS at FROM posts ORDER BY id', [value]))
    }
    for (const value of ['5', 5, 5n, [5], ['5']]) {
      seen.push(await db.query('SELECT id, $1::jsonb AS json FROM posts ORDER BY id', [value]))
    }
    return seen
  })
  reads('too few, too many', async (db) => {
    const none = await db.query('SELECT id FROM posts WHERE id = $1', []).catch((error: Error) => error.message)
    const two = await db.query('SELECT id FROM posts WHERE id = $1', [1, 2]).catch((error: Error) => error.message)
    return [none, two, await db.query('SELECT id FROM posts WHERE id = $1', [1])]
  })
  reads('parameters that are no list', (db) => db.query('SELECT id FROM posts', 5 as never))
  reads('types of the parameters that the caller chooses', (db) =>
    db.query('SELECT id FROM posts WHERE title = $1', ['first'], { paramTypes: [25] }),
  )
  reads('serializers of the call', (db) =>
    db.query('SELECT id FROM posts WHERE title = $1', ['FIRST'], {
      serializers: { 25: (value: string) => value.toLowerCase() },
    }),
  )
  reads('templates', async (db) => [
    await db.sql`SELECT * FROM posts WHERE id = ${1} AND title = ${'first'}`,
    await db.sql`SELECT * FROM ${identifier`posts`} WHERE ${raw`id = ${1 + 1}`} ${sql`AND author = ${1}`}`,
  ])
  reads('templates in a transaction', (db) =>
    db.transaction((tx) => tx.sql`SELECT * FROM ${identifier`posts`} WHERE id = ${1}`),
  )
  reads('describeQuery', async (db) => {
    const { queryParams, resultFields } = await db.describeQuery('SELECT id, title FROM posts WHERE id = $1')
    return [queryParams.map(({ dataTypeID }) => dataTypeID), resultFields.map(({ name }) => name)]
  })
  reads('notices', async (db) => {
    const notices: unknown[] = []
    const onNotice = (notice: { message: string | undefined }) => notices.push(notice.message)
    await db.query('DROP TABLE IF EXISTS nowhere', [], { onNotice })
    await db.exec('DROP TABLE IF EXISTS nowhere; DROP VIEW IF EXISTS nowhere', { onNotice })
    return notices
  })

  it('comes from the cache where it can', async () => {
    const { db, cacheops } = wrapped
    const asked: (() => Promise<unknown>)[] = [
      () => db.query('SELECT * FROM everything ORDER BY id DESC'),
      () => db.query('SELECT id FROM everything WHERE id = ANY($1) LIMIT 9', [[1, 3]]),
      () => db.query('SELECT id FROM everything WHERE jsonb = $1 LIMIT 9', [{ deep: { n: 1 } }]),
      () => db.query('SELECT id FROM everything WHERE moment = $1 LIMIT 9', [new Date('2024-01-01T00:00:00.123Z')]),
      () => db.exec('SELECT id FROM everything ORDER BY id DESC;'),
      () => db.sql`SELECT id FROM everything WHERE id = ${1} LIMIT 9`,
    ]
    const seen = readsOf(cacheops)
    for (const round of ['miss', 'hit']) {
      for (const ask of asked) await ask()
      expect(seen.splice(0)).toEqual(asked.map(() => round))
    }
  })

  it('does not ask PGlite for a hit', async () => {
    const { db } = wrapped
    await db.query('SELECT title FROM posts WHERE id = $1', [2])
    await db.runExclusive(async () => {
      expect((await db.query('SELECT title FROM posts WHERE id = $1', [2])).rows).toEqual([{ title: 'second' }])
    })
  })

  it('gives each caller rows of its own', async () => {
    const { db } = wrapped
    const ask = async () =>
      (await db.query<Everything>('SELECT * FROM everything WHERE id = $1', [1])).rows[0] as Everything
    const first = await ask()
    const kept = structuredClone(first)
    first.moment.setFullYear(1900)
    first.jsonb.deep.n = 'gone'
    first.ints.push(4)
    first.bytes[0] = 1
    first.words = 'gone'
    const result = await db.query('SELECT * FROM everything WHERE id = $1', [1])
    result.fields.length = 0
    result.rows.length = 0
    expect(await ask()).toEqual(kept)
  })

  it('keys and compares what is sent, although the caller changes it after the call', async () => {
    const { db } = wrapped
    await db.query('SELECT 1')
    const ids = [1]
    const at = new Date('2024-01-01T00:00:00.123Z')
    const asked = Promise.all([
      db.query('SELECT id FROM everything WHERE id = ANY($1) ORDER BY id', [ids]),
      db.query('SELECT id FROM everything WHERE moment = $1', [at]),
    ])
    ids[0] = 2
    at.setFullYear(1900)
    expect((await asked).map(({ rows }) => rows)).toEqual([[{ id: 1 }], [{ id: 1 }]])
  })
})
