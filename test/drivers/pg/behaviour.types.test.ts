import pg from 'pg'
import { expect, it } from 'vitest'
import { outcome, useParity } from './support.js'

const { check, same } = useParity('types')

const ALL = 'SELECT *, created::date AS day, now() - now() AS span, author_id::int8 AS big FROM posts ORDER BY id'
const CACHED = 'SELECT * FROM posts ORDER BY id'
const int4 = 23
const text = (value: string) => `<${value}>`
const squares = (value: string) => `[${value}]`
const BRACKETS = { getTypeParser: () => text }
const INTS = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === int4 ? text : pg.types.getTypeParser(oid, format as never),
}
class Parsers {
  readonly #mark = (value: string) => `#${value}`
  getTypeParser() {
    return this.#mark
  }
}
const PARSERS = new Parsers()
const THROWS = {
  getTypeParser: () => () => {
    throw new RangeError('a parser that throws')
  },
}
const NO_PARSER = { getTypeParser: () => undefined }

const CONFIGS: readonly [string, object][] = [
  ['rows as arrays', { rowMode: 'array' }],
  ['a row mode that is none', { rowMode: 'object' }],
  ['one parser for all', { types: BRACKETS }],
  ['a parser for integers', { types: INTS }],
  ['types of a class', { types: PARSERS }],
  ['rows as arrays, with types', { rowMode: 'array', types: INTS }],
  ['a parser that throws', { types: THROWS }],
  ['types that give no parser', { types: NO_PARSER }],
]

it.each(CONFIGS)('%s', (_, config) =>
  check(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    const all: unknown[] = []
    for (const statement of [ALL, CACHED, 'UPDATE posts SET views = 1 RETURNING *', 'SELECT 1 AS a; SELECT 2 AS b']) {
      for (const queryable of [client, pool, client, pool]) {
        all.push(await outcome(queryable.query({ text: statement, ...config } as never)))
      }
      const held = await pool.connect()
      all.push(await outcome(held.query({ text: statement, ...config } as never)))
      // What others asked for does not stick.
      all.push(await outcome(held.query(statement)))
      held.release()
    }
    return all
  }),
)

it('types of a client and of a pool, and over them those of a query', () =>
  same(async (side) => {
    const client = await side.client({ types: INTS as never })
    const pool = await side.pool({ types: PARSERS as never })
    const all: unknown[] = []
    for (const queryable of [client, pool, client, pool]) {
      all.push(await outcome(queryable.query(CACHED)))
      all.push(await outcome(queryable.query({ text: CACHED, types: BRACKETS as never })))
    }
    const held = await pool.connect()
    all.push(await outcome(held.query(CACHED)))
    held.release()
    return all
  }))

it('setTypeParser on a client, before and after a hit', () =>
  same(async (side) => {
    const client = await side.client()
    const all = [await outcome(client.query(CACHED)), await outcome(client.query(CACHED))]
    client.setTypeParser(int4, text)
    all.push(await outcome(client.query(CACHED)))
    client.setTypeParser(int4, 'text', squares)
    all.push(await outcome(client.query(CACHED)))
    all.push(client.getTypeParser(int4)('5') as never)
    return all
  }))

it('setTypeParser on a client of a pool', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const all: unknown[] = []
    const held = await pool.connect()
    held.setTypeParser(int4, text)
    all.push(await outcome(held.query(CACHED)), await outcome(held.query(CACHED)))
    all.push(await outcome(held.query('SELECT views FROM posts WHERE id = 1 AND views = 3')))
    all.push(held.getTypeParser(int4)('5'))
    held.release()
    return all
  }))

it('setTypeParser for the whole module', () =>
  same(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    await client.query(CACHED)
    const before = pg.types.getTypeParser(int4)
    side.pg.types.setTypeParser(int4, text)
    try {
      const all = []
      for (const queryable of [client, pool, client, pool]) all.push((await queryable.query(CACHED)).rows)
      return all
    } finally {
      pg.types.setTypeParser(int4, before as never)
    }
  }))

it('TypeOverrides as a pool option', () =>
  same(async (side) => {
    const overrides = new pg.TypeOverrides()
    overrides.setTypeParser(int4, text as never)
    const pool = await side.pool({ types: overrides })
    return [(await pool.query(CACHED)).rows, (await pool.query(CACHED)).rows]
  }))

it('a name: prepared once, with values each time', () =>
  same(async (side) => {
    const client = await side.client()
    const statement = { name: 'by id', text: 'SELECT id, title FROM posts WHERE id = $1' }
    const all = []
    for (const id of [1, 2, 1, 2]) all.push(await outcome(client.query({ ...statement, values: [id] })))
    all.push(await outcome(client.query(statement, [3])))
    return all
  }))

it('B6: a name without a text means what it meant', () =>
  same(async (side) => {
    const client = await side.client()
    const other = await side.client()
    const read = { name: 'read', text: 'SELECT title FROM posts WHERE id = $1' }
    const write = { name: 'write', text: "UPDATE posts SET title = 'x' || title WHERE id = $1" }
    const all = []
    // The second client has the answer from the first one's read, and then has to prepare for itself.
    for (const one of [client, other]) all.push(await outcome(one.query({ ...read, values: [1] })))
    for (const one of [client, other]) {
      all.push(await outcome(one.query({ ...write, values: [2] })))
      all.push(await outcome(one.query({ name: 'write', values: [1] } as never)))
      all.push(await outcome(one.query({ name: 'read', values: [1] } as never)))
      all.push(await outcome(one.query({ name: 'read', values: [3] } as never)))
    }
    return all
  }))

it('B6: without waiting in between', () =>
  same(async (side) => {
    const client = await side.client()
    return Promise.all([
      outcome(
        client.query({ name: 'q', text: 'UPDATE posts SET views = $1 WHERE id = 1 RETURNING views', values: [1] }),
      ),
      outcome(client.query({ name: 'q', values: [2] } as never)),
      outcome(client.query({ name: 'q', values: [3] } as never)),
      outcome(client.query('SELECT views FROM posts WHERE id = 1')),
    ])
  }))

it("one name for two texts is pg's error, also where the first was answered from the cache", () =>
  same(async (side) => {
    const other = await side.client()
    await other.query('SELECT id FROM posts WHERE id = 1')
    const client = await side.client()
    // Makes the connection's state known, so that the next can be a hit.
    await client.query('SELECT id FROM users WHERE id = 2')
    const all = [await outcome(client.query({ name: 'n', text: 'SELECT id FROM posts WHERE id = 1' }))]
    for (const statement of ['SELECT id FROM posts WHERE id = 2', 'SELECT id FROM posts WHERE id = 1']) {
      all.push(await outcome(client.query({ name: 'n', text: statement })))
    }
    all.push(await outcome(client.query({ name: 'n', text: "UPDATE posts SET title = 'n'" })))
    all.push(await outcome(client.query('SELECT title FROM posts ORDER BY id')))
    return all
  }))

it('a name whose text failed may be used again', () =>
  same(async (side) => {
    const client = await side.client()
    return [
      await outcome(client.query({ name: 'n', text: 'SELECT nothing' })),
      await outcome(client.query({ name: 'n', text: 'SELECT id FROM posts WHERE id = 1' })),
      await outcome(client.query({ name: 'n', text: 'SELECT id FROM posts WHERE id = 1' })),
    ]
  }))

it('a name that nobody gave a text', () =>
  same(async (side) => outcome((await side.client()).query({ name: 'unknown', values: [] } as never))))

it('names in a pool, whose clients each prepare for themselves', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 3 })
    const ask = (id: number) => pool.query({ name: 'p', text: 'SELECT title FROM posts WHERE id = $1', values: [id] })
    const all = await Promise.all([1, 2, 3, 1, 2, 3].map((id) => outcome(ask(id))))
    const held = await pool.connect()
    const raise = { name: 'w', text: 'UPDATE posts SET views = views + $1 RETURNING views', values: [1] }
    all.push(await outcome(held.query(raise)), await outcome(held.query({ name: 'w', values: [2] } as never)))
    held.release()
    return all
  }))

it('a name that is none', () =>
  same(async (side) => {
    const client = await side.client()
    const all = []
    for (const name of ['', null, 0, false]) {
      all.push(await outcome(client.query({ name, text: 'SELECT id FROM posts WHERE id = $1', values: [1] } as never)))
      all.push(await outcome(client.query({ name, text: 'SELECT id FROM posts WHERE id = $1', values: [1] } as never)))
    }
    return all
  }))

it('a client that wants binary results', () =>
  same(async (side) => {
    const client = await side.client({ binary: true } as never)
    const pool = await side.pool({ binary: true } as never)
    const held = await pool.connect()
    const all = []
    for (const queryable of [client, pool, held, client, pool, held]) {
      all.push(await outcome(queryable.query('SELECT id, title, views FROM posts ORDER BY id')))
      all.push(await outcome(queryable.query("UPDATE posts SET title = 'b' WHERE id = 1 RETURNING id, title")))
    }
    held.release()
    return all
  }))

it('fields are of the class that pg uses', async () => {
  const result = (await same(async (side) => {
    const client = await side.client()
    await client.query(CACHED)
    return (await client.query(CACHED)).fields
  })) as pg.FieldDef[]
  expect(result[0]?.constructor.name).toBe('Field')
})
