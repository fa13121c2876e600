import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, flag boolean);
  CREATE TABLE tags (id integer PRIMARY KEY, post integer, tag text);
  INSERT INTO posts SELECT i, nullif(i % 4, 0), 'title ' || i, i % 2 = 0 FROM generate_series(1, 9) i;
  INSERT INTO tags SELECT i, i, 'tag ' || i % 3 FROM generate_series(1, 6) i;`
const _POST = 'SELECT title FROM posts WHERE id = $1'
const set = (id: number, title: string) => `UPDATE posts SET title = '${title}' WHERE id = ${id}`

describe('easily missed: conditions', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('missed_conditions')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it.each([
    [
      'OR across tables',
      "SELECT p.id FROM posts p JOIN tags t ON t.post = p.id WHERE p.id = 1 OR t.tag = 'new' ORDER BY p.id",
      `UPDATE tags SET tag = 'new' WHERE id = 5`,
    ],
    [
      'two aliases of one table',
      'SELECT a.id, b.id FROM posts a, posts b WHERE a.id = 1 AND b.id = 2 AND b.title <> a.title',
      set(2, 'title 1'),
    ],
    [
      'FULL JOIN',
      'SELECT p.id, t.id FROM posts p FULL JOIN tags t ON t.post = p.id AND p.id = 1 AND t.id = 1 ORDER BY 1, 2',
      'DELETE FROM tags WHERE id = 6',
    ],
    [
      'FULL JOIN, the other side',
      'SELECT count(*) FROM posts p FULL JOIN tags t ON t.post = p.id AND p.id = 1 AND t.id = 1',
      'INSERT INTO posts (id) VALUES (60)',
    ],
    [
      'RIGHT JOIN with IS NULL',
      'SELECT t.id FROM posts p RIGHT JOIN tags t ON t.post = p.id WHERE p.id IS NULL ORDER BY 1',
      'DELETE FROM posts WHERE id = 3',
    ],
    [
      'USING',
      'SELECT id FROM posts JOIN tags USING (id) WHERE id = 20',
      'INSERT INTO tags VALUES (20); INSERT INTO posts VALUES (20)',
    ],
    [
      'NATURAL JOIN',
      'SELECT count(*) FROM posts NATURAL LEFT JOIN tags WHERE tag IS NOT NULL',
      `UPDATE tags SET tag = NULL WHERE id = 1`,
    ],
  ])('B2: %s', async (_, read, write) => {
    await rightAfter(read, write)
  })

  it.each([
    [
      'LIMIT in a derived table',
      'SELECT * FROM (SELECT id, author FROM posts ORDER BY id LIMIT 1) d WHERE d.author = 2',
      'DELETE FROM posts WHERE id = 1',
    ],
    [
      'DISTINCT ON',
      'SELECT * FROM (SELECT DISTINCT ON (flag) flag, id FROM posts ORDER BY flag, id) d WHERE d.id = 1',
      'UPDATE posts SET id = 0 WHERE id = 3',
    ],
    [
      'a window',
      'SELECT * FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM posts) d WHERE d.id = 5',
      'DELETE FROM posts WHERE id = 1',
    ],
    [
      'an aggregate',
      'SELECT * FROM (SELECT author, count(*) AS n FROM posts GROUP BY author) d WHERE d.n = 3',
      'DELETE FROM posts WHERE id = 1',
    ],
    ['HAVING', 'SELECT author FROM posts GROUP BY author HAVING min(id) = 2', 'DELETE FROM posts WHERE id = 2'],
    [
      'ROLLUP',
      'SELECT * FROM (SELECT author, flag, count(*) AS n FROM posts GROUP BY ROLLUP (author, flag)) d WHERE d.author IS NULL AND d.flag IS NULL',
      'DELETE FROM posts WHERE id = 5',
    ],
    [
      'recursion',
      'WITH RECURSIVE r AS (SELECT id, author FROM posts WHERE id = 6 UNION SELECT p.id, p.author FROM posts p JOIN r ON p.id = r.author) SELECT id FROM r ORDER BY id',
      'UPDATE posts SET author = 3 WHERE id = 2',
    ],
    [
      'EXCEPT',
      'SELECT id FROM posts WHERE author = 1 EXCEPT SELECT post FROM tags ORDER BY 1',
      'INSERT INTO tags VALUES (50, 9)',
    ],
    [
      'a scalar subquery of the list',
      'SELECT id, (SELECT count(*) FROM tags t WHERE t.post > p.id) AS n FROM posts p WHERE id = 3',
      'DELETE FROM tags WHERE id = 6',
    ],
  ])('B3: nothing is pushed through %s', async (_, read, write) => {
    await rightAfter(read, write)
  })

  it.each([
    ['= ALL of nothing', `SELECT count(*) FROM posts WHERE id = ALL ('{}')`, [], 'DELETE FROM posts WHERE id = 4'],
    [
      '= ANY over nested arrays',
      'SELECT count(*) FROM posts WHERE id = ANY ($1)',
      ['{{1,2},{3,77}}'],
      'UPDATE posts SET id = 77 WHERE id = 9',
    ],
    [
      '= ANY with bounds',
      'SELECT count(*) FROM posts WHERE id = ANY ($1)',
      ['[2:3]={1,77}'],
      'UPDATE posts SET id = 77 WHERE id = 9',
    ],
    [
      '= ANY with spaces and quotes',
      'SELECT count(*) FROM posts WHERE title = ANY ($1)',
      [`{ "a b" , c }`],
      set(1, 'c'),
    ],
    [
      'NOT IN with NULL',
      'SELECT count(*) FROM posts WHERE author NOT IN (1, NULL) OR author IS NULL',
      [],
      'UPDATE posts SET author = NULL WHERE id = 1',
    ],
    ['(i = 6) = false', 'SELECT count(*) FROM posts WHERE (id = 6) = false', [], 'DELETE FROM posts WHERE id = 5'],
    [
      '(i = 6) IS NOT TRUE',
      'SELECT count(*) FROM posts WHERE (author = 1) IS NOT TRUE',
      [],
      'UPDATE posts SET author = NULL WHERE id = 1',
    ],
    [
      'a cast of the column',
      `SELECT count(*) FROM posts WHERE title::text = 'x' OR id::text::int = 70`,
      [],
      'UPDATE posts SET id = 70 WHERE id = 1',
    ],
    [
      'a row',
      'SELECT count(*) FROM posts WHERE (id, author) = (1, 77)',
      [],
      'UPDATE posts SET author = 77 WHERE id = 1',
    ],
    [
      'a row IS NULL',
      'SELECT count(*) FROM posts p WHERE (p.author, p.title) IS NULL',
      [],
      'UPDATE posts SET author = NULL, title = NULL WHERE id = 1',
    ],
    [
      'IS NOT DISTINCT FROM',
      'SELECT count(*) FROM posts WHERE author IS NOT DISTINCT FROM $1',
      [null],
      'UPDATE posts SET author = NULL WHERE id = 1',
    ],
    ['= NULL', 'SELECT count(*) FROM posts WHERE author = $1 OR id = 1', [null], 'DELETE FROM posts WHERE id = 1'],
    [
      'a bare boolean',
      'SELECT count(*) FROM posts WHERE NOT flag',
      [],
      'INSERT INTO posts VALUES (50, 1, NULL, false)',
    ],
    ['NOT of an equality', 'SELECT count(*) FROM posts WHERE NOT (author = 1)', [], 'INSERT INTO posts VALUES (50, 5)'],
    [
      'NOT of an OR',
      'SELECT count(*) FROM posts WHERE NOT (author = 1 OR flag)',
      [],
      'INSERT INTO posts VALUES (50, 5, NULL, false)',
    ],
    [
      'a boolean in many spellings',
      'SELECT count(*) FROM posts WHERE flag = $1',
      ['yes'],
      'UPDATE posts SET flag = true WHERE id = 1',
    ],
  ])('B4: %s', async (_, read, values, write) => {
    await rightAfter(read, write, values)
  })

  /** Read through the cache, written, read again: right each time, cached or not. */
  async function rightAfter(read: string, write: string, values: readonly unknown[] = []): Promise<void> {
    for (let time = 0; time < 2; time++) await world.expectRight(app, read, values)
    const before = await world.truth(read, values)
    await other.pool.query(write)
    expect(await world.truth(read, values), 'the write changes the answer').not.toEqual(before)
    await world.expectRight(app, read, values)
  }
})
