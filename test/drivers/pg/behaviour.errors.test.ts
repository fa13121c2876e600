import { expect, it } from 'vitest'
import { called, outcome, status, useParity } from './support.js'

const { same } = useParity('errors')

const FAILING: readonly [string, string, unknown[]?][] = [
  ['a syntax error', 'SELEC id FROM posts'],
  ['a syntax error behind others', 'SELECT id, FROM posts'],
  ['an unknown table', 'SELECT * FROM nowhere'],
  ['an unknown column', 'SELECT id, nothing FROM posts'],
  ['an unknown column behind a comment', '/* a comment */\n  SELECT nothing FROM posts'],
  ['an unknown column of a write', '  UPDATE posts SET nothing = 1 WHERE id = 1'],
  ['an unknown column of a condition', '/* c */ UPDATE posts SET views = 1 WHERE nothing = 1'],
  ['an unknown column in RETURNING', '-- c\nDELETE FROM posts WHERE id = 1 RETURNING nothing'],
  ['an unknown function', 'SELECT no_such_function(id) FROM posts'],
  ['a division by zero', 'SELECT 1 / (views - views) FROM posts'],
  ['a value that does not fit', "SELECT * FROM posts WHERE id = 'x'"],
  ['a parameter that does not fit', 'SELECT * FROM posts WHERE id = $1', ['x']],
  ['a parameter of a write that does not fit', ' /* c */ UPDATE posts SET views = 2 WHERE id = $1', ['x']],
  ['a literal of a write that does not fit', "  -- c\n UPDATE posts SET views = 2 WHERE id = 'x'"],
  ['a literal of an insert that does not fit', "  /* c */ INSERT INTO posts (views, title) VALUES ('x', 'y')"],
  ['a unique violation', "INSERT INTO users (name) VALUES ('ann')"],
  ['a unique violation of an update', "UPDATE users SET name = 'ann' WHERE id = 2"],
  ['a foreign key', 'INSERT INTO posts (author_id, title) VALUES (99, $1)', ['t']],
  ['a NOT NULL', 'INSERT INTO posts (title) VALUES (NULL)'],
  ['a CHECK', 'UPDATE posts SET views = -1 WHERE id = 1'],
  ['a string of which the second fails', 'UPDATE posts SET views = 5; SELECT 1/0'],
  ['a BEGIN in a string that fails', 'BEGIN; UPDATE posts SET views = 5; SELECT 1/0'],
  ['a COMMIT in a string that fails', 'BEGIN; UPDATE posts SET views = 5; COMMIT; SELECT 1/0'],
  ['COPY without a stream', 'COPY posts FROM STDIN'],
  [
    'an error of a DO block',
    "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0009', DETAIL = 'd', HINT = 'h'; END $$",
  ],
]

for (const [name, text, values] of FAILING) {
  it(`${name}: the same error, and the connection is usable`, () =>
    same(async (side) => {
      const client = await side.client()
      const pool = await side.pool()
      // Conditions in use, so that writes bring images.
      for (const read of [
        'SELECT views FROM posts WHERE views = 3',
        'SELECT * FROM posts WHERE title = $1',
        'SELECT id FROM users WHERE name = $1',
      ]) {
        await client.query(read, read.includes('$1') ? ['x'] : [])
      }
      const all: unknown[] = []
      for (const queryable of [client, pool, client]) {
        all.push(await outcome(queryable.query(text, values)))
        all.push(await status(client))
        if (client.getTransactionStatus() !== 'I') all.push(await outcome(client.query('ROLLBACK')))
        all.push(await outcome(queryable.query('SELECT id, views FROM posts ORDER BY id')))
      }
      const held = await pool.connect()
      all.push(await outcome(held.query(text, values)))
      all.push(await status(held), await outcome(held.query('ROLLBACK')))
      all.push(await outcome(held.query('SELECT id, views FROM posts ORDER BY id')))
      held.release()
      all.push(await called((callback) => client.query(text, values ?? [], callback as never)))
      return all
    }))

  it(`${name}: in a transaction`, () =>
    same(async (side) => {
      const client = await side.client()
      await client.query('SELECT views FROM posts WHERE views = 3 AND title = $1', ['x'])
      const all: unknown[] = []
      const ask = async (statement: string, given?: unknown[]) => {
        all.push(await outcome(client.query(statement, given)), await status(client))
      }
      await ask('BEGIN')
      await ask('SELECT id, views FROM posts ORDER BY id')
      await ask('SAVEPOINT s')
      await ask(text, values)
      await ask('SELECT id, views FROM posts ORDER BY id')
      await ask('ROLLBACK TO SAVEPOINT s')
      await ask('SELECT id, views FROM posts ORDER BY id')
      await ask('COMMIT')
      await ask('SELECT id, views FROM posts ORDER BY id')
      return all
    }))
}

it('a failed transaction answers every statement with its error, cached or not, until it ends', () =>
  same(async (side) => {
    const client = await side.client()
    const read = 'SELECT id, title FROM posts ORDER BY id'
    const all = [await outcome(client.query(read)), await outcome(client.query(read))]
    await client.query('BEGIN')
    all.push(await outcome(client.query(read)))
    all.push(await outcome(client.query('SELECT 1/0')))
    all.push(await outcome(client.query(read)), await outcome(client.query('UPDATE posts SET views = 1')))
    all.push(await outcome(client.query('COMMIT')), await outcome(client.query(read)))
    return all
  }))

it('SET TRANSACTION comes before any query of ours', () =>
  same(async (side) => {
    const all: unknown[] = []
    for (const begin of ['BEGIN', 'START TRANSACTION']) {
      const client = await side.client()
      for (const text of [
        begin,
        'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
        'SHOW transaction_isolation',
        'SELECT count(*) FROM posts',
        'COMMIT',
        'SHOW transaction_isolation',
      ]) {
        all.push(await outcome(client.query(text)))
      }
      const held = await (await side.pool()).connect()
      await held.query(begin)
      all.push(await outcome(held.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')))
      all.push(await outcome(held.query('SET TRANSACTION READ ONLY')))
      all.push(await outcome(held.query("INSERT INTO users (name) VALUES ('zoe')")))
      await held.query('ROLLBACK')
      held.release()
    }
    return all
  }))

it('query_timeout of a query, and the connection goes on', () =>
  same(async (side) => {
    const client = await side.client()
    const all = [await outcome(client.query({ text: 'SELECT pg_sleep(0.2)', query_timeout: 50 } as never))]
    all.push(await outcome(client.query('SELECT id FROM posts WHERE id = 1')))
    const pool = await side.pool({ query_timeout: 500 })
    all.push(await outcome(pool.query('SELECT pg_sleep(1)')))
    all.push(await outcome(pool.query({ text: 'SELECT id FROM posts WHERE id = 1', query_timeout: 20_000 } as never)))
    return all
  }))

it('statement_timeout', () =>
  same(async (side) => {
    const client = await side.client({ statement_timeout: 300 })
    return [
      await outcome(client.query('SELECT pg_sleep(2)')),
      await outcome(client.query('SELECT id FROM posts WHERE id = 1')),
      await outcome(client.query('SELECT id FROM posts WHERE id = 1')),
    ]
  }))

it('errors have a stack that leads to the caller', async () => {
  await same(async (side) => {
    const client = await side.client()
    const pool = await side.pool()
    const stacks: boolean[] = []
    async function theCaller(queryable: { query(text: string): Promise<unknown> }) {
      await queryable.query('SELECT nothing')
    }
    for (const queryable of [client, pool]) {
      const error = await theCaller(queryable).then(
        () => undefined,
        (caught: Error) => caught,
      )
      stacks.push(error?.stack?.includes('theCaller') ?? false)
    }
    return stacks
  }).then((stacks) => expect(stacks).toEqual([true, true]))
})
