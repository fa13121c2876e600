import { beforeAll, describe, expect, it } from 'vitest'
import { loadParser } from '../../src/sql/analyze.js'
import type { Expr } from '../../src/sql/statement.js'
import { analysis, statementOf } from './support.js'

beforeAll(() => loadParser())

/** The model of an expression. */
function expr(text: string): Expr {
  const statement = statementOf(`select ${text} from t`)
  if (statement.kind !== 'select') throw new Error(JSON.stringify(statement))
  const { body } = statement.query
  const target = body.kind === 'select' ? body.targets[0] : undefined
  if (!target) throw new Error(text)
  return target.expr
}

/** An expression in few words: what matters of it can be read. */
function brief(e: Expr): string {
  const list = (items: readonly Expr[]) => items.map(brief).join(', ')
  switch (e.kind) {
    case 'literal':
      return `${e.negated ? '-' : ''}?${e.slot}`
    case 'constant':
      return `${e.literal}:${e.value}`
    case 'param':
      return `$${e.index + 1}`
    case 'column':
      return [...e.path, ...(e.star ? ['*'] : [])].join('.')
    case 'and':
    case 'or':
      return `${e.kind}(${list(e.args)})`
    case 'not':
    case 'is-null':
      return `${e.kind}(${brief(e.arg)})`
    case 'not-distinct':
      return `same(${brief(e.left)}, ${brief(e.right)})`
    case 'is-truth':
      return `is-${e.truth}(${brief(e.arg)})`
    case 'equals':
      return `equals(${brief(e.left)}, ${brief(e.right)})`
    case 'in':
      return `in(${brief(e.arg)}: ${list(e.items)})`
    case 'equals-any':
      return `any(${brief(e.arg)}: ${brief(e.array)})`
    case 'subquery':
      return `${e.form}(${e.test ? `${brief(e.test)} ${e.operator} ` : ''}query)`
    case 'call':
      return `${e.schema ? `${e.schema}.` : ''}${e.name}(${e.star ? '*' : list(e.args)})${e.window ? ' over' : ''}`
    case 'field':
      return `(${brief(e.arg)}).${e.name}`
    case 'cast':
      return `${brief(e.arg)}::${e.schema ? `${e.schema}.` : ''}${e.type}${e.array ? '[]' : ''}${e.modified ? '(n)' : ''}`
    case 'environment':
      return e.name
    case 'operation':
      return `[${e.operators.join(' ')}](${list(e.args)})`
  }
}

describe('expressions', () => {
  it.each<[string, string]>([
    ['T.a, 1', 't.a'],
    ['"T"."A"', 'T.A'],
    ['s.t.a', 's.t.a'],
    ['*', '*'],
    ['t.*', 't.*'],
    ['$3', '$3'],
    ['null', 'null:null'],
    ['true', 'boolean:true'],
    ["b'01'", 'bitstring:b01'],
    ['a = 1 and b = 2 and c', 'and(equals(a, ?0), equals(b, ?1), c)'],
    ['a or not b', 'or(a, not(b))'],
    ['a operator(pg_catalog.=) 1', 'equals(a, ?0)'],
    ['a operator(s.=) 1', '[s.=](a, ?0)'],
    ['(a, b) <> (1, 2)', '[<>]([](a, b), [](?0, ?1))'],
    ['(a, b) = (1, (2, 3))', '[=]([](a, b), [](?0, [](?1, ?2)))'],
    ['row(t.*) = row(1, 2)', '[=]([](t.*), [](?0, ?1))'],
    ['(a, b) not in ((1, 2), (3, 4))', '[<>]([](a, b), [](?0, ?1), [](?2, ?3))'],
    ['(a, b) in ((1, 2), (3, 4, 5))', '[=]([](a, b), [](?0, ?1), [](?2, ?3, ?4))'],
    ['(a, b) is distinct from (1, 2)', '[=]([](a, b), [](?0, ?1))'],
    ['(a).b', '(a).b'],
    ['(f(a)).b[1].c', '([]((f(a)).b, ?0)).c'],
    ['(a).*', '[](a)'],
    ['a is not true', 'not(is-true(a))'],
    ['a = 1 is false', 'is-false(equals(a, ?0))'],
    ['a is unknown', 'is-null(a)'],
    ['a = any(array[array[1]]::int[])', 'any(a: []([](?0))::int4[])'],
    ["a = any('{1}'::int[])", 'any(a: ?0::int4[])'],
    ["json_object('a' value b, c: d format json returning jsonb)", 'json_object(?0, b, c, d)::jsonb'],
    ['json_array(a, 1 null on null)', 'json_array(a, ?0)'],
    ['json_array(select a from t)', 'json_array(array(query))'],
    ['json_objectagg(a value b absent on null)', 'json_objectagg(a, b)'],
    ['json_arrayagg(a order by b returning jsonb) filter (where c)', 'json_arrayagg(a, b, c)::jsonb'],
    ['json_arrayagg(a) over (partition by d)', 'json_arrayagg(a, d) over'],
    ['a is json object', '[](a)'],
    ["json_value(a, '$.b' passing c as d returning int default 5 on empty)", 'json_value(a, ?0, c, ?1)::int4'],
    ["json_exists(a, '$.b')", 'json_exists(a, ?0)'],
    ['json(a)', 'json(a)'],
    ['json_scalar(a)', 'json_scalar(a)'],
    ['json_serialize(a returning text)', 'json_serialize(a)::text'],
    ['xmlelement(name a, xmlattributes(b as c), d)', 'pg_catalog.xmlelement(b, d)'],
    ['xmlforest(a, b as c)', 'pg_catalog.xmlforest(a, b)'],
    ['xmlserialize(content a as text)', 'a::text'],
    ['a is document', '[](a)'],
    ['grouping(a, b)', '[](a, b)'],
    ['(a, b) = (1, 2)', 'and(equals(a, ?0), equals(b, ?1))'],
    ['a <> 1', '[<>](a, ?0)'],
    ['a != 1', '[<>](a, ?0)'],
    ['a + 1', '[+](a, ?0)'],
    ['+a', '[+](a)'],
    ["a->>'b'", '[->>](a, ?0)'],
    ['a in (1, $2)', 'in(a: ?0, $2)'],
    ['a not in (1)', 'not(in(a: ?0))'],
    ['(a, b) in ((1, 2))', 'or(and(equals(a, ?0), equals(b, ?1)))'],
    ['a = any($1)', 'any(a: $1)'],
    ["a = any('{}')", 'any(a: ?0)'],
    ['a = any(array[1, 2])', 'in(a: ?0, ?1)'],
    ['a = any(array[[1], [2]])', 'any(a: []([](?0), [](?1)))'],
    ['a = any(array[1]::int[])', 'in(a: ?0::int4)'],
    ['a <> all($1)', '[<>](a, $1)'],
    ['a > any($1)', '[>](a, $1)'],
    ['a is null', 'is-null(a)'],
    ['a isnull', 'is-null(a)'],
    ['a is not null', 'not(is-null(a))'],
    ['(a, b) is not null', '[]([](a, b))'],
    ['a is true', 'is-true(a)'],
    ['a is not unknown', 'not(is-null(a))'],
    ['a is distinct from 1', 'not(same(a, ?0))'],
    ['a is not distinct from 1', 'same(a, ?0)'],
    ['a between 1 and 2', '[>= <=](a, ?0, ?1)'],
    ['a not between symmetric 1 and 2', '[< >](a, ?0, ?1)'],
    ["a like 'b%'", '[~~](a, ?0)'],
    ["a not ilike 'b%'", '[!~~*](a, ?0)'],
    ["a like 'b' escape 'c'", '[~~](a, pg_catalog.like_escape(?0, ?1))'],
    ["a similar to 'b'", '[~](a, pg_catalog.similar_to_escape(?0))'],
    ['nullif(a, 1)', '[=](a, ?0)'],
    ['coalesce(a, 1)', '[](a, ?0)'],
    ['greatest(a, 1)', '[>](a, ?0)'],
    ['least(a, 1)', '[<](a, ?0)'],
    ['case a when 1 then 2 else 3 end', '[=](a, ?0, ?1, ?2)'],
    ['case when a then 2 end', '[](a, ?0)'],
    ['row(a, 1)', '[](a, ?0)'],
    ['array[a, 1]', '[](a, ?0)'],
    ['a collate "C"', '[](a)'],
    ['a[1][2:$1]', '[]([](a, ?0), ?1, $1)'],
    ['a at time zone $1', 'pg_catalog.timezone($1, a)'],
    ['extract(year from a)', 'pg_catalog.extract(string:year, a)'],
    ["position('a' in b)", 'pg_catalog.position(b, ?0)'],
    ["trim(both 'x' from a)", 'pg_catalog.btrim(a, ?0)'],
    ['substring(a from 1 for 2)', 'pg_catalog.substring(a, ?0, ?1)'],
    ['(a, b) overlaps (c, d)', 'pg_catalog.overlaps(a, b, c, d)'],
    ['a::int', 'a::int4'],
    ['a::text', 'a::text'],
    ['cast(a as varchar(3))', 'a::varchar(n)'],
    ['a::s.mood[]', 'a::s.mood[]'],
    ["date '2020-01-01'", 'string:2020-01-01::date'],
    ["interval '1' year", 'string:1::interval(n)'],
    ['current_date', 'current_date'],
    ['current_timestamp(3)', 'current_timestamp'],
    ['user', 'user'],
    ['count(*)', 'count(*)'],
    ['Count(distinct a)', 'count(a)'],
    ['s."F"(a => 1)', 's.F(?0)'],
    ['f(variadic $1)', 'f($1)'],
    ["string_agg(a, ',' order by b) filter (where c)", 'string_agg(a, ?0, b, c)'],
    ['percentile_cont(0.5) within group (order by a)', 'percentile_cont(?0, a)'],
    ['sum(a) over (partition by b order by c rows between 1 preceding and current row)', 'sum(a, b, c, ?0) over'],
    ['rank() over w', 'rank() over'],
    ['exists (select 1)', 'exists(query)'],
    ['(select 1)', 'scalar(query)'],
    ['array(select 1)', 'array(query)'],
    ['a in (select 1)', 'any(a = query)'],
    ['a not in (select 1)', 'not(any(a = query))'],
    ['a > all (select 1)', 'all(a > query)'],
    ['(a, b) in (select 1, 2)', 'any([](a, b) = query)'],
  ])('%s', (text, expected) => {
    expect(brief(expr(text))).toBe(expected)
  })
})

describe('constants', () => {
  it.each<[string, string]>([
    ['-5', '-?0'],
    ['- 5.5', '-?0'],
    ['-(5)', '-?0'],
    ['- - 5', '?0'],
    ['-(-(5))', '?0'],
    ['-/* c */9999999999', '-?0'],
    ['-2147483648', '-?0'],
    ['+5', '[+](?0)'],
    ['-a', '[-](a)'],
    // The parser moves the string to the minus sign, too; so it is read without lifting.
    ["-'5'", '[-](string:5)'],
    ['5 -5', '[-](?0, ?1)'],
    ['5 * -5', '[*](?0, -?1)'],
    ['0', '?0'],
    ['-0', '-?0'],
    ["''", '?0'],
    ['-$1', '[-]($1)'],
    ['0x1F', 'integer:31'],
    ['-1_000', 'integer:-1000'],
  ])('%s', (text, expected) => {
    expect(brief(expr(text))).toBe(expected)
  })

  it('are found behind text that is longer in UTF-8', () => {
    const { template, literals } = analysis("select 'ü€😀', \"ñ\", 'a' /* 漢字 */, -7 from t where é = 8")
    expect(literals.map(({ value }) => value)).toEqual(['ü€😀', 'a', '7', '8'])
    const { statement } = template
    if (statement.kind !== 'select' || statement.query.body.kind !== 'select') throw new Error('no select')
    expect(statement.query.body.targets.map((target) => brief(target.expr))).toEqual(['?0', 'ñ', '?1', '-?2'])
    expect(statement.query.body.where && brief(statement.query.body.where)).toBe('equals(é, ?3)')
  })

  it('of another kind or spelling share the statement or not', () => {
    const one = analysis('select a from t where b = 1').template
    expect(analysis('select a from t where b = 99999999999').template).toEqual(one)
    expect(analysis("select a from t where b = '1'").template.text).not.toBe(one.text)
    expect(analysis('select a from t where b = 1.0').template.text).not.toBe(one.text)
  })

  it('float(24) and float(25) are two types', () => {
    expect(brief(expr('a::float(24)'))).toBe('a::float4')
    expect(brief(expr('a::float(25)'))).toBe('a::float8')
  })
})
