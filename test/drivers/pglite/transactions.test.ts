import { describe } from 'vitest'
import type { PGlite } from './support.js'
import { outcome, useBoth } from './support.js'

const all = (on: Pick<PGlite, 'query'>) => on.query('SELECT * FROM posts ORDER BY id').then(({ rows }) => rows)

describe('transactions and writes', () => {
  const { writes, reads } = useBoth()

  writes('results of writes', async (db) => [
    await db.query('INSERT INTO posts VALUES ($1, $2, $3)', [4, 'fourth', 2]),
    await db.query('INSERT INTO posts VALUES (5, $1), (6, $2) RETURNING title AS t, id', ['five', 'six']),
    await db.query('UPDATE posts SET title = title WHERE id = $1', [99]),
    await db.query('UPDATE posts SET author = $1 WHERE author = $2 RETURNING *', [3, 2], { rowMode: 'array' }),
    await db.query(
      'INSERT INTO posts VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET title = excluded.title RETURNING id',
      ['upserted'],
    ),
    await db.query('INSERT INTO posts VALUES (1, $1) ON CONFLICT DO NOTHING', ['x']),
    await db.query('DELETE FROM posts WHERE id = ANY($1)', [[5, 6]]),
    await db.query(
      'MERGE INTO posts USING (VALUES (1)) AS v (id) ON posts.id = v.id WHEN MATCHED THEN UPDATE SET views = 9',
    ),
    await db.query('WITH gone AS (DELETE FROM posts WHERE id = 2 RETURNING id) SELECT * FROM gone'),
    await db.query(
      'INSERT INTO everything (id, jsonb, moment, ints) VALUES (9, $1, $2, $3) RETURNING jsonb, moment, ints',
      [{ a: [1n, null] }, new Date(0), [1, null]],
    ),
    await db.exec('UPDATE posts SET views = 5 WHERE id = 1 RETURNING views'),
    await all(db),
  ])
  writes('exec of several statements', async (db) => [
    await db.exec(`
      INSERT INTO posts VALUES (7, 'seven', 1), (8, 'eight', 1);
      UPDATE posts SET views = 1 WHERE id = 99;
      SELECT id FROM posts ORDER BY id;
      -- and the last
      DELETE FROM posts WHERE id IN (7, 8) RETURNING id`),
    await all(db),
  ])
  writes('exec that fails halfway', async (db) => [
    await outcome(() => db.exec("UPDATE posts SET title = 'gone'; SELECT 1/0; DELETE FROM posts")),
    await all(db),
  ])
  writes('exec with a transaction that fails after its commit', async (db) => [
    await outcome(() => db.exec("BEGIN; UPDATE posts SET title = 'kept'; COMMIT; SELECT 1/0")),
    await all(db),
  ])
  writes('commit', async (db) => [
    await db.transaction(async (tx) => {
      await tx.query('UPDATE posts SET title = $1 WHERE id = $2', ['inside', 1])
      const inside = await all(tx)
      const executed = await tx.exec('SELECT 1 AS one; SELECT 2 AS two')
      return [inside, executed, tx.closed]
    }),
    await all(db),
  ])
  writes('a throw', async (db) => {
    const all0 = await all(db)
    const thrown = await outcome(() =>
      db.transaction(async (tx) => {
        await tx.query('DELETE FROM posts')
        throw new RangeError('mine')
      }),
    )
    const undefinedThrown = await db
      .transaction(() => Promise.reject(undefined))
      .catch((error: unknown) => ['caught', error])
    return [all0, thrown, undefinedThrown, await all(db)]
  })
  writes('rollback()', async (db) => [
    await db.transaction(async (tx) => {
      await tx.query('DELETE FROM posts')
      const before = tx.closed
      await tx.rollback()
      return [before, tx.closed, await outcome(() => tx.query('SELECT 1')), await outcome(() => tx.exec('SELECT 1'))]
    }),
    await all(db),
  ])
  writes('a throw after rollback()', async (db) => [
    await outcome(() =>
      db.transaction(async (tx) => {
        await tx.query('DELETE FROM posts')
        await tx.rollback()
        throw new Error('after')
      }),
    ),
    await all(db),
  ])
  writes('a statement that fails inside', async (db) => [
    await outcome(() =>
      db.transaction(async (tx) => {
        await tx.query('UPDATE posts SET title = $1', ['gone'])
        const failed = await outcome(() => tx.query('INSERT INTO posts VALUES (1, $1)', ['twice']))
        const next = await outcome(() => tx.query('SELECT * FROM posts WHERE id = $1', [1]))
        return [failed, next]
      }),
    ),
    await all(db),
  ])
  writes('reads of a failed transaction', (db) =>
    db
      .query('SELECT * FROM posts WHERE id = $1', [1])
      .then(() => db.query('SELECT * FROM posts WHERE id = $1', [1]))
      .then(() =>
        outcome(() =>
          db.transaction(async (tx) => {
            const before = await tx.query('SELECT * FROM posts WHERE id = $1', [1])
            const failed = await outcome(() => tx.query('SELECT 1/0'))
            return [before, failed, await outcome(() => tx.query('SELECT * FROM posts WHERE id = $1', [1]))]
          }),
        ),
      ),
  )
  writes('savepoints', async (db) => [
    await db.transaction(async (tx) => {
      await tx.query("UPDATE posts SET title = 'one' WHERE id = 1")
      await tx.query('SAVEPOINT a')
      await tx.query("UPDATE posts SET title = 'two' WHERE id = 2")
      const failed = await outcome(() => tx.query('SELECT 1/0'))
      await tx.query('ROLLBACK TO a')
      await tx.exec('RELEASE a')
      return [failed, await all(tx)]
    }),
    await all(db),
  ])
  writes('statements that nobody awaited', async (db) => [
    await db.transaction(async (tx) => {
      void tx.query("INSERT INTO posts VALUES (10, 'not awaited')")
      void tx.query('UPDATE posts SET views = 10 WHERE id = 10')
      return 'done'
    }),
    await all(db),
  ])
  writes('a transaction that is used after its end', async (db) => {
    let kept: Pick<PGlite, 'query'> | undefined
    await db.transaction(async (tx) => {
      kept = tx as never
    })
    return outcome(() => (kept as PGlite).query('SELECT 1'))
  })
  writes('BEGIN and COMMIT by hand', async (db) => [
    await db.query('BEGIN'),
    await db.query('UPDATE posts SET title = $1', ['by hand']),
    await all(db),
    await db.query('COMMIT'),
    await all(db),
  ])
  writes('BEGIN by hand in exec, and ROLLBACK', async (db) => [
    await db.exec("BEGIN; UPDATE posts SET title = 'gone'"),
    await all(db),
    await db.query('ROLLBACK'),
    await all(db),
  ])
  writes('a failed transaction by hand', async (db) => [
    await all(db),
    await db.exec('BEGIN'),
    await outcome(() => db.query('SELECT nothing')),
    await outcome(() => db.query('SELECT * FROM posts ORDER BY id')),
    await outcome(() => db.transaction((tx) => tx.query('SELECT 1'))),
    await db.exec('COMMIT'),
    await all(db),
  ])
  writes('a transaction() in a transaction by hand', async (db) => [
    await db.exec("BEGIN; UPDATE posts SET title = 'by hand' WHERE id = 1"),
    await db.transaction((tx) => tx.query("UPDATE posts SET title = 'inside' WHERE id = 2")),
    await db.exec('ROLLBACK'),
    await all(db),
  ])
  writes('isolation', (db) =>
    db.transaction(async (tx) => {
      await tx.exec('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')
      return [await tx.query('SHOW transaction_isolation'), await all(tx)]
    }),
  )
  writes('a deferred constraint that fails at the commit', async (db) => {
    await db.exec('CREATE TABLE deferred (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)')
    const failed = await outcome(() =>
      db.transaction(async (tx) => {
        await tx.exec('INSERT INTO deferred VALUES (1), (1)')
        return 'never'
      }),
    )
    const { rows } = await db.query('SELECT * FROM deferred')
    await db.exec('DROP TABLE deferred')
    return [failed, rows]
  })
  writes('calls at once, in the order of the calls', async (db) => {
    const results = await Promise.all([
      db.query('SELECT title FROM posts WHERE id = 1'),
      db.query("UPDATE posts SET title = 'first again' WHERE id = 1"),
      db.query('SELECT title FROM posts WHERE id = 1'),
      db.transaction((tx) => tx.query('UPDATE posts SET views = views + 1 WHERE id = 1 RETURNING views')),
      db.query("UPDATE posts SET title = 'last' WHERE id = 1"),
      db.query('SELECT title, views FROM posts WHERE id = 1'),
      outcome(() => db.query('SELECT nothing')),
      db.query('SELECT count(*) FROM posts'),
    ])
    return results
  })
  writes('LISTEN and NOTIFY', async (db) => {
    const heard: string[] = []
    const stop = await db.listen('news', (payload) => heard.push(payload))
    const stopInside = await db.transaction(async (tx) => {
      const stop = await tx.listen('more', (payload) => heard.push(payload))
      await tx.query("NOTIFY more, 'inside'")
      return stop
    })
    await db.query("NOTIFY news, 'outside'")
    await new Promise((resolve) => setTimeout(resolve, 5))
    await stop()
    await stopInside()
    await db.query("NOTIFY news, 'nobody hears'")
    return heard
  })
  writes('COPY with blobs', async (db) => {
    const { blob } = await db.query("COPY posts TO '/dev/blob' WITH (FORMAT csv)")
    await db.query('DELETE FROM posts')
    const copied = await db.query("COPY posts FROM '/dev/blob' WITH (FORMAT csv)", [], { blob: blob as Blob })
    return [await (blob as Blob).text(), copied, await all(db)]
  })

  reads('errors of statements', async (db) => {
    const failed = (run: () => Promise<unknown>) => outcome(run)
    const options = { rowMode: 'array' as const }
    return [
      await failed(() => db.query('SELEC 1')),
      await failed(() => db.query('SELECT * FROM nowhere WHERE id = $1', [1], options)),
      await failed(() => db.query('SELECT 1; SELECT 2')),
      await failed(() => db.query('INSERT INTO posts VALUES ($1, $2)', [1, 'twice'])),
      await failed(() => db.query('INSERT INTO posts (id) VALUES ($1) RETURNING id', [77])),
      await failed(() => db.query("SELECT id FROM posts WHERE id = 'x'")),
      await failed(() => db.query('SELECT id FROM posts WHERE id = $1', ['x'], options)),
      await failed(() => db.query('SELECT id FROM posts WHERE 1 / (id - 1) > 0')),
      await failed(() => db.exec('SELECT id FROM posts WHERE 1 / (id - 1) > 0', options)),
      await failed(() => db.exec('SELECT 1; SELEC 2')),
      await db.transaction('nothing' as never).catch((error: unknown) => error instanceof TypeError),
      await failed(() => db.sql`SELECT ${1}::int / ${0}`),
    ]
  })
})
