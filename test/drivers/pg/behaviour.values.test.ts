import { it } from 'vitest'
import { called, outcome, useParity } from './support.js'

const { check, same } = useParity('values')

/** Each as the only value of a statement, asked twice, through a client and a pool. */
const VALUES: readonly [string, string, unknown][] = [
  ['a number', '$1::int', 7],
  ['a large number', '$1::numeric', 1e21],
  ['minus zero', '$1::float8', -0],
  ['NaN', '$1::float8', Number.NaN],
  ['a bigint', '$1::int8', 2n ** 62n],
  ['a string', '$1::text', "it's \\ \u{1F600}"],
  ['an empty string', '$1::text', ''],
  ['a boolean', '$1::bool', false],
  ['null', '$1::text', null],
  ['undefined', '$1::text', undefined],
  ['a date', '$1::timestamptz', new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123))],
  ['a date before Christ', '$1::timestamptz', new Date(Date.UTC(-43, 2, 15))],
  ['a Buffer', '$1::bytea', Buffer.from([0, 1, 254, 255])],
  ['an empty Buffer', '$1::bytea', Buffer.alloc(0)],
  ['a Uint8Array', '$1::bytea', new Uint8Array([7, 8, 9]).subarray(1)],
  ['a Float64Array', '$1::bytea', new Float64Array([1.5])],
  ['an array', '$1::int[]', [1, null, 3]],
  ['an array of strings', '$1::text[]', ['a"b', 'c\\d', '', 'NULL', 'e,f', undefined]],
  ['an empty array', '$1::int[]', []],
  [
    'nested arrays',
    '$1::int[][]',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['an array of Buffers', '$1::bytea[]', [Buffer.from('x'), new Uint8Array([255])]],
  ['an array of dates', '$1::date[]', [new Date(2020, 0, 1)]],
  ['an array of objects', '$1::jsonb[]', [{ a: 1 }, { b: [2] }]],
  ['an object', '$1::jsonb', { a: { b: [1, 'x', null] }, date: new Date(0) }],
  ['an object with toJSON', '$1::jsonb', { toJSON: () => ({ n: 1 }) }],
  ['an object with toPostgres', '$1::text', { toPostgres: () => 'mine' }],
  [
    'toPostgres that uses prepareValue',
    '$1::int[]',
    { toPostgres: (prepare: (v: unknown) => unknown) => prepare([4, 5]) },
  ],
  ['toPostgres in an array', '$1::text[]', [{ toPostgres: () => 'in' }]],
  ['a function', '$1::text', function named() {}],
  ['a symbol', '$1::text', Symbol('s')],
  ['a value of the wrong kind', '$1::int', 'not a number'],
  ['a zero byte', '$1::text', 'a\0b'],
]

it.each(VALUES)('%s', (_, expression, value) =>
  check(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    const text = `SELECT ${expression} AS value, id FROM posts WHERE id = 1`
    const all: unknown[] = []
    for (const queryable of [client, pool, client, pool]) all.push(await outcome(queryable.query(text, [value])))
    const held = await pool.connect()
    all.push(await outcome(held.query(text, [value])), await outcome(held.query(text, [value])))
    held.release()
    return all
  }),
)

it('values are taken as they are when query is called', () =>
  same(async (side) => {
    const pool = await side.pool()
    const values = [1, ['x']] as [number, string[]]
    const ask = () => pool.query('SELECT id, $2::text[] AS given FROM posts WHERE id = $1', values)
    const all = []
    for (let time = 0; time < 2; time++) {
      const asked = ask()
      values[1][0] = 'changed'
      all.push(await outcome(asked))
      values[1][0] = 'x'
    }
    return all.length
  }))

it('toPostgres is asked once for each query', () =>
  same(async (side) => {
    let asked = 0
    const value = { toPostgres: () => String(++asked) }
    const pool = await side.pool()
    const client = await side.client()
    const texts = [
      'SELECT id FROM posts WHERE id = $1',
      'UPDATE posts SET views = $1 RETURNING views',
      'SELECT nothing, $1',
    ]
    for (const queryable of [client, pool]) for (const text of texts) await outcome(queryable.query(text, [value]))
    return asked
  }))

it.each([
  ['not an array', 'abc'],
  ['an object', { 0: 1 }],
  ['a number', 5],
  ['false', false],
  ['zero', 0],
  ['an empty string', ''],
])('values that are %s', (_, values) =>
  check(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    const texts = ['SELECT id FROM posts WHERE id = 1', "UPDATE posts SET title = 'by a strange call' WHERE id = 1"]
    const all: unknown[] = [await outcome(pool.query('SELECT title FROM posts WHERE id = 1'))]
    for (const text of texts) {
      all.push(await outcome(client.query(text, values as never)))
      all.push(await outcome(client.query({ text, values } as never)))
      all.push(await outcome(pool.query(text, values as never)))
      all.push(await outcome(pool.query({ text, values } as never)))
      const held = await pool.connect()
      all.push(await outcome(held.query(text, values as never)))
      all.push(await outcome(held.query({ text, values } as never)))
      held.release()
    }
    all.push(await outcome(pool.query('SELECT title FROM posts WHERE id = 1')))
    return all
  }),
)

it('values that cannot be sent: circular JSON, and what throws', () =>
  same(async (side) => {
    const client = await side.client()
    const circle: Record<string, unknown> = {}
    circle.circle = circle
    const itself: { toPostgres(): unknown } = { toPostgres: () => itself }
    const thrower = {
      toPostgres: () => {
        throw new RangeError('not today')
      },
    }
    const all: unknown[] = []
    for (const value of [circle, itself, thrower]) {
      const text = 'INSERT INTO posts (title) VALUES ($1)'
      all.push(await outcome(client.query(text, [value]).catch((error) => Promise.reject(new Error(error.name)))))
      all.push(await outcome(client.query('SELECT count(*) FROM posts')))
    }
    const pool = await side.pool()
    all.push(await outcome(pool.query('SELECT $1::text', [thrower])))
    const held = await pool.connect()
    all.push(await outcome(held.query('SELECT $1::text', [thrower])))
    all.push(await outcome(held.query('SELECT count(*) FROM posts')))
    held.release()
    return all
  }))

it('too few and too many values', () =>
  same(async (side) => {
    const client = await side.client()
    const all: unknown[] = []
    for (const values of [[], [1], [1, 2], [1, 2, 3]]) {
      const ask = () => outcome(client.query('SELECT id FROM posts WHERE id = $1 OR id = $2', values))
      all.push(await ask(), await ask())
    }
    return all
  }))

it('a value that throws only the first time does not reach the server unseen', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query('SELECT title FROM posts WHERE id = 1')
    let times = 0
    const value = {
      toPostgres: () => {
        if (times++ === 0) throw new RangeError('once')
        return 'twice'
      },
    }
    const first = await outcome(client.query('UPDATE posts SET title = $1 WHERE id = 1', [value]))
    return [first, await outcome(client.query('SELECT title FROM posts WHERE id = 1')), times]
  }))

it('a callback for values that pg refuses', () =>
  same(async (side) => {
    const client = await side.client()
    const refused = await called((callback) => client.query('SELECT 1', 'abc' as never, callback as never))
    return [refused, await outcome(client.query('SELECT id FROM posts WHERE id = 2'))]
  }))
