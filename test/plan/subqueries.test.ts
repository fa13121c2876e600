import { beforeAll, describe, expect, it } from 'vitest'
import { SCHEMA } from './schema.js'
import { type PlanRoom, planRoom } from './support.js'

let room: PlanRoom

beforeAll(async () => {
  room = await planRoom(SCHEMA)
})

function conjs(sql: string): string[] | string {
  const deps = room.deps(sql)
  return typeof deps === 'string' ? deps : deps.map((dependency) => dependency.replace(/ reads .*/, ''))
}

describe('S2: subqueries, CTEs and set operations add their own dependencies', () => {
  it('a correlated subquery matters where the rest of its conj holds', () => {
    const exists = 'EXISTS (SELECT 1 FROM r WHERE r.t_id = t.id)'
    expect(conjs(`SELECT 1 FROM t WHERE t.id = 5 AND ${exists}`)).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs(`SELECT 1 FROM t WHERE t.id = 5 AND NOT ${exists}`)).toEqual(['r(t_id=5)', 't(id=5)'])
    expect(conjs(`SELECT 1 FROM t WHERE t.id = 5 OR ${exists}`)).toEqual(['r()', 't()'])
    expect(conjs(`SELECT 1 FROM t WHERE NOT (t.id <> 5 AND NOT ${exists})`)).toEqual(['r()', 't()'])
    expect(conjs(`SELECT 1 FROM t WHERE t.id = 5 AND (t.a = 6 OR ${exists})`)).toEqual([
      'r(t_id=5)',
      't(a=6, id=5)',
      't(id=5)',
    ])
    expect(conjs(`SELECT 1 FROM t WHERE CASE WHEN t.id = 5 THEN ${exists} ELSE true END`)).toEqual(['r()', 't()'])
  })

  it('in the list of outputs it matters for the rows that come out', () => {
    expect(conjs('SELECT (SELECT count(*) FROM r WHERE r.t_id = t.id) FROM t WHERE t.id = 5')).toEqual([
      'r(t_id=5)',
      't(id=5)',
    ])
    expect(conjs('SELECT t.id FROM t WHERE t.id = 5 ORDER BY (SELECT max(a) FROM r WHERE r.t_id = t.id)')).toEqual([
      'r(t_id=5)',
      't(id=5)',
    ])
  })

  it('NULL: x NOT IN (SELECT …) depends on every row of the subquery', () => {
    expect(conjs('SELECT 1 FROM t WHERE t.a NOT IN (SELECT r.a FROM r)')).toEqual(['r()', 't()'])
    expect(conjs('SELECT 1 FROM t WHERE t.a IN (SELECT r.a FROM r) AND t.a = 5')).toEqual(['r()', 't(a=5)'])
  })

  it('B3: nothing is pushed into a derived table, an aggregate or a limit', () => {
    expect(conjs('SELECT * FROM (SELECT id, a FROM t LIMIT 3) AS d WHERE d.a = 5')).toEqual(['t()'])
    expect(conjs('SELECT * FROM (SELECT a, count(*) AS n FROM t GROUP BY a) AS d WHERE d.n = 1')).toEqual(['t()'])
    expect(conjs('SELECT DISTINCT ON (a) id FROM t WHERE s = $1 ORDER BY a, id'.replace('$1', `'k'`))).toEqual([
      't(s=k)',
    ])
  })

  it('the conditions of a derived table are its own', () => {
    expect(conjs('SELECT * FROM (SELECT id FROM t WHERE a = 5) AS d LEFT JOIN r ON r.t_id = d.id')).toEqual([
      'r()',
      't(a=5)',
    ])
  })

  it('a CTE counts once where it is defined; a name that is a CTE is not a table', () => {
    expect(conjs('WITH r AS (SELECT * FROM t WHERE a = 5) SELECT 1 FROM r JOIN r AS r2 ON true')).toEqual(['t(a=5)'])
    expect(conjs('WITH t AS (SELECT * FROM t WHERE a = 5) SELECT 1 FROM t WHERE a = 6')).toEqual(['t(a=5)'])
    expect(conjs('WITH r AS (SELECT 1 AS one) SELECT 1 FROM public.r')).toEqual(['r()'])
  })

  it('B3: the terms of a recursive CTE have their own conditions, and no others', () => {
    const tree = `WITH RECURSIVE tree AS (
      SELECT r.id, r.t_id FROM r WHERE r.id = 5 UNION ALL SELECT r.id, r.t_id FROM r JOIN tree ON r.t_id = tree.id)`
    expect(room.deps(`${tree} SELECT * FROM tree WHERE t_id = 7`)).toEqual([
      'r() reads id,t_id',
      'r(id=5) reads id,t_id',
    ])
    const active = tree.replace('ON r.t_id', 'ON r.x AND r.t_id')
    expect(conjs(`${active} SELECT t.id FROM t JOIN tree ON tree.id = t.id WHERE t.a = 6`)).toEqual([
      'r(id=5)',
      'r(x=t)',
      't(a=6)',
    ])
    expect(
      conjs('WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 5) SELECT t.id FROM t, r'),
    ).toEqual(['t()'])
    // In a WITH RECURSIVE a name is a CTE's before the CTE is written.
    expect(conjs('WITH RECURSIVE one AS (SELECT * FROM r), r AS (SELECT id FROM t) SELECT * FROM one')).toEqual(['t()'])
  })

  it('B3: nothing is pushed through ROLLUP and its like, nor WITH TIES', () => {
    expect(
      room.deps('SELECT a, count(*), grouping(a) FROM t WHERE s = $1 GROUP BY ROLLUP (a, x) HAVING a = 5', 'k'),
    ).toEqual(['t(s=k) reads a,s,x'])
    expect(room.deps('SELECT b AS one, max(d) FROM t GROUP BY GROUPING SETS ((one, x), CUBE (a), ())')).toEqual([
      't() reads a,b,d,x',
    ])
    expect(room.deps('SELECT id FROM t WHERE a = 5 ORDER BY b FETCH FIRST 1 ROW WITH TIES')).toEqual([
      't(a=5) reads a,b,id',
    ])
    // In the rows of a total the grouped columns are NULL.
    const total = '(SELECT count(*) FROM r WHERE r.t_id IS NOT DISTINCT FROM t.id)'
    expect(conjs(`SELECT t.id, ${total} FROM t WHERE t.id = 5 GROUP BY ROLLUP (t.id)`)).toEqual(['r()', 't(id=5)'])
  })

  it('SQL/JSON reads what its arguments read', () => {
    expect(room.deps(`SELECT JSON_OBJECT('a' VALUE a, 's': s RETURNING jsonb) FROM t WHERE id = 5`)).toEqual([
      't(id=5) reads a,id,s',
    ])
    expect(room.deps('SELECT JSON_ARRAYAGG(r.s ORDER BY r.a) FILTER (WHERE r.x) FROM r WHERE t_id = 5')).toEqual([
      'r(t_id=5) reads a,s,t_id,x',
    ])
    expect(room.deps('SELECT id, JSON_ARRAY(SELECT r.s FROM r WHERE r.t_id = t.id) FROM t WHERE id = 5')).toEqual([
      'r(t_id=5) reads s,t_id',
      't(id=5) reads id',
    ])
    expect(room.deps(`SELECT JSON_VALUE(s::jsonb, '$.a' RETURNING int DEFAULT a ON EMPTY) FROM t`)).toEqual([
      't() reads a,s',
    ])
    expect(room.deps(`SELECT JSON_VALUE(s::jsonb, '$.a' RETURNING date) FROM t`)).toMatch(/may be text/)
    const columns = `COLUMNS (n FOR ORDINALITY, k int PATH '$.k' DEFAULT t.b ON EMPTY, NESTED PATH '$.l[*]' COLUMNS (w text))`
    expect(
      room.deps(`SELECT w FROM t, JSON_TABLE(t.s::jsonb, '$[*]' PASSING t.a AS x ${columns}) j WHERE k = 5`),
    ).toEqual(['t() reads a,b,s'])
    expect(room.deps(`SELECT xmlelement(name e, xmlattributes(a AS id), s) FROM t WHERE id = 5`)).toEqual([
      't(id=5) reads a,id,s',
    ])
    expect(
      room.deps(
        `SELECT x.c FROM t, XMLTABLE('/a' PASSING xmlparse(document t.s) COLUMNS c int PATH 'c' DEFAULT t.a) AS x`,
      ),
    ).toEqual(['t() reads a,s'])
  })

  it('both branches of a set operation count', () => {
    expect(conjs('SELECT id FROM t WHERE a = 5 EXCEPT SELECT id FROM r WHERE a = 6')).toEqual(['r(a=6)', 't(a=5)'])
  })

  it('subqueries survive the bound of conjs', () => {
    const many = Array.from({ length: 70 }, (_, index) => `t.a = ${index}`).join(' OR ')
    expect(conjs(`SELECT 1 FROM t WHERE ${many} OR EXISTS (SELECT 1 FROM r)`)).toEqual(['r()', 't()'])
    const wide = (column: string) => Array.from({ length: 10 }, (_, index) => `${column} = ${index}`).join(' OR ')
    expect(conjs(`SELECT 1 FROM t WHERE (${wide('t.a')}) AND (${wide('t.id')} OR EXISTS (SELECT 1 FROM r))`)).toContain(
      'r()',
    )
  })

  it('a subquery in ON has the sides of its join as context', () => {
    expect(
      conjs('SELECT 1 FROM t LEFT JOIN q ON q.a = t.a AND EXISTS (SELECT 1 FROM r WHERE r.t_id = t.id) WHERE t.id = 5'),
    ).toEqual(['q()', 'r(t_id=5)', 't(id=5)'])
  })

  it('columns of an enclosing query are read of its table', () => {
    expect(room.deps('SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM r WHERE r.a > t.a AND r.x = t.x)')).toEqual([
      'r() reads a,x',
      't() reads a,x',
    ])
    // `b` is a column of t alone, so inside it is the outer one's.
    expect(room.deps('SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM r WHERE b = 5)')).toEqual([
      'r() reads ',
      't() reads b',
    ])
  })
})
