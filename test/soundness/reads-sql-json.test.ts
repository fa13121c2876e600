import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cachedPGlite } from '../../src/drivers/pglite/index.js'
import { createCacheops, memory } from '../../src/index.js'
import { createPGlite } from '../support/pglite.js'

const ROWS = `
  DROP TABLE IF EXISTS posts, tags;
  CREATE TABLE posts (id int PRIMARY KEY, title text, doc jsonb);
  CREATE TABLE tags (post int, tag text);
  INSERT INTO posts SELECT i, 'title ' || i, jsonb_build_object('n', i, 'l', jsonb_build_array(i, i + 1)) FROM generate_series(1, 6) i;
  INSERT INTO tags SELECT i % 4, 'tag ' || i FROM generate_series(1, 9) i;`

/** A read, a write that changes its answer, and one that leaves the answer in the cache. PGlite is PostgreSQL 18. */
const CASES: readonly (readonly [what: string, read: string, write: string, beside: string])[] = [
  [
    'JSON_OBJECT and JSON_ARRAY of a query',
    `SELECT JSON_OBJECT('id' VALUE id, 'title': title, 'tags': JSON_ARRAY(SELECT tag FROM tags WHERE post = id ORDER BY tag) RETURNING jsonb) AS o
      FROM posts WHERE id = 2`,
    `INSERT INTO tags VALUES (2, 'new')`,
    `INSERT INTO tags VALUES (3, 'new')`,
  ],
  [
    'JSON_ARRAYAGG and JSON_OBJECTAGG',
    `SELECT JSON_ARRAYAGG(tag ORDER BY tag DESC RETURNING jsonb) AS a, JSON_OBJECTAGG(tag: post ABSENT ON NULL RETURNING jsonb) AS o
      FROM tags WHERE post = 1`,
    `UPDATE tags SET tag = 'other' WHERE tag = 'tag 5'`,
    `UPDATE tags SET tag = 'other' WHERE tag = 'tag 2'`,
  ],
  [
    'JSON_VALUE, JSON_QUERY and JSON_EXISTS',
    `SELECT JSON_VALUE(doc, '$.n' RETURNING int) AS n, JSON_QUERY(doc, '$.l' WITH WRAPPER) AS q, JSON_EXISTS(doc, '$.x') AS e
      FROM posts WHERE id = 3`,
    `UPDATE posts SET doc = '{"n": 9, "x": 1}' WHERE id = 3`,
    `UPDATE posts SET title = 'x' WHERE id = 3`,
  ],
  [
    'IS JSON',
    'SELECT id FROM posts WHERE title IS JSON AND id = 4',
    `UPDATE posts SET title = '{}' WHERE id = 4`,
    `UPDATE posts SET title = '{}' WHERE id = 5`,
  ],
  [
    'JSON_TABLE',
    `SELECT p.id, j.pos, j.v FROM posts p, JSON_TABLE(p.doc, '$.l[*]' COLUMNS (pos FOR ORDINALITY, v int PATH '$')) j
      WHERE p.id = 5 ORDER BY 2`,
    `UPDATE posts SET doc = '{"l": [7]}' WHERE id = 5`,
    `UPDATE posts SET doc = '{"l": [7]}' WHERE id = 6`,
  ],
  [
    'NATURAL JOIN of a table and JSON',
    `SELECT id, w FROM posts NATURAL JOIN JSON_TABLE('[{"id": 2, "w": "x"}, {"id": 99, "w": "y"}]', '$[*]' COLUMNS (id int, w text)) j ORDER BY 1`,
    `INSERT INTO posts VALUES (99, 'later', '{}')`,
    `UPDATE posts SET title = 'x'`,
  ],
]

describe('SQL/JSON', () => {
  let raw: PGlite
  let db: PGlite
  let how: string | undefined

  beforeAll(async () => {
    raw = await createPGlite()
    const cacheops = createCacheops({ store: memory(), models: { '*': { ops: 'all', ttl: '1h' } } })
    cacheops.on('read', ({ hit }) => {
      how = hit ? 'hit' : 'miss'
    })
    cacheops.on('bypass', ({ reason }) => {
      how = reason
    })
    db = cachedPGlite(cacheops, raw)
  })
  beforeEach(() => db.exec(ROWS))
  afterAll(() => raw.close())

  async function ask(text: string): Promise<{ readonly how: string | undefined; readonly rows: unknown }> {
    how = undefined
    const { rows } = await db.query(text)
    return { how, rows }
  }

  it.each(CASES)('S2: %s is cached, and dropped by what changes it', async (_, read, write, beside) => {
    await ask(read)
    expect((await ask(read)).how).toBe('hit')
    await db.query(beside)
    expect(await ask(read)).toEqual({ how: 'hit', rows: (await raw.query(read)).rows })
    const before = (await raw.query(read)).rows
    await db.query(write)
    const after = (await raw.query(read)).rows
    expect(after).not.toEqual(before)
    expect((await ask(read)).rows).toEqual(after)
  })

  it('A10: a text that JSON_VALUE reads as a date passes by', async () => {
    const read = `SELECT JSON_VALUE(doc, '$.n' RETURNING date NULL ON ERROR) AS d FROM posts WHERE id = 3`
    expect((await ask(read)).how).toMatch(/may be text/)
  })
})
