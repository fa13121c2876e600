import { beforeAll, describe, expect, it } from 'vitest'
import { SCHEMA } from './schema.js'
import { type PlanRoom, planRoom } from './support.js'

let room: PlanRoom

beforeAll(async () => {
  room = await planRoom(SCHEMA)
})

/** The conjs of `SELECT id FROM t WHERE …`, without what is read. */
function conjs(where: string, ...params: readonly (string | null)[]): string[] | string {
  const deps = room.deps(`SELECT id FROM t WHERE ${where}`, ...params)
  return typeof deps === 'string' ? deps : deps.map((dependency) => dependency.replace(/ reads .*/, ''))
}

const ANY = ['t()']

describe('S2: a condition restricts where it is an equality that a key can mirror', () => {
  it.each([
    ['a = 5', ['t(a=5)']],
    ['5 = a', ['t(a=5)']],
    [`a = '5'`, ['t(a=5)']],
    ['a = -5', ['t(a=-5)']],
    ['a = 5 AND x', ['t(a=5, x=t)']],
    ['a = 5 AND NOT x', ['t(a=5, x=f)']],
    ['a = 5 OR a = 6', ['t(a=5)', 't(a=6)']],
    ['a IN (5, 6, 5)', ['t(a=5)', 't(a=6)']],
    ['a IS NULL', ['t(a=NULL)']],
    ['NOT (a IS NOT NULL)', ['t(a=NULL)']],
    ['NOT (a IS NOT NULL OR s IS NOT NULL)', ['t(a=NULL, s=NULL)']],
    [`s = 'it''s'`, [`t(s=it's)`]],
    [`u = 'A0000000-0000-4000-8000-000000000000'`, ['t(u=a0000000-0000-4000-8000-000000000000)']],
    [`m = 'ok'`, ['t(m=ok)']],
    ['x = TRUE', ['t(x=t)']],
    ['x', ['t(x=t)']],
    ['x IS TRUE', ['t(x=t)']],
    ['x IS FALSE', ['t(x=f)']],
    ['x IS UNKNOWN', ['t(x=NULL)']],
    ['(a = 5) IS TRUE', ['t(a=5)']],
    ['NOT ((a = 5) IS NOT TRUE)', ['t(a=5)']],
    ['(NOT x) IS TRUE AND a = 5', ['t(a=5, x=f)']],
    ['(a = 5 OR a = 6) IS TRUE', ['t(a=5)', 't(a=6)']],
    ['(a, id) = (5, 6)', ['t(a=5, id=6)']],
    [`(a, s) IN ((5, 'x'), (6, 'y'))`, ['t(a=5, s=x)', 't(a=6, s=y)']],
    ['(a, n) = (5, 6)', ['t(a=5)']],
    ['a IS NOT DISTINCT FROM 5', ['t(a=5)']],
    ['NOT (5 IS DISTINCT FROM a)', ['t(a=5)']],
    ['a IS NOT DISTINCT FROM NULL', ['t(a=NULL)']],
    ['a = ANY(ARRAY[5, 6])', ['t(a=5)', 't(a=6)']],
    ['a = ANY(ARRAY[5, 6]::integer[])', ['t(a=5)', 't(a=6)']],
    [`a = ANY('{5,6}'::int[])`, ['t(a=5)', 't(a=6)']],
    [`m = 'ok'::mood`, ['t(m=ok)']],
    [`m = 'ok'::text::mood`, ['t(m=ok)']],
  ] as const)('%s', (where, wanted) => {
    expect(conjs(where)).toEqual(wanted)
  })

  it.each([
    'a > 5',
    'a <> 5',
    'NOT a = 5',
    'NOT (a = 5 AND x)',
    'a NOT IN (5, 6)',
    'a = 5 OR b > 6',
    'a + 1 = 6',
    'coalesce(a, 5) = 5',
    '(a = 5) = false',
    '(a = 5) IS NOT TRUE',
    'a IS DISTINCT FROM 5',
    '(a, id) <> (5, 6)',
    '(a, id) NOT IN ((5, 6))',
    'NOT ((a, id) = (5, 6))',
    '(n, f) = (5, 6)',
    '(a = 5) IS NOT FALSE',
    '(a = 5) IS FALSE',
    'NOT (x IS TRUE)',
    'x IS NOT FALSE',
    'x IS NOT UNKNOWN',
    'a IS NOT DISTINCT FROM id',
    'f IS NOT DISTINCT FROM 1',
    'a = ANY(ARRAY[5, 6]::numeric[])',
    `a = ANY('{5}'::text::int[])`,
    `a = ANY('{5}'::bigint[])`,
    `m = 'ok'::varchar(1)::text::mood`,
    `s = 'a'::text::varchar`,
    'ROW(a, NULL) IS NULL',
    'CASE WHEN x THEN a = 5 ELSE true END',
    's::integer = 5',
    'p IS NULL',
    't IS NULL',
    'a = 5::numeric',
    'a = 5.0',
    `a = '05'`,
    `a = ' 5'`,
    `s = 'a'::char(3)`,
    `s = 'abc'::varchar(2)`,
    `s = 'a' COLLATE "C"`,
    `c = 'a'`,
    'f = 1',
    'n = 1',
    `d = '2020-01-01'`,
    `x = 'yes'`,
    `u = '{a0000000-0000-4000-8000-000000000000}'`,
    `a = ANY(ARRAY[ARRAY[5], ARRAY[6]])`,
    'a = ALL(ARRAY[5])',
    'a IN (5, 6.0)',
    'a IN (5, id)',
  ])('%s counts as true', (where) => {
    expect(conjs(where)).toEqual(ANY)
  })

  it('B4: an array is read where it is plain', () => {
    expect(conjs('a = ANY($1)', '{5,6,NULL}')).toEqual(['t(a=5)', 't(a=6)'])
    expect(conjs('a = ANY($1)', '{{5},{6}}')).toEqual(ANY)
    expect(conjs('a = ANY($1)', '{ 5 }')).toEqual(ANY)
    expect(conjs('a = ANY($1)', '{}')).toEqual(ANY)
    expect(conjs('a <> ALL($1)', '{5}')).toEqual(ANY)
  })

  it('an array with a cast, and a value that turns out to be NULL', () => {
    expect(conjs('a = ANY($1::integer[])', '{5,6}')).toEqual(['t(a=5)', 't(a=6)'])
    expect(conjs('a = ANY($1::bigint[])', '{5,6}')).toEqual(ANY)
    expect(conjs('b = ANY($1::int8[]) AND a = ANY($1)', '{5}')).toEqual(ANY)
    expect(conjs('m = ANY($1::mood[])', '{ok}')).toEqual(['t(m=ok)'])
    expect(conjs('m = CAST($1::text AS public.mood)', 'ok')).toEqual(['t(m=ok)'])
    expect(conjs('m = $1::text::mood AND f = $1::real', '1')).toEqual(ANY)
    expect(conjs('a IS NOT DISTINCT FROM $1', '5')).toEqual(['t(a=5)'])
    expect(conjs('a IS NOT DISTINCT FROM $1', null)).toEqual(['t(a=NULL)'])
    expect(conjs('(a, s) = ($1, $2)', '5', null)).toEqual(['t(a=5, s=NULL)'])
  })

  it('a long list counts as true, a long list of few values does not', () => {
    expect(conjs('a IN (1, 2, 3, 4, 5)')).toEqual(ANY)
    expect(conjs('a IN (1, 2, 1, 2, 1, 2)')).toEqual(['t(a=1)', 't(a=2)'])
  })

  it('over the bound of conjs a disjunction counts as true', () => {
    const many = Array.from({ length: 70 }, (_, index) => `(a = ${index} AND id = ${index})`).join(' OR ')
    expect(conjs(many)).toEqual(ANY)
    expect(conjs(`s = 'k' AND (${many})`)).toEqual(['t(s=k)'])
  })

  it('over the bound a conjunction keeps the side that says it shorter', () => {
    const list = (column: string) =>
      `(${Array.from({ length: 10 }, (_, index) => `${column} = ${index}`).join(' OR ')})`
    expect(conjs(`${list('a')} AND ${list('id')} AND s = 'k'`)).toHaveLength(10)
  })

  it('columns in conditions are read', () => {
    expect(room.deps('SELECT id FROM t WHERE a = 5 AND lower(s) = $1', 'k')).toEqual(['t(a=5) reads a,id,s'])
    expect(room.deps('SELECT count(*) FROM t WHERE a = 5')).toEqual(['t(a=5) reads a'])
    expect(room.deps('SELECT * FROM t WHERE a = 5')).toEqual(['t(a=5) reads *'])
    expect(room.deps('SELECT t FROM t')).toEqual(['t() reads *'])
    expect(room.deps('SELECT id FROM t ORDER BY a, lower(s)')).toEqual(['t() reads a,id,s'])
    expect(room.deps('SELECT id FROM t GROUP BY id HAVING max(a) > 5')).toEqual(['t() reads a,id'])
    expect(room.deps('SELECT count(*) FILTER (WHERE a > 5) OVER (PARTITION BY b ORDER BY d) FROM t')).toEqual([
      't() reads a,b,d',
    ])
    expect(room.deps('SELECT DISTINCT ON (a) id FROM t ORDER BY a, b')).toEqual(['t() reads a,b,id'])
    expect(room.deps('SELECT id AS a FROM t ORDER BY a')).toEqual(['t() reads a,id'])
  })
})

describe('A23: what a parameter means is decided by the first place where it stands', () => {
  it.each([
    ['its own cast', 'a = $1::integer', '5', ['t(a=5)']],
    ['comparisons of the same kind', 'a = $1 OR b = $1', '5', ['t(a=5)', 't(b=5)']],
    ['two texts', 's = $1 OR v = $1', 'k', ['t(s=k)', 't(v=k)']],
    ['another cast elsewhere', 'a = $1 AND f > $1::real', '5', ANY],
    ['a cast through text', 'a = $1::text::integer', '5', ANY],
    ['a real, by which 16777217 is 16777216', 'f = $1 AND a = $1', '16777217', ANY],
    ['a real behind it', 'a = $1 AND f = $1', '16777217', ANY],
    [`a char, by which 'k  ' is 'k'`, 'c = $1 AND s = $1', 'k  ', ANY],
    ['a name, which is cut off', 'name = $1 AND s = $1', 'k', ANY],
    ['a numeric', 'a = $1 AND n > $1', '5', ANY],
    ['a pattern', 's = $1 AND c LIKE $1', 'k', ANY],
    ['a list of another kind', 'a = $1 AND $1 IN (n, 3)', '5', ANY],
  ] as const)('%s', (_, where, value, wanted) => {
    expect(conjs(where, value)).toEqual(wanted)
  })

  it('also where it stands in another part of the statement', () => {
    expect(room.deps('SELECT $1 < f FROM t WHERE a = $1', '16777217')).toEqual(['t() reads a,f'])
    expect(room.deps('SELECT id FROM t WHERE a = $1 LIMIT $1', '2')).toEqual(['t() reads a,id'])
    expect(room.deps('SELECT id FROM t WHERE a IN (SELECT a FROM r WHERE r.a = $1) AND f = $1', '1')).toEqual([
      'r() reads a',
      't() reads a,f,id',
    ])
  })

  it('A10: a word that reads the clock passes by, but not where it is compared with text', () => {
    expect(conjs('d = $1', '2020-01-01')).toEqual(ANY)
    expect(room.read('SELECT id FROM t WHERE d = $1')).toMatchObject({ suspects: { params: [0] } })
    expect(room.read('SELECT id FROM t WHERE s = $1')).toMatchObject({ suspects: { params: [] } })
    expect(conjs(`d = date 'today'`)).toMatch(/clock/)
    expect(conjs('d = s::date')).toMatch(/may be text/)
    expect(conjs('d = date(s)')).toMatch(/may be text/)
    expect(conjs('s::daterange @> d')).toMatch(/may be text/)
    expect(conjs('d = date(d)')).toEqual(ANY)
    expect(conjs(`d = date_trunc('month', d)::date`)).toEqual(ANY)
    expect(conjs(`d = (d + interval '1 day')::date`)).toEqual(ANY)
    expect(conjs('d = $1::text::date', '2020-01-01')).toEqual(ANY)
    expect(room.read('SELECT id FROM t WHERE d = $1::text::date')).toMatchObject({ suspects: { params: [0] } })
  })

  it('A10: says why', () => {
    expect(conjs('d < now()')).toBe('now() gives another answer each time')
    expect(conjs('d < CURRENT_DATE')).toBe('CURRENT_DATE gives another answer each time')
    expect(conjs('s = CURRENT_CATALOG')).toBe('CURRENT_CATALOG tells of the session, not of tables')
    expect(conjs(`s = current_setting('x')`)).toMatch(/tells of the session/)
    expect(conjs('age(d) IS NULL')).toMatch(/another answer each day/)
    expect(conjs('age(d, d) IS NULL')).toEqual(ANY)
    expect(conjs('nosuch(d) IS NULL')).toBe('function nosuch() is not known to be pure')
    expect(conjs('pg_catalog.pg_advisory_lock(1) IS NULL')).toMatch(/acts on the session/)
  })
})
