import { beforeEach, describe, expect, it } from 'vitest'
import { ROWS, readsOf, useWrapped } from './support.js'

describe('caching', () => {
  const wrapped = useWrapped()
  let seen!: string[]
  const reads = () => seen.splice(0)

  const byId = (id: number) => wrapped.db.query('SELECT * FROM posts WHERE id = $1', [id]).then(({ rows }) => rows[0])
  const byAuthor = (author: number) =>
    wrapped.db.query('SELECT id FROM posts WHERE author = $1 ORDER BY id', [author]).then(({ rows }) => rows)
  const titles = () => wrapped.db.query('SELECT id, title FROM posts ORDER BY id').then(({ rows }) => rows)
  const warm = async () => {
    for (let round = 0; round < 2; round++) {
      for (const id of [1, 2, 3]) await byId(id)
      for (const author of [1, 2]) await byAuthor(author)
      await titles()
    }
    seen.length = 0
  }
  /** Which of the reads above are still in the cache. */
  const kept = async () => {
    const asked = [() => byId(1), () => byId(2), () => byId(3), () => byAuthor(1), () => byAuthor(2), titles]
    for (const ask of asked) await ask()
    return reads()
      .map((read) => (read === 'hit' ? '+' : '-'))
      .join('')
  }

  beforeEach(async () => {
    seen ??= readsOf(wrapped.cacheops)
    await wrapped.db.exec(ROWS)
    await warm()
  })

  it('hits on the second read', async () => {
    expect(await kept()).toBe('++++++')
  })

  it('is not confused by changes past it: they are not seen', async () => {
    await wrapped.raw.exec("UPDATE posts SET title = 'past' WHERE id = 1")
    expect(await byId(1)).toMatchObject({ title: 'first' })
    await wrapped.cacheops.invalidateAll()
    expect(await byId(1)).toMatchObject({ title: 'past' })
  })

  const write = (name: string, run: () => Promise<unknown>, left: string) =>
    it(`${name}: leaves ${left}`, async () => {
      await run()
      expect(await kept()).toBe(left)
    })
  const query = (text: string, params?: unknown[]) => () => wrapped.db.query(text, params)

  write('UPDATE by key', query('UPDATE posts SET title = $1 WHERE id = $2', ['x', 1]), '-+++++'.replace(/.$/, '-'))
  write(
    'UPDATE of a column that lists do not read',
    query('UPDATE posts SET views = views + 1 WHERE id = $1', [1]),
    '-+++++',
  )
  write('UPDATE that moves a row', query('UPDATE posts SET author = 2 WHERE id = 1'), '-++--+')
  write('INSERT', query('INSERT INTO posts VALUES ($1, $2, $3)', [4, 'x', 2]), '++++--')
  write('INSERT that exec ran', () => wrapped.db.exec("INSERT INTO posts VALUES (4, 'x', 2)"), '++++--')
  write('INSERT with an object', query('INSERT INTO everything (id, jsonb) VALUES ($1, $2)', [8, { a: 1 }]), '++++++')
  write('DELETE', query('DELETE FROM posts WHERE id = $1', [3]), '++-+--')
  write('DELETE by a list', query('DELETE FROM posts WHERE id = ANY($1)', [[3]]), '++-+--')
  write(
    'an upsert that updates',
    query('INSERT INTO posts VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE SET title = excluded.title', [1, 'x']),
    '-++++-',
  )
  write('TRUNCATE', query('TRUNCATE posts'), '------')
  write('several statements', () => wrapped.db.exec('SELECT 1; DELETE FROM posts WHERE id = 99'), '+++---')
  write('definitions', query('ALTER TABLE posts ADD COLUMN extra int DEFAULT 5'), '------')

  it('sees new columns at once', async () => {
    await wrapped.db.query('ALTER TABLE posts ADD COLUMN IF NOT EXISTS late int DEFAULT 5')
    expect(await byId(1)).toMatchObject({ late: 5 })
  })

  it('takes parameters that are serialised by their type', async () => {
    const { db } = wrapped
    const at = (value: unknown) =>
      db.query('SELECT id FROM everything WHERE moment = $1', [value]).then(({ rows }) => rows)
    expect(await at(new Date('2024-01-01T00:00:00.123Z'))).toEqual([{ id: 1 }])
    await db.query('UPDATE everything SET moment = $1 WHERE id = $2', [new Date('2030-01-01'), 1])
    expect(await at(new Date('2024-01-01T00:00:00.123Z'))).toEqual([])
    expect(await at(new Date('2030-01-01'))).toEqual([{ id: 1 }])
    const flagged = () => db.query('SELECT id FROM everything WHERE yes = $1 ORDER BY id', [1]).then(({ rows }) => rows)
    expect(await flagged()).toEqual([{ id: 1 }])
    await db.query('UPDATE everything SET yes = $1 WHERE yes = $2', ['no', true])
    expect(await flagged()).toEqual([])
  })

  it('gives what RETURNING was asked for, and no more', async () => {
    const result = await wrapped.db.query('UPDATE posts SET author = 5 WHERE id = 1 RETURNING title', [], {
      rowMode: 'array',
    })
    expect(result).toEqual({
      rows: [['first']],
      fields: [{ name: 'title', dataTypeID: 25 }],
      command: 'UPDATE',
      affectedRows: 1,
      rowCount: 1,
    })
    expect(await wrapped.db.exec('UPDATE posts SET author = 6 WHERE id = 1')).toEqual([
      { rows: [], fields: [], command: 'UPDATE', affectedRows: 1, rowCount: 1 },
    ])
    expect(await byAuthor(1)).toEqual([{ id: 2 }])
  })

  it('reads past the cache in a transaction that has written, and drops at its commit', async () => {
    const dropped: string[] = []
    const stop = wrapped.cacheops.on('invalidated', ({ cause }) => dropped.push(cause))
    await wrapped.db.transaction(async (tx) => {
      const inside = (id: number) =>
        tx.query<{ title: string }>('SELECT * FROM posts WHERE id = $1', [id]).then(({ rows }) => rows[0]?.title)
      expect(await inside(1)).toBe('first')
      expect(reads()).toEqual(['hit'])
      await tx.query("UPDATE posts SET title = 'inside' WHERE id = 1")
      expect(await inside(1)).toBe('inside')
      expect(await inside(2)).toBe('second')
      expect(reads()).toEqual([])
      expect(await kept()).toBe('++++++')
    })
    // Before `transaction()` answers, not with the next call.
    expect(dropped).toEqual(["COMMIT of UPDATE posts SET title = 'inside' WHERE id = 1"])
    stop()
    expect(await kept()).toBe('-++++-')
    expect(await byId(1)).toMatchObject({ title: 'inside' })
  })

  it('drops nothing at a rollback', async () => {
    const { db } = wrapped
    const fails = db.transaction(async (tx) => {
      await tx.query('DELETE FROM posts')
      throw new Error('no')
    })
    await expect(fails).rejects.toThrow('no')
    await db.transaction(async (tx) => {
      await tx.query('DELETE FROM posts')
      await tx.rollback()
    })
    await db.exec('BEGIN')
    await db.query('DELETE FROM posts')
    expect(await byId(1)).toBeUndefined()
    await db.exec('ROLLBACK')
    reads()
    expect(await kept()).toBe('++++++')
  })

  it('keeps nothing that a transaction read of what it had not committed', async () => {
    const { db } = wrapped
    await db.transaction(async (tx) => {
      await tx.query("INSERT INTO posts VALUES (50, 'never')")
      expect((await tx.query('SELECT * FROM posts WHERE id = $1', [50])).rows).toHaveLength(1)
      await tx.rollback()
    })
    expect(await byId(50)).toBeUndefined()
  })

  it('forgets what a savepoint undoes', async () => {
    await wrapped.db.transaction(async (tx) => {
      await tx.query('UPDATE posts SET views = 100 WHERE id = 2')
      await tx.exec('SAVEPOINT a')
      await tx.query('UPDATE posts SET views = 100 WHERE id = 1')
      await tx.exec('ROLLBACK TO SAVEPOINT a')
    })
    expect(await kept()).toBe('+-++++')
  })

  it('has the changes of a transaction by hand at its COMMIT', async () => {
    const { db } = wrapped
    await db.query('BEGIN')
    await db.query("UPDATE posts SET title = 'by hand' WHERE id = 3")
    expect(await byId(3)).toMatchObject({ title: 'by hand' })
    await db.query('COMMIT')
    reads()
    expect(await kept()).toBe('++-++-')
  })

  it('sees settings that change the answer', async () => {
    const { db } = wrapped
    const shown = () =>
      db.query<{ moment: string }>('SELECT moment FROM everything WHERE id = 1', [], {
        parsers: { 1184: (text) => text },
      })
    const before = (await shown()).rows[0]?.moment
    await db.exec("SET TimeZone = 'Asia/Tokyo'")
    expect((await shown()).rows[0]?.moment).not.toBe(before)
    await db.exec('RESET TimeZone')
    reads()
    expect((await shown()).rows[0]?.moment).toBe(before)
    expect(reads()).toEqual(['hit'])
  })

  it('follows a scope of the caller', async () => {
    const { db, cacheops } = wrapped
    await cacheops.nocache(() => byId(1))
    expect(reads()).toEqual([])
    await cacheops.nocache(() => db.transaction((tx) => tx.query('SELECT * FROM posts WHERE id = $1', [1])))
    expect(reads()).toEqual([])
    await cacheops.noInvalidation(() => db.query("UPDATE posts SET title = 'unseen' WHERE id = 1"))
    expect(await byId(1)).toMatchObject({ title: 'first' })
    await cacheops.deferInvalidation(async () => {
      await db.transaction((tx) => tx.query("UPDATE posts SET title = 'deferred' WHERE id = 1"))
      reads()
      // Its own reads go past the cache.
      expect(await byId(1)).toMatchObject({ title: 'deferred' })
      expect(reads()).toEqual([])
    })
    expect(await byId(1)).toMatchObject({ title: 'deferred' })
    expect(reads()).toEqual(['miss'])
  })

  it('shares one question of several callers', async () => {
    await wrapped.cacheops.invalidateAll()
    const answers = await Promise.all([byId(1), byId(1), byId(1)])
    expect(answers).toEqual([answers[0], answers[0], answers[0]])
    expect(reads().filter((read) => read === 'miss')).toHaveLength(1)
  })

  it('serves hits while a transaction is open, and what it changed only when it has ended', async () => {
    const { db } = wrapped
    const title = () => db.query('SELECT title FROM posts WHERE id = $1', [3]).then(({ rows }) => rows)
    expect(await title()).toEqual([{ title: 'third' }])
    seen.length = 0
    await db.transaction(async (tx) => {
      await tx.query('UPDATE posts SET title = $1 WHERE id = $2', ['changed', 3])
      expect(await title()).toEqual([{ title: 'third' }])
      expect(seen).toEqual(['hit'])
    })
    expect(await title()).toEqual([{ title: 'changed' }])
    expect(seen).toEqual(['hit', 'miss'])
    await db.exec("UPDATE posts SET title = 'third' WHERE id = 3")
  })

  it('lets no hit overtake a write that was called before', async () => {
    const { db } = wrapped
    const title = () => db.query('SELECT title FROM posts WHERE id = $1', [1]).then(({ rows }) => rows[0])
    await title()
    await title()
    const write = db.query("UPDATE posts SET title = 'later' WHERE id = 1")
    expect(await title()).toEqual({ title: 'later' })
    await write
    const begin = db.exec("BEGIN; UPDATE posts SET title = 'first' WHERE id = 1")
    expect(await title()).toEqual({ title: 'first' })
    await begin
    expect(await title()).toEqual({ title: 'first' })
    await db.exec('COMMIT')
    expect(await title()).toEqual({ title: 'first' })
  })

  // The last one, as it makes the table be read past the cache for a second (A13).
  it('drops what a write of no row names', async () => {
    await wrapped.db.query('UPDATE posts SET author = 2 WHERE author = 77')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await kept()).toBe('+++++-')
  })
})
