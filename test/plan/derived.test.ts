import { beforeAll, describe, expect, test } from 'vitest'
import { type PlanRoom, planRoom } from './support.js'

const SCHEMA = `
  CREATE TABLE t (id integer PRIMARY KEY, a integer, b bigint, s text, at timestamptz);
  CREATE TABLE r (id integer PRIMARY KEY, t_id integer, s text, n numeric);
  CREATE VIEW shown AS SELECT id, a AS kind, upper(s) AS s FROM t WHERE s <> '';
  CREATE VIEW joined AS SELECT t.id, t.a, r.s, r.id AS r_id FROM t LEFT JOIN r ON r.t_id = t.id;
  CREATE VIEW deep AS SELECT j.id AS one, j.r_id AS two, shown.kind FROM joined j JOIN shown USING (id);
  CREATE VIEW counted AS SELECT a, count(*) AS n FROM t GROUP BY a;
  CREATE VIEW ranked AS SELECT id, a, row_number() OVER (ORDER BY id) AS rank FROM t;
`

describe('conditions on derived tables and views', () => {
  let room: PlanRoom
  beforeAll(async () => {
    room = await planRoom(SCHEMA)
  })

  test.each([
    ['a view', 'SELECT kind FROM shown WHERE id = 5', ['t(id=5) reads a,id,s']],
    ['another name', 'SELECT kind FROM shown WHERE kind = 5', ['t(a=5) reads a,id,s']],
    ['an alias', 'SELECT x FROM shown v (x, y) WHERE v.y = 5', ['t(a=5) reads a,id,s']],
    ['a list', 'SELECT kind FROM shown WHERE id IN (1, 2)', ['t(id=1) reads a,id,s', 't(id=2) reads a,id,s']],
    ['a computed column', `SELECT kind FROM shown WHERE s = 'A'`, ['t() reads a,id,s']],
    [
      'a derived table',
      'SELECT 1 FROM (SELECT id, a FROM t WHERE a = 3) d WHERE d.id = 5',
      ['t(a=3, id=5) reads a,id'],
    ],
    ['two deep', 'SELECT 1 FROM (SELECT x FROM (SELECT id AS x FROM t) d) e WHERE x = 5', ['t(id=5) reads id']],
    [
      'a set operation',
      'SELECT 1 FROM (SELECT id FROM t UNION SELECT id FROM r) d WHERE id = 5',
      ['r() reads id', 't() reads id'],
    ],
    ['LIMIT', 'SELECT 1 FROM (SELECT id FROM t ORDER BY id LIMIT 3) d WHERE id = 5', ['t() reads id']],
    ['OFFSET', 'SELECT 1 FROM (SELECT id FROM t OFFSET 3) d WHERE id = 5', ['t() reads id']],
    [
      'DISTINCT ON',
      'SELECT 1 FROM (SELECT DISTINCT ON (a) a, id FROM t ORDER BY a, id) d WHERE id = 5',
      ['t() reads a,id'],
    ],
    ['an aggregate', 'SELECT n FROM counted WHERE a = 5', ['t() reads a']],
    ['a window', 'SELECT rank FROM ranked WHERE id = 5', ['t() reads a,id']],
    [
      'a window in ORDER BY',
      'SELECT 1 FROM (SELECT id FROM t ORDER BY rank() OVER (ORDER BY a)) d WHERE id = 5',
      ['t() reads a,id'],
    ],
    ['a CTE', 'WITH d AS (SELECT id FROM t) SELECT 1 FROM d WHERE id = 5', ['t() reads id']],
    ['the same name twice', 'SELECT 1 FROM (SELECT id, a AS id FROM t) d (x, x) WHERE x = 5', ['t() reads a,id']],
  ])('B3: through %s', (_, sql, deps) => {
    expect(room.deps(sql)).toEqual(deps)
  })

  test('S2: what is said of a side that may be missing inside restricts neither side', () => {
    expect(room.deps('SELECT 1 FROM joined WHERE id = 5')).toEqual(['r(t_id=5) reads id,s,t_id', 't(id=5) reads a,id'])
    expect(room.deps('SELECT 1 FROM joined WHERE r_id = 5')).toEqual(['r() reads id,s,t_id', 't() reads a,id'])
    expect(room.deps('SELECT 1 FROM joined WHERE r_id IS NULL')).toEqual(['r() reads id,s,t_id', 't() reads a,id'])
  })

  test('S2: nor does what is said of a derived table that may be missing', () => {
    expect(room.deps('SELECT 1 FROM r LEFT JOIN shown v ON v.id = r.t_id WHERE v.kind IS NULL')).toEqual([
      'r() reads t_id',
      't() reads a,id,s',
    ])
    expect(room.deps('SELECT 1 FROM r LEFT JOIN shown v ON v.id = r.t_id AND v.kind = 4 WHERE r.t_id = 5')).toEqual([
      'r(t_id=5) reads t_id',
      't(a=4, id=5) reads a,id,s',
    ])
    expect(room.deps('SELECT 1 FROM r FULL JOIN shown v ON v.id = 5 WHERE v.kind = 4')).toEqual([
      'r() reads ',
      't() reads a,id,s',
    ])
  })

  test('A23: constants travel into it, and out of it', () => {
    expect(room.deps('SELECT 1 FROM r JOIN shown v ON v.id = r.t_id WHERE v.id = 5')).toEqual([
      'r(t_id=5) reads t_id',
      't(id=5) reads a,id,s',
    ])
    expect(room.deps('SELECT 1 FROM deep WHERE one = 5')).toEqual([
      'r(t_id=5) reads id,s,t_id',
      't(id=5) reads a,id',
      't(id=5) reads a,id,s',
    ])
    expect(room.deps('SELECT 1 FROM shown v WHERE v.id = 5 AND EXISTS (SELECT 1 FROM r WHERE r.t_id = v.id)')).toEqual([
      'r(t_id=5) reads t_id',
      't(id=5) reads a,id,s',
    ])
    // integer and bigint are not one key.
    expect(room.deps('SELECT 1 FROM (SELECT b FROM t) d JOIN r ON r.id = d.b WHERE r.id = 5')).toEqual([
      'r(id=5) reads id',
      't() reads b',
    ])
  })

  test('a parameter has the type of the column inside', () => {
    expect(room.deps('SELECT 1 FROM shown WHERE id = $1', '5')).toEqual(['t(id=5) reads a,id,s'])
    expect(room.deps('SELECT 1 FROM shown WHERE kind = $1 AND id = $2', '5', null)).toEqual([
      't(a=5, id=NULL) reads a,id,s',
    ])
  })

  test('lateral names come from outside', () => {
    expect(
      room.deps('SELECT 1 FROM t, LATERAL (SELECT t.a, r.s FROM r WHERE r.t_id = t.id) d WHERE d.a = 3 AND t.id = 5'),
    ).toEqual(['r(t_id=5) reads s,t_id', 't(id=5) reads a,id'])
  })

  test('many levels are looked at once each', () => {
    let sql = 'SELECT count(*) AS n FROM t'
    for (let level = 0; level < 40; level++) sql = `SELECT count(*) AS n FROM (${sql}) d${level}`
    expect(room.deps(sql)).toEqual(['t() reads '])
  })
})
