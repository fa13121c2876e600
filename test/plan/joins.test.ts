import { beforeAll, describe, expect, it } from 'vitest'
import { SCHEMA } from './schema.js'
import { type PlanRoom, planRoom } from './support.js'

let room: PlanRoom

beforeAll(async () => {
  room = await planRoom(SCHEMA)
})

function conjs(sql: string, ...params: readonly (string | null)[]): string[] | string {
  const deps = room.deps(sql, ...params)
  return typeof deps === 'string' ? deps : deps.map((dependency) => dependency.replace(/ reads .*/, ''))
}

describe('S2: joins', () => {
  it('an inner join is restricted by ON and WHERE alike, and constants travel over equalities', () => {
    expect(conjs('SELECT 1 FROM t JOIN r ON r.t_id = t.id WHERE t.id = 5')).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t JOIN r ON r.t_id = t.id AND r.t_id = 5')).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t, r, q WHERE t.id = r.t_id AND r.t_id = q.a AND q.a = 5')).toEqual([
      'q(a=5)',
      'r(t_id=5)',
      't(id=5)',
    ])
  })

  it('A23: but not between types that differ, and NULL does not travel', () => {
    expect(conjs('SELECT 1 FROM t JOIN r ON r.a = t.b WHERE t.b = 5')).toEqual(['r()', 't(b=5)'])
    expect(conjs('SELECT 1 FROM t JOIN r ON r.s = t.v WHERE t.v = $1', 'k')).toEqual(['r()', 't(v=k)'])
    expect(conjs('SELECT 1 FROM t JOIN r ON r.a = t.a WHERE t.a IS NULL')).toEqual(['r()', 't(a=NULL)'])
  })

  it('ON never restricts the preserved side, WHERE never the nullable one', () => {
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id AND t.a = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id AND r.a = 5')).toEqual(['r(a=5)', 't()'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id WHERE r.a IS NULL')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id WHERE r.a = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t RIGHT JOIN r ON r.t_id = t.id AND r.a = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t RIGHT JOIN r ON r.t_id = t.id AND t.a = 5')).toEqual(['r()', 't(a=5)'])
    expect(conjs('SELECT 1 FROM t RIGHT JOIN r ON r.t_id = t.id WHERE t.a IS NULL AND r.a = 5')).toEqual([
      'r(a=5)',
      't()',
    ])
  })

  it('the nullable side is restricted by what WHERE says of the other, through ON', () => {
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id WHERE t.id = 5')).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id WHERE t.id = 5 AND r.id IS NULL')).toEqual([
      'r(t_id=5)',
      't(id=5)',
    ])
  })

  it('B2: a full join restricts neither side', () => {
    expect(conjs('SELECT 1 FROM t FULL JOIN r ON r.t_id = t.id AND r.a = 5 WHERE t.id = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM q, t FULL JOIN r ON r.t_id = t.id WHERE q.a = t.a AND q.a = 5')).toEqual([
      'q(a=5)',
      'r()',
      't()',
    ])
  })

  it('a nullable side inside a nullable side', () => {
    const nested = 'SELECT 1 FROM t LEFT JOIN (r LEFT JOIN q ON q.a = r.a AND q.id = 7) ON r.t_id = t.id AND q.a = 5'
    expect(conjs(`${nested} WHERE t.id = 1`)).toEqual(['q(id=7)', 'r(t_id=1)', 't(id=1)'])
    const chain = 'SELECT 1 FROM t LEFT JOIN r ON r.t_id = t.id LEFT JOIN q ON q.a = r.a'
    expect(conjs(`${chain} WHERE t.id = 1 AND r.a = 5`)).toEqual(['q(a=5)', 'r(t_id=1)', 't(id=1)'])
    expect(conjs(`${chain} WHERE t.id = 1 AND q.a = 5`)).toEqual(['q()', 'r(t_id=1)', 't(id=1)'])
    expect(conjs('SELECT 1 FROM (t LEFT JOIN r ON r.t_id = t.id) JOIN q ON q.a = r.a AND r.a = 5')).toEqual([
      'q(a=5)',
      'r()',
      't()',
    ])
  })

  it('B2: OR across tables says nothing of either, aliases of one table are two', () => {
    expect(conjs('SELECT 1 FROM t, r WHERE t.a = 5 OR r.a = 6')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t JOIN t AS t2 ON t2.id = t.a WHERE t.id = 5')).toEqual(['t()', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t, r WHERE t.id = r.t_id AND (t.id = 5 OR r.t_id = 6)')).toEqual([
      'r(t_id=5)',
      'r(t_id=6)',
      't(id=5)',
      't(id=6)',
    ])
  })

  it('ON sees the sides of its join only: another name is that of an enclosing query', () => {
    // `only_q` is not a column of t or r, so inside of ON it is the outer q's, not that of the q that comes later.
    const inner = 'SELECT 1 FROM t JOIN r ON r.a = only_q JOIN (SELECT 7 AS only_q, 1 AS id) AS d ON d.id = t.id'
    expect(room.deps(`SELECT q.id FROM q WHERE EXISTS (${inner})`)).toEqual([
      'q() reads id,only_q',
      'r() reads a',
      't() reads id',
    ])
    const later = 'SELECT 1 FROM t JOIN r ON r.a = only_q JOIN q AS q2 ON q2.id = t.id WHERE q2.only_q = 5'
    expect(room.deps(`SELECT q.id FROM q WHERE EXISTS (${later})`)).toEqual([
      'q() reads id,only_q',
      'q(only_q=5) reads id,only_q',
      'r() reads a',
      't() reads id',
    ])
  })

  it('a lateral query sees what stands before it, and is restricted by what is said of that', () => {
    const lateral = 'SELECT 1 FROM t LEFT JOIN LATERAL (SELECT * FROM r WHERE r.t_id = t.id LIMIT 3) AS d ON true'
    expect(conjs(`${lateral} WHERE t.id = 5`)).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs(`${lateral} WHERE d.a = 5`)).toEqual(['r()', 't()'])
    // Behind the lateral query: `only_q` inside of it is the outer one's.
    const later = 'SELECT 1 FROM t, LATERAL (SELECT 1 FROM r WHERE r.a = only_q) AS d, q AS q2 WHERE q2.only_q = 5'
    expect(room.deps(`SELECT q.id FROM q WHERE EXISTS (${later})`)).toEqual([
      'q() reads id,only_q',
      'q(only_q=5) reads only_q',
      'r() reads a',
      't() reads ',
    ])
  })

  it('B2: USING says what ON would, and its column is that of the side that is preserved', () => {
    expect(conjs('SELECT 1 FROM t JOIN r USING (id) WHERE id = 5')).toEqual(['r(id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t JOIN r USING (id, a) WHERE r.a = 5')).toEqual(['r(a=5)', 't(a=5)'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r USING (id) WHERE id = 5')).toEqual(['r(id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t LEFT JOIN r USING (id) WHERE r.id = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t RIGHT JOIN r USING (id) WHERE id = 5')).toEqual(['r(id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t RIGHT JOIN r USING (id) WHERE t.id = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t FULL JOIN r USING (id) WHERE id = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t JOIN r USING (id) AS j WHERE j.id = 5')).toEqual(['r(id=5)', 't(id=5)'])
    expect(conjs('SELECT 1 FROM t JOIN r USING (id) AS j WHERE j.a = 5')).toMatch(/column j.a is not known/)
  })

  it('A23: USING between types that differ restricts nothing through its column', () => {
    expect(conjs('SELECT 1 FROM t JOIN (SELECT id AS b FROM r) AS d USING (b) WHERE b = 5')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t AS x (id, a, b, s) JOIN q AS y (b) USING (b) WHERE b = 5')).toEqual(['q()', 't()'])
  })

  it('USING over a join with USING means its column', () => {
    const three = 'SELECT 1 FROM t JOIN r USING (id) JOIN q USING (id) WHERE id = 5'
    expect(conjs(three)).toEqual(['q(id=5)', 'r(id=5)', 't(id=5)'])
    const nested = 'SELECT 1 FROM t LEFT JOIN (r FULL JOIN q USING (id)) USING (id) WHERE id = 5'
    expect(conjs(nested)).toEqual(['q()', 'r()', 't()'])
    const right = 'SELECT 1 FROM (t RIGHT JOIN r USING (id)) LEFT JOIN q USING (id) WHERE id = 5'
    expect(conjs(right)).toEqual(['q(id=5)', 'r(id=5)', 't(id=5)'])
  })

  it('NATURAL is USING of all that both sides have; * comes from both', () => {
    expect(room.deps('SELECT * FROM r NATURAL JOIN q WHERE id = 5')).toEqual(['q(id=5) reads *', 'r(id=5) reads *'])
    expect(room.deps('SELECT only_q FROM r NATURAL LEFT JOIN q WHERE id = 5')).toEqual([
      'q(id=5) reads a,id,only_q,s',
      'r(id=5) reads a,id,s',
    ])
    expect(room.deps('SELECT 1 FROM t NATURAL JOIN (SELECT 7 AS one) AS d WHERE t.id = 5')).toEqual([
      't(id=5) reads id',
    ])
    expect(conjs('SELECT 1 FROM t NATURAL JOIN (SELECT count(*) + 1 FROM r) AS d')).toMatch(/NATURAL/)
  })

  it('columns of a table with names of its own', () => {
    expect(room.deps('SELECT two FROM r AS x (one, two) WHERE one = 5 AND x.a = 6')).toEqual([
      'r(a=6, id=5) reads a,id,t_id',
    ])
    expect(conjs('SELECT id FROM r AS x (one)')).toMatch(/column id is not known/)
  })

  it('a function in FROM reads no table; it sees what stands before it', () => {
    expect(room.deps('SELECT g FROM t, generate_series(1, t.a) AS g WHERE t.id = 5')).toEqual(['t(id=5) reads a,id'])
    expect(room.deps('SELECT x.value FROM t LEFT JOIN LATERAL jsonb_each(to_jsonb(t.s)) x ON x.key = t.s')).toEqual([
      't() reads s',
    ])
    expect(
      room.deps(`SELECT one, ordinality FROM t, unnest($1::int[]) WITH ORDINALITY AS u (one) WHERE a = one`, '{1}'),
    ).toEqual(['t() reads a'])
    expect(
      room.deps(
        `SELECT u.n FROM t JOIN ROWS FROM (generate_series(1, 2), unnest($1::text[])) AS u (n, w) ON u.w = t.s`,
        '{}',
      ),
    ).toEqual(['t() reads s'])
    expect(
      room.deps(`SELECT 1 FROM t, json_to_recordset($1) AS j (id integer, s text) WHERE t.id = j.id`, '[]'),
    ).toEqual(['t() reads id'])
    expect(
      room.deps(`SELECT 1 FROM t, generate_series(1, (SELECT max(r.a) FROM r WHERE r.t_id = t.id)) g WHERE t.id = 5`),
    ).toEqual(['r(t_id=5) reads a,t_id', 't(id=5) reads id'])
    expect(room.deps('SELECT id, unnest(string_to_array(s, $1)) FROM t WHERE id = 5', ',')).toEqual([
      't(id=5) reads id,s',
    ])
  })

  it('a bare name is a column of the table where the columns of the function are known', () => {
    expect(conjs('SELECT 1 FROM t, unnest($1::int[]) AS u WHERE a = 5', '{1}')).toEqual(['t(a=5)'])
    expect(conjs('SELECT 1 FROM t, generate_series(1, 3) WHERE a = 5')).toEqual(['t(a=5)'])
    expect(conjs('SELECT 1 FROM t, unnest(string_to_array(s, $1)) AS u WHERE a = 5', ',')).toEqual(['t()'])
    expect(conjs('SELECT 1 FROM t, unnest($1::pair[]) AS u WHERE b = 5', '{}')).toMatch(/user-defined/)
    expect(conjs('SELECT 1 FROM t, jsonb_each($1) WHERE key = t.s AND b = 5', '{}')).toEqual(['t(b=5)'])
  })

  it('A10: what a function in FROM reads as a date is looked at', () => {
    expect(conjs('SELECT 1 FROM t, nosuch(t.a) AS u')).toBe('function nosuch() is not known to be pure')
    expect(conjs('SELECT 1 FROM t, json_to_recordset(t.s::json) AS j (d date)')).toMatch(/may be text/)
    expect(room.read('SELECT 1 FROM t, json_to_recordset($1) AS j (d date)')).toMatchObject({
      suspects: { params: [0] },
    })
    expect(conjs('SELECT 1 FROM t, json_to_recordset($1) AS j (p pair)', '[]')).toMatch(/user-defined/)
  })
})
