import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE users (id integer PRIMARY KEY, name text, boss integer REFERENCES users, active boolean);
  CREATE TABLE posts (id integer PRIMARY KEY, user_id integer, title text, tags text[], doc jsonb, at timestamptz);
  CREATE TABLE likes (id integer PRIMARY KEY, user_id integer, post_id integer, kind text);
  INSERT INTO users VALUES (1, 'a', NULL, true), (2, 'b', 1, true), (3, 'c', 2, false), (4, 'd', 2, NULL), (5, 'e', NULL, true);
  INSERT INTO posts SELECT i, i % 5, 'title ' || i, ARRAY['t' || i % 3, 'x'], jsonb_build_object('n', i, 'l', jsonb_build_array(i, i + 1)),
    '2024-01-01Z'::timestamptz + i * interval '1 day' FROM generate_series(1, 12) i;
  INSERT INTO likes SELECT i, nullif(i % 6, 0), i % 7, CASE WHEN i % 2 = 0 THEN 'up' ELSE 'down' END FROM generate_series(1, 20) i;`

/** A read; a write that changes its answer; a write that leaves the answer in the cache, where one can. */
type Case = readonly [what: string, read: string, values: readonly unknown[], write: string, beside: string | undefined]

const REPORTS = `WITH RECURSIVE reports AS (
  SELECT id, name, 1 AS depth FROM users WHERE id = $1
  UNION ALL SELECT u.id, u.name, r.depth + 1 FROM users u JOIN reports r ON u.boss = r.id)
  SELECT id, depth FROM reports ORDER BY id`

const CASES: readonly Case[] = [
  [
    'JOIN … USING',
    'SELECT user_id, p.title, l.kind FROM posts p JOIN likes l USING (user_id) WHERE user_id = $1 ORDER BY p.id, l.id',
    [2],
    `UPDATE likes SET kind = 'x' WHERE id = 2`,
    `UPDATE likes SET kind = 'x' WHERE user_id = 3`,
  ],
  [
    'LEFT JOIN … USING, what its column shows',
    'SELECT user_id, l.id FROM posts p LEFT JOIN likes l USING (user_id) WHERE user_id = $1 ORDER BY p.id, l.id',
    [0],
    'UPDATE likes SET user_id = 0 WHERE id = 1',
    `DELETE FROM likes WHERE user_id = 4`,
  ],
  [
    'RIGHT JOIN … USING',
    'SELECT user_id, p.id FROM posts p RIGHT JOIN likes l USING (user_id) WHERE user_id = $1 ORDER BY p.id, l.id',
    [5],
    `INSERT INTO posts (id, user_id) VALUES (100, 5)`,
    `INSERT INTO posts (id, user_id) VALUES (101, 4)`,
  ],
  [
    'FULL JOIN … USING, a value that only one side has',
    'SELECT user_id, p.id AS p, l.id AS l FROM posts p FULL JOIN likes l USING (user_id) WHERE user_id = $1 ORDER BY 2, 3',
    [5],
    `DELETE FROM likes WHERE id = 5`,
    undefined,
  ],
  [
    'NATURAL JOIN',
    'SELECT * FROM (SELECT id AS user_id, name FROM users) u NATURAL JOIN likes WHERE id = $1',
    [7],
    `UPDATE users SET name = 'z' WHERE id = 1`,
    undefined,
  ],
  [
    'WITH RECURSIVE',
    REPORTS,
    [1],
    'UPDATE users SET boss = 3 WHERE id = 5',
    `UPDATE users SET active = false WHERE id = 2`,
  ],
  [
    'WITH RECURSIVE, a link in the middle',
    REPORTS,
    [1],
    'UPDATE users SET boss = NULL WHERE id = 2',
    `UPDATE likes SET kind = 'x'`,
  ],
  [
    'ROLLUP',
    'SELECT user_id, kind, count(*), grouping(user_id, kind) FROM likes WHERE post_id = $1 GROUP BY ROLLUP (user_id, kind) ORDER BY 1, 2, 4',
    [3],
    `UPDATE likes SET kind = 'x' WHERE id = 3`,
    `DELETE FROM likes WHERE post_id = 4`,
  ],
  [
    'GROUPING SETS of no row',
    'SELECT kind, count(*) FROM likes WHERE post_id = $1 GROUP BY GROUPING SETS ((kind), ()) ORDER BY 1',
    [77],
    `INSERT INTO likes VALUES (90, 1, 77, 'up')`,
    `INSERT INTO likes VALUES (91, 1, 78, 'up')`,
  ],
  [
    'unnest of a column',
    'SELECT p.id, tag FROM posts p, unnest(p.tags) AS tag WHERE p.user_id = $1 ORDER BY 1, 2',
    [2],
    `UPDATE posts SET tags = tags || ARRAY['new'] WHERE id = 2`,
    `UPDATE posts SET title = 'x' WHERE id = 2`,
  ],
  [
    'LEFT JOIN LATERAL of a set of JSON',
    `SELECT p.id, e.value AS v, e.ordinality FROM posts p LEFT JOIN LATERAL jsonb_array_elements(p.doc -> 'l') WITH ORDINALITY e ON true
      WHERE p.id = $1 ORDER BY 3`,
    [4],
    `UPDATE posts SET doc = '{"l": []}' WHERE id = 4`,
    `UPDATE posts SET doc = '{"l": []}' WHERE id = 5`,
  ],
  [
    'a join with the rows of a parameter',
    `SELECT p.id, j.w FROM json_to_recordset($1) AS j (id integer, w text) JOIN posts p ON p.id = j.id ORDER BY 1`,
    ['[{"id": 1, "w": "one"}, {"id": 99, "w": "other"}]'],
    `INSERT INTO posts (id) VALUES (99)`,
    undefined,
  ],
  [
    'a set in the list of outputs',
    `SELECT id, jsonb_object_keys(doc) AS k FROM posts WHERE id = $1 ORDER BY 2`,
    [4],
    `UPDATE posts SET doc = doc || '{"m": 1}' WHERE id = 4`,
    `UPDATE posts SET doc = doc || '{"m": 1}' WHERE id = 5`,
  ],
  [
    'a calendar of days',
    `SELECT d::text AS day, count(p.id) FROM generate_series($1::timestamptz, $2::timestamptz, '1 day') AS d
      LEFT JOIN posts p ON date_trunc('day', p.at) = d GROUP BY 1 ORDER BY 1`,
    ['2024-01-01Z', '2024-01-04Z'],
    `UPDATE posts SET at = at - interval '1 day' WHERE id = 4`,
    `UPDATE posts SET title = 'x'`,
  ],
  [
    'rows that are compared',
    'SELECT id FROM likes WHERE (user_id, post_id) IN (($1, $2), ($3, $4)) ORDER BY id',
    [1, 1, 2, 2],
    'UPDATE likes SET post_id = 2 WHERE id = 8',
    'UPDATE likes SET post_id = 2 WHERE user_id = 3',
  ],
  [
    'IS NOT DISTINCT FROM a value',
    'SELECT id FROM likes WHERE user_id IS NOT DISTINCT FROM $1 ORDER BY id',
    [3],
    'UPDATE likes SET user_id = 3 WHERE id = 1',
    'UPDATE likes SET user_id = 5 WHERE user_id = 4',
  ],
  [
    'IS NOT DISTINCT FROM NULL',
    'SELECT id FROM likes WHERE user_id IS NOT DISTINCT FROM $1 ORDER BY id',
    [null],
    'UPDATE likes SET user_id = NULL WHERE id = 1',
    'UPDATE likes SET user_id = 5 WHERE user_id = 4',
  ],
  [
    'IS TRUE',
    'SELECT id FROM users WHERE active IS TRUE ORDER BY id',
    [],
    'UPDATE users SET active = true WHERE id = 4',
    'UPDATE users SET active = NULL WHERE id = 3',
  ],
  [
    'IS NOT TRUE',
    'SELECT id FROM users WHERE active IS NOT TRUE ORDER BY id',
    [],
    'UPDATE users SET active = NULL WHERE id = 1',
    `UPDATE users SET name = 'x'`,
  ],
  [
    'NOT of a boolean column',
    'SELECT id FROM users WHERE NOT active ORDER BY id',
    [],
    'UPDATE users SET active = false WHERE id = 4',
    'UPDATE users SET active = NULL WHERE id = 1',
  ],
  [
    'an array with a cast',
    'SELECT id FROM likes WHERE user_id = ANY($1::int[]) ORDER BY id',
    [[1, 2]],
    'UPDATE likes SET user_id = 2 WHERE id = 3',
    'UPDATE likes SET user_id = 5 WHERE id = 4',
  ],
  [
    'a list that is too long to be parsed',
    `SELECT id FROM likes WHERE user_id = $1 AND id IN (${Array.from({ length: 9_000 }, (_, n) => n).join(', ')}) ORDER BY id`,
    [2],
    'UPDATE likes SET user_id = 2 WHERE id = 3',
    'UPDATE likes SET user_id = 5 WHERE id = 4',
  ],
  [
    'FETCH FIRST … WITH TIES',
    'SELECT id FROM likes WHERE post_id = $1 ORDER BY kind FETCH FIRST 1 ROW WITH TIES',
    [3],
    'DELETE FROM likes WHERE id = 17',
    'DELETE FROM likes WHERE post_id = 4',
  ],
  [
    'names of a table that the statement gives',
    'SELECT k, who FROM likes AS x (k, who) WHERE who = $1 ORDER BY k',
    [1],
    'UPDATE likes SET user_id = 1 WHERE id = 2',
    'UPDATE likes SET user_id = 3 WHERE user_id = 4',
  ],
  [
    'a day of a time',
    `SELECT date_trunc('month', at)::date::text AS m, date(at)::text AS d FROM posts WHERE id = $1`,
    [3],
    `UPDATE posts SET at = '2025-05-05Z' WHERE id = 3`,
    `UPDATE posts SET at = '2025-05-05Z' WHERE id = 4`,
  ],
  [
    'a window over a derived table',
    `SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY post_id ORDER BY id DESC) AS n FROM likes WHERE user_id = $1) d
      WHERE n = 1 ORDER BY id`,
    [2],
    'UPDATE likes SET post_id = 2 WHERE id = 8',
    'DELETE FROM likes WHERE user_id = 3',
  ],
]

describe('forms of reads', () => {
  let world: World
  let app: App
  let other: App

  beforeAll(async () => {
    world = await World.open('reads_forms')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it.each(CASES)('S2: %s is cached, and dropped by what changes it', async (_, read, values, write, beside) => {
    if (beside !== undefined) {
      await world.expectCached(app, read, values)
      await app.pool.query(beside)
      expect([(await app.ask(read, values)).how, await world.truth(read, values)]).toEqual([
        'hit',
        (await app.ask(read, values)).rows,
      ])
    }
    await world.expectDropped([app, other], read, values, () => app.pool.query(write))
    await world.expectDropped([app, other], read, values, () =>
      app.pool.query('DELETE FROM likes; DELETE FROM posts; DELETE FROM users'),
    )
  })

  it.each([
    ['TABLESAMPLE', 'SELECT id FROM posts TABLESAMPLE BERNOULLI (100) ORDER BY id', /TABLESAMPLE gives other rows/],
    [
      'SEARCH',
      `WITH RECURSIVE r AS (SELECT id, boss FROM users WHERE id = 1 UNION ALL SELECT u.id, u.boss FROM users u JOIN r ON u.boss = r.id)
      SEARCH BREADTH FIRST BY id SET o SELECT id FROM r ORDER BY o`,
      /SEARCH and CYCLE/,
    ],
    ['now()', 'SELECT id FROM posts WHERE at < now() ORDER BY id', /^now\(\) gives another answer each time$/],
    ['CURRENT_DATE', 'SELECT id FROM posts WHERE at < CURRENT_DATE ORDER BY id', /^CURRENT_DATE gives another answer/],
    ['a text that is a date', 'SELECT id FROM posts WHERE title::daterange IS NULL AND id < 0', /may be text/],
    [
      'JSON that holds dates',
      `SELECT j.d::text FROM posts, jsonb_to_record(doc) AS j (d date) WHERE id = 1`,
      /may be text/,
    ],
  ])('S1: %s passes by, and says why', async (_, text, reason) => {
    await world.expectPast(app, text, [], reason)
  })

  it('B10: a read that is too long passes by and drops nothing, a bulk INSERT drops what depends on its rows', async () => {
    const others = Array.from({ length: 2_500 }, (_, n) => `id <> ${n + 100}`).join(' AND ')
    const long = `SELECT id FROM likes WHERE ${others} ORDER BY id`
    const read = 'SELECT id FROM likes WHERE user_id = $1 ORDER BY id'
    await world.expectCached(app, read, [2])
    await world.expectPast(app, long, [], /more than 8192/)
    expect((await app.ask(read, [2])).how).toBe('hit')
    const rows = Array.from({ length: 400 }, (_, n) => `(${n + 1_000}, ${(n % 5) + 10}, 1, 'bulk ${n}')`).join(', ')
    await world.expectDropped([app, other], 'SELECT count(*) FROM likes WHERE user_id = 12', [], () =>
      app.pool.query(`INSERT INTO likes VALUES ${rows}`),
    )
    expect((await app.ask(read, [2])).rows).toEqual(await world.truth(read, [2]))
  })

  it('A10: a set of JSON with a word that reads the clock is not kept', async () => {
    const text = 'SELECT j.d::text FROM posts, json_to_recordset($1) AS j (d date) WHERE posts.id = 1'
    await world.expectCached(app, text, ['[{"d": "2024-01-01"}]'])
    await world.expectPast(app, text, ['[{"d": "today"}]'])
  })
})
