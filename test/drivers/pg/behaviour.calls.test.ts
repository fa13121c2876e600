import { EventEmitter } from 'node:events'
import pg from 'pg'
import { expect, it } from 'vitest'
import { called, end, outcome, type Side, useParity } from './support.js'

const { check, same } = useParity('calls')

const ALL = 'SELECT * FROM posts ORDER BY id'
const ONE = 'SELECT id, title FROM posts WHERE id = $1'
const NONE = 'SELECT id FROM posts WHERE false'

type Queryable = pg.Pool | pg.Client | pg.PoolClient
type Anything = (...args: unknown[]) => never

/** Every way to ask for a query: client, pool, and a client of a pool. */
const WAYS: readonly [string, (side: Side, use: (queryable: Queryable) => Promise<unknown>) => Promise<unknown>][] = [
  ['client', async (side, use) => use(await side.client())],
  ['pool', async (side, use) => use(await side.pool())],
  [
    'client of a pool',
    async (side, use) => {
      const client = await (await side.pool()).connect()
      try {
        return await use(client)
      } finally {
        client.release()
      }
    },
  ],
]

for (const [name, way] of WAYS) {
  const ask = (...args: unknown[]) =>
    same((side) =>
      way(side, async (queryable) => {
        const query = queryable.query.bind(queryable) as unknown as Anything
        return [await outcome(query(...args)), await outcome(query(...args)), await outcome(query(...args))]
      }),
    )
  const askBack = (...args: unknown[]) =>
    same((side) =>
      way(side, async (queryable) => {
        const query = queryable.query.bind(queryable) as unknown as Anything
        const once = () =>
          called((callback) => query(...args.map((argument) => (argument === Anywhere ? callback : argument))))
        return [await once(), await once()]
      }),
    )
  const Anywhere = Symbol('the callback')

  it(`${name}: query(text) gives pg's own Result`, async () => {
    const [, second] = (await ask(ALL)) as { value: pg.QueryResult }[]
    expect(second?.value).toBeInstanceOf(pg.Result)
    expect(second?.value.rowCount).toBe(4)
  })
  it(`${name}: query(text, values)`, () => ask(ONE, [1]))
  it(`${name}: query(text, no values)`, () => ask(ALL, []))
  it(`${name}: query(text, undefined)`, () => ask(ALL, undefined))
  it(`${name}: query(text, null)`, () => ask(ALL, null))
  it(`${name}: query(text, values, undefined)`, () => ask(ONE, [1], undefined))
  it(`${name}: query(text, values, null)`, () => ask(ONE, [1], null))
  it(`${name}: no rows`, () => ask(NONE))
  it(`${name}: no columns`, () => ask('SELECT FROM posts'))
  it(`${name}: two columns of one name`, () => ask('SELECT id, title AS id FROM posts WHERE id = 1'))
  it(`${name}: query(config)`, () => ask({ text: ONE, values: [2] }))
  it(`${name}: query(config, values)`, () => ask({ text: ONE, values: [2] }, [3]))
  it(`${name}: query(config without values, values)`, () => ask({ text: ONE }, [3]))
  it(`${name}: query(config with falsy options)`, () =>
    ask({ text: ONE, values: [1], name: undefined, rowMode: undefined, types: null, callback: null }))
  it(`${name}: options that pg does not know`, () => ask({ text: ONE, values: [1], method: 'select', options: {} }))
  it(`${name}: a config with getters on its class`, () => {
    class Tagged {
      readonly strings = ['SELECT id FROM posts WHERE id = ', '']
      readonly values = [2]
      get text() {
        return this.strings.join('$1')
      }
    }
    return ask(new Tagged())
  })
  it(`${name}: a frozen config stays as it is`, async () => {
    const config = Object.freeze({ text: ONE, values: Object.freeze([1]) })
    await ask(config)
    expect(config).toEqual({ text: ONE, values: [1] })
  })
  it(`${name}: query(text, callback)`, () => askBack(ALL, Anywhere))
  it(`${name}: query(text, values, callback)`, () => askBack(ONE, [1], Anywhere))
  it(`${name}: query(text, undefined, callback)`, () => askBack(ALL, undefined, Anywhere))
  it(`${name}: query(config, callback)`, () => askBack({ text: ONE, values: [1] }, Anywhere))
  it(`${name}: query(config, values, callback)`, () => askBack({ text: ONE }, [1], Anywhere))
  it(`${name}: an error comes to the callback`, () => askBack('SELECT nothing', Anywhere))
  it(`${name}: a write`, () => ask("UPDATE posts SET views = views + 1 WHERE title = 'first'"))
  it(`${name}: a write with RETURNING`, () => ask('UPDATE posts SET views = views + 1 WHERE id = $1 RETURNING *', [1]))
  it(`${name}: an insert`, () => ask("INSERT INTO posts (title) VALUES ('new'), ('newer')"))
  it(`${name}: an insert with RETURNING`, () => ask("INSERT INTO posts (title) VALUES ('new') RETURNING id, title"))
  it(`${name}: a delete`, () => ask('DELETE FROM posts WHERE id = 1'))
  it(`${name}: an empty text`, () => ask(''))
  it(`${name}: nothing but a semicolon`, () => ask(';'))
  it(`${name}: nothing but a comment`, () => ask('-- nothing'))
  it(`${name}: several statements`, () =>
    ask("SELECT 1 AS a; UPDATE posts SET views = 9 WHERE id = 1; SELECT 'x' AS b"))
  it(`${name}: several statements and an empty one`, () => ask('SELECT 1 AS a;;'))
  it(`${name}: several statements with values`, () => ask('SELECT 1; SELECT $1', [1]))
  it(`${name}: one statement in the extended protocol`, () => ask({ text: ALL, queryMode: 'extended' }))
  it(`${name}: several statements in the extended protocol`, () =>
    ask({ text: 'SELECT 1; SELECT 2', queryMode: 'extended' }))
  it(`${name}: a page of rows at a time`, () => ask({ text: ALL, rows: 2 }))
  it(`${name}: binary results`, () => ask({ text: 'SELECT id, title FROM posts ORDER BY id', binary: true }))
}

const withCallback = (use: (side: Side, text: string, callback: (...args: unknown[]) => void) => Promise<unknown>) =>
  same(async (side) => {
    const told: unknown[] = []
    const returned = await use(side, ONE, (...args) => told.push(args))
    await new Promise((resolve) => setTimeout(resolve, 50))
    return { told, returned }
  })

it("client: the config's own callback is called", async () => {
  const { told } = (await withCallback(async (side, text, callback) =>
    (await side.client()).query({ text, values: [1], callback } as never),
  )) as { told: unknown[] }
  expect(told).toHaveLength(1)
})

it("pool: the config's own callback is not called, as pool.query has its own", async () => {
  const { told, returned } = (await withCallback(async (side, text, callback) => {
    const pool = await side.pool()
    await pool.query(text, [1])
    return pool.query({ text, values: [1], callback } as never)
  })) as { told: unknown[]; returned: unknown }
  expect(told).toHaveLength(0)
  expect(returned).toBeInstanceOf(pg.Result)
})

it('a callback that is not a function is a TypeError at once', () =>
  same(async (side) => {
    const client = await side.client()
    try {
      return client.query('SELECT 1', [], 'no' as never)
    } catch (error) {
      return String(error)
    }
  }))

it.each([
  ['null', null],
  ['undefined', undefined],
  ['a number', 5],
  ['an object without a text', {}],
  ['an object with a text of another kind', { text: 5 }],
  ['a String object', new String('SELECT 1')],
  ['an array', ['SELECT 1']],
])('what is not a query: %s', (_, what) =>
  check(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    const held = await pool.connect()
    const thrown = (run: () => unknown) => {
      try {
        return outcome(run())
      } catch (error) {
        return { thrown: String(error) }
      }
    }
    const all = [
      await thrown(() => client.query(what as never)),
      await thrown(() => held.query(what as never)),
      await thrown(() => pool.query(what as never)),
      await outcome(client.query('SELECT 1 AS still_usable')),
    ]
    held.release()
    return all
  }),
)

it('a function as the text of pool.query is refused', () =>
  same(async (side) => {
    const pool = await side.pool()
    return [
      await outcome(pool.query((() => 1) as never)),
      await called((callback) => pool.query(callback as never)).catch(String),
    ]
  }))

it("the promise is of the options' own kind, for hits, misses and writes", () =>
  same(async (side) => {
    class Own<T> extends Promise<T> {}
    const options = { Promise: Own as unknown as PromiseConstructor }
    const client = await side.client(options)
    const pool = await side.pool(options)
    const kinds: boolean[] = []
    for (const queryable of [client, pool]) {
      for (const text of [ALL, ALL, 'UPDATE posts SET views = 1', 'SELECT nothing']) {
        const promise = queryable.query(text) as Promise<unknown>
        kinds.push(promise instanceof Own)
        await outcome(promise)
      }
    }
    const held = pool.connect()
    kinds.push(held instanceof Own)
    for (const text of [ALL, ALL, 'SELECT nothing']) {
      const promise = (await held).query(text) as Promise<unknown>
      kinds.push(promise instanceof Own)
      await outcome(promise)
    }
    ;(await held).release()
    const ended = pool.end()
    kinds.push(ended instanceof Own)
    await ended
    return kinds
  }).catch((error: Error) => {
    // The pool was ended in the case; ending it again is refused by both.
    if (error.message !== 'Called end on pool more than once') throw error
  }))

it('connect and end with callbacks', () =>
  same(async (side) => {
    const client = new side.pg.Client({ connectionString: side.url })
    const connected = await called((callback) => client.connect(callback as never))
    const ended = await called((callback) => client.end(callback as never))
    const pool = await side.pool()
    const held = await new Promise((resolve) =>
      pool.connect((error, given, release) => {
        const got = [error, given instanceof EventEmitter, given instanceof side.pg.Client, typeof release]
        release()
        resolve(got)
      }),
    )
    const over = await called((callback) => pool.end(callback as never))
    end(pool).catch(() => undefined)
    return [
      (connected as { given: unknown[] }).given.map((given) => given instanceof side.pg.Client),
      ended,
      held,
      over,
    ]
  }))
