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

  it('USING and NATURAL pass by', () => {
    expect(() => conjs('SELECT 1 FROM t JOIN r USING (id)')).toThrow(/not a plain query/)
  })
})
