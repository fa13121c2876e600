import { beforeAll, describe, expect, it } from 'vitest'
import { loadParser } from '../../src/sql/analyze.js'
import type { Query, SelectBody, Statement } from '../../src/sql/statement.js'
import { callsOf, tablesOf, walk, writesOf } from '../../src/sql/walk.js'
import { analyses, analysis, statementOf } from './support.js'

beforeAll(() => loadParser())

function queryOf(text: string): Query {
  const statement = statementOf(text)
  if (statement.kind !== 'select') throw new Error(JSON.stringify(statement))
  return statement.query
}

function selectOf(text: string): SelectBody {
  const { body } = queryOf(text)
  if (body.kind !== 'select') throw new Error(body.kind)
  return body
}

function writeOf(text: string) {
  const statement = statementOf(text)
  if (statement.kind !== 'write') throw new Error(JSON.stringify(statement))
  return statement.write
}

describe('queries', () => {
  it('have sources', () => {
    const { from } = selectOf(
      'select 1 from only A, s."B" as x(c, d) left join e on true cross join f, lateral (select 2) g(h), (values (1)) i',
    )
    expect(from).toMatchObject([
      { kind: 'table', relation: { name: 'a' }, only: true, columnAliases: [] },
      {
        kind: 'join',
        join: 'inner',
        left: {
          kind: 'join',
          join: 'left',
          left: { relation: { schema: 's', name: 'B' }, alias: 'x', columnAliases: ['c', 'd'], only: false },
          right: { relation: { name: 'e' } },
          on: { kind: 'constant', value: true },
        },
        right: { relation: { name: 'f' } },
      },
      { kind: 'derived', alias: 'g', columnAliases: ['h'], lateral: true },
      { kind: 'derived', alias: 'i', lateral: false, query: { body: { kind: 'values' } } },
    ])
    expect(from[1]).not.toHaveProperty('on')
  })

  it('have clauses', () => {
    const text =
      'select distinct on (a) a as x, b from t where c group by d having e window w as (partition by f) order by g limit 3 offset $1'
    expect(queryOf(text)).toMatchObject({
      ctes: [],
      orderBy: [{ path: ['g'] }],
      limit: { kind: 'constant', value: '3', literal: 'integer' },
      offset: { kind: 'param', index: 0 },
    })
    expect(selectOf(text)).toMatchObject({
      distinct: 'on',
      distinctOn: [{ path: ['a'] }],
      targets: [{ expr: { path: ['a'] }, alias: 'x' }, { expr: { path: ['b'] } }],
      where: { path: ['c'] },
      groupBy: [{ path: ['d'] }],
      having: { path: ['e'] },
      windows: [{ path: ['f'] }],
    })
    expect(selectOf('select distinct a from t')).toMatchObject({ distinct: 'all', distinctOn: [] })
    expect(queryOf('select a from t fetch first row only')).toMatchObject({ limit: { kind: 'constant', value: '1' } })
  })

  it('have set operations, VALUES and TABLE', () => {
    expect(queryOf('select 1 union all (select 2 limit 1) order by 1').body).toMatchObject({
      kind: 'set-operation',
      operator: 'union',
      all: true,
      left: { body: { kind: 'select' } },
      right: { limit: { value: '1' } },
    })
    expect(queryOf('values (1, $1), (2, null)').body).toMatchObject({
      kind: 'values',
      rows: [
        [{}, {}],
        [{}, {}],
      ],
    })
    expect(selectOf('table t')).toMatchObject({
      from: [{ relation: { name: 't' } }],
      targets: [{ expr: { star: true } }],
    })
  })

  it('have CTEs, which may write', () => {
    const statement = statementOf(
      'with a(x) as (select 1 from b), c as (delete from d where e = 1 returning f) select * from a, c, public.a',
    )
    if (statement.kind !== 'select') throw new Error(statement.kind)
    expect(statement.query.ctes).toMatchObject([
      { name: 'a', columnAliases: ['x'], body: { kind: 'query' } },
      { name: 'c', body: { kind: 'write', write: { kind: 'delete', relation: { name: 'd' } } } },
    ])
    expect(tablesOf(statement).map(({ relation }) => relation)).toEqual([
      { name: 'b' },
      { schema: 'public', name: 'a' },
    ])
    expect(writesOf(statement).map(({ relation }) => relation.name)).toEqual(['d'])
  })

  it('have joins with USING, NATURAL and an alias', () => {
    expect(selectOf('select 1 from a left join b using (c, d) as x natural join e').from).toMatchObject([
      {
        kind: 'join',
        join: 'inner',
        using: 'natural',
        left: { kind: 'join', join: 'left', using: ['c', 'd'], usingAlias: 'x' },
        right: { relation: { name: 'e' } },
      },
    ])
  })

  it('have functions in FROM', () => {
    expect(
      selectOf('select 1 from f(1) with ordinality as x(a, b), rows from (g(2), h(3) as (c int, d date)) as y').from,
    ).toMatchObject([
      {
        kind: 'function',
        calls: [{ name: 'f' }],
        columns: [],
        alias: 'x',
        columnAliases: ['a', 'b'],
        ordinality: true,
      },
      {
        kind: 'function',
        calls: [{ name: 'g' }, { name: 'h' }],
        columns: [
          { name: 'c', value: { kind: 'cast', type: 'int4' } },
          { name: 'd', value: { type: 'date' } },
        ],
        alias: 'y',
        ordinality: false,
      },
    ])
    expect(selectOf('select 1 from json_to_recordset($1) as x(a text, b int[])').from).toMatchObject([
      {
        calls: [{ name: 'json_to_recordset' }],
        columns: [
          { name: 'a', value: { arg: { kind: 'param' }, type: 'text', array: false } },
          { name: 'b', value: { type: 'int4', array: true } },
        ],
      },
    ])
    const json = `json_table(a, '$' passing 1 as p columns (n for ordinality, b int default 2 on error, nested '$' columns (c date)))`
    expect(selectOf(`select 1 from t, ${json} as j`).from[1]).toMatchObject({
      calls: [{ name: 'json_table', args: [{ path: ['a'] }, { slot: 1 }, { slot: 2 }, { slot: 3 }, { value: '$' }] }],
      columns: [{ name: 'n' }, { name: 'b', value: { type: 'int4' } }, { name: 'c', value: { type: 'date' } }],
      alias: 'j',
    })
    expect(
      selectOf(`select 1 from xmltable('/a' passing b columns c int path 'd' default e, o for ordinality)`).from,
    ).toMatchObject([
      { calls: [{ name: 'xmltable' }], columns: [{ name: 'c', value: { type: 'int4' } }, { name: 'o' }] },
    ])
  })

  it('have grouping sets, whose expressions are listed', () => {
    expect(
      selectOf('select 1 from t group by distinct rollup (a, (b, c)), grouping sets (d, cube (e), ())'),
    ).toMatchObject({
      groupBy: [...['a', 'b', 'c', 'd', 'e'].map((name) => ({ path: [name] })), { kind: 'operation', args: [] }],
    })
    expect(queryOf('select a from t order by a fetch first 2 rows with ties')).toMatchObject({ ties: true })
    expect(queryOf('select a from t limit 2')).toMatchObject({ ties: false })
  })

  it('in a WITH RECURSIVE names are seen by all of it', () => {
    const statement = statementOf(
      'with recursive r as (select 1 from a union all select 1 from r, s), s as (select 1 from b) select 1 from r, c',
    )
    expect(tablesOf(statement).map(({ relation }) => relation.name)).toEqual(['a', 'b', 'c'])
    if (statement.kind !== 'select') throw new Error(statement.kind)
    expect(statement.query.ctes).toMatchObject([
      { name: 'r', recursive: true },
      { name: 's', recursive: true },
    ])
  })

  it('lock at any depth', () => {
    for (const text of [
      'select 1 from t for update',
      'select 1 from (select 1 from t for key share) x',
      'with a as (select 1 from t for share skip locked) select 1 from a',
    ]) {
      expect(statementOf(text), text).toMatchObject({ kind: 'select', locks: true })
    }
    expect(statementOf('select 1 from t')).toMatchObject({ locks: false })
  })

  it('CTE names are seen by those behind them only', () => {
    const ctes = (text: string) => {
      const found: [string, boolean][] = []
      walk(statementOf(text), {
        source: (source, cte) => source.kind === 'table' && found.push([source.relation.name, cte !== undefined]),
      })
      return found
    }
    expect(ctes('with a as (select 1 from b), b as (select 1 from a) select 1 from a, b')).toEqual([
      ['b', false],
      ['a', true],
      ['a', true],
      ['b', true],
    ])
    expect(ctes('select (with a as (select 1) select 1 from a), 1 from a')).toEqual([
      ['a', false],
      ['a', true],
    ])
    expect(ctes('with a as (select 1) insert into t select 1 from a')).toEqual([['a', true]])
  })
})

describe('writes', () => {
  it('INSERT', () => {
    const write = writeOf(
      'insert into s.T as x (a, b) values (1, default), ($1, -2) on conflict (a) where c do update set b = excluded.b, d = default ' +
        'where x.a > 3 returning *, old.a as e',
    )
    expect(write).toMatchObject({
      kind: 'insert',
      relation: { schema: 's', name: 't' },
      alias: 'x',
      columns: ['a', 'b'],
      source: {
        body: {
          kind: 'values',
          rows: [
            [
              { kind: 'literal', slot: 0 },
              { kind: 'environment', name: 'default' },
            ],
            [
              { kind: 'param', index: 0 },
              { kind: 'literal', slot: 1, negated: true },
            ],
          ],
        },
      },
      onConflict: 'update',
      assignments: [{ column: 'b', value: { path: ['excluded', 'b'] } }, { column: 'd' }],
      conflictWhere: { kind: 'operation' },
      returning: [{ expr: { star: true } }, { expr: { path: ['old', 'a'] }, alias: 'e' }],
    })
  })

  it('INSERT in its other forms', () => {
    const values = writeOf('insert into t default values')
    expect(values).toMatchObject({ kind: 'insert', columns: [], onConflict: 'none', assignments: [], returning: [] })
    expect(values).not.toHaveProperty('source')
    expect(writeOf('insert into t select * from u on conflict do nothing')).toMatchObject({
      onConflict: 'nothing',
      source: { body: { kind: 'select' } },
    })
    expect(writeOf('insert into t (a) overriding system value values (1)')).toMatchObject({ kind: 'insert' })
  })

  it('UPDATE', () => {
    expect(
      writeOf(
        'with c as (select 1) update only t as x set a = a + 1, (b, d) = (2, default), (e, f) = (select 3, 4), g[1] = 5 from u where x.h = 6 returning i',
      ),
    ).toMatchObject({
      kind: 'update',
      ctes: [{ name: 'c' }],
      relation: { name: 't' },
      alias: 'x',
      only: true,
      assignments: [
        { column: 'a', value: { kind: 'operation', operators: ['+'] } },
        { column: 'b', value: { kind: 'literal', slot: 2 } },
        { column: 'd' },
        { column: 'e', value: { kind: 'subquery', form: 'scalar' } },
        { column: 'f', value: { kind: 'subquery', form: 'scalar' } },
        {
          column: 'g',
          value: { kind: 'operation', args: [{ path: ['x', 'g'] }, { kind: 'literal' }, { kind: 'literal' }] },
        },
      ],
      from: [{ relation: { name: 'u' } }],
      where: { kind: 'equals' },
      returning: [{ expr: { path: ['i'] } }],
    })
  })

  it('DELETE', () => {
    expect(writeOf('delete from t using u where t.a = u.a returning *')).toMatchObject({
      kind: 'delete',
      relation: { name: 't' },
      only: false,
      using: [{ relation: { name: 'u' } }],
      where: { kind: 'equals' },
      returning: [{ expr: { star: true } }],
    })
  })

  it('all writes and calls of a statement are found', () => {
    const statement = statementOf(
      'with a as (insert into b select f(1)), c as (update d set e = g(2)) delete from h where i in (select j(3) from k)',
    )
    expect(writesOf(statement).map(({ kind, relation }) => `${kind} ${relation.name}`)).toEqual([
      'delete h',
      'insert b',
      'update d',
    ])
    expect(callsOf(statement).map(({ name }) => name)).toEqual(['f', 'g', 'j'])
  })
})

describe('other statements', () => {
  it.each<[string, { readonly kind?: Statement['kind'] } & Record<string, unknown>]>([
    ['begin', { kind: 'transaction', verb: 'begin', chain: false }],
    ['START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', { verb: 'begin', isolation: 'repeatable read' }],
    ['begin isolation level serializable', { verb: 'begin', isolation: 'serializable' }],
    ['commit', { kind: 'transaction', verb: 'commit', chain: false }],
    ['END WORK', { verb: 'commit' }],
    ['commit and chain', { verb: 'commit', chain: true }],
    ['rollback', { verb: 'rollback' }],
    ['abort and chain', { verb: 'rollback', chain: true }],
    ['savepoint "A"', { verb: 'savepoint', savepoint: 'A' }],
    ['release savepoint a', { verb: 'release', savepoint: 'a' }],
    ['rollback to a', { verb: 'rollback-to', savepoint: 'a' }],
    ["prepare transaction 'x'", { verb: 'prepare' }],
    ["commit prepared 'x'", { verb: 'commit-prepared' }],
    ["rollback prepared 'x'", { verb: 'rollback-prepared' }],
    ["set search_path to a, 'b'", { kind: 'setting', name: 'search_path', local: false, many: false }],
    ["set local time zone 'utc'", { kind: 'setting', name: 'timezone', local: true, many: false }],
    ['set role x', { kind: 'setting', name: 'role' }],
    ['set session authorization default', { kind: 'setting', name: 'session_authorization' }],
    ['reset a.b', { kind: 'setting', name: 'a.b', many: false }],
    ['reset all', { kind: 'setting', many: true }],
    ['discard all', { kind: 'setting', name: 'discard all', many: true }],
    ['set transaction isolation level serializable', { kind: 'setting', local: true, isolation: 'serializable' }],
    [
      'set session characteristics as transaction isolation level read committed',
      { kind: 'setting', local: false, isolation: 'read committed' },
    ],
    ["set default_transaction_isolation = 'repeatable read'", { kind: 'setting', isolation: 'repeatable read' }],
    ["set transaction snapshot 'x'", { kind: 'setting', local: true }],
    ['set constraints all immediate', { kind: 'harmless', command: 'set constraints' }],
    ['lock table t in share mode', { kind: 'lock' }],
    ['show all', { kind: 'harmless', command: 'show' }],
    ['vacuum t', { kind: 'harmless', command: 'vacuum' }],
    ['analyze', { kind: 'harmless' }],
    ['checkpoint', { kind: 'harmless' }],
    ['listen a', { kind: 'harmless' }],
    ["notify a, 'b'", { kind: 'harmless' }],
    ['unlisten *', { kind: 'harmless' }],
    ['fetch 3 from c', { kind: 'harmless' }],
    ['close c', { kind: 'harmless' }],
    ['reindex table t', { kind: 'harmless' }],
    ['cluster', { kind: 'harmless' }],
    ['deallocate all', { kind: 'deallocate' }],
    ['deallocate "P"', { kind: 'deallocate', name: 'P' }],
    ['prepare p as delete from t', { kind: 'prepare', name: 'p', statement: { kind: 'write' } }],
    ['prepare p (int) as select * from a where b = $1', { kind: 'prepare', statement: { kind: 'select' } }],
    ['execute p', { kind: 'execute', name: 'p', calls: [] }],
    ['execute p(f(1))', { kind: 'execute', name: 'p', calls: [{ name: 'f' }] }],
    ['explain analyze delete from t', { kind: 'opaque', writes: true, runs: { kind: 'write' } }],
    ['explain (analyze) execute p', { kind: 'opaque', writes: true, runs: { kind: 'execute', name: 'p' } }],
    ['copy (delete from t returning 1) to stdout', { kind: 'opaque', writes: true, runs: { kind: 'write' } }],
    ['declare c cursor for select a from t', { kind: 'opaque', writes: false, runs: { kind: 'select' } }],
    ['create table u as select a from t', { kind: 'definition', temporary: false, runs: { kind: 'select' } }],
    ['create temp table u as execute p', { kind: 'definition', temporary: true, runs: { kind: 'execute' } }],
    ['create materialized view u as select 1', { kind: 'definition', runs: { kind: 'select' } }],
    ['create table u (a int)', { kind: 'definition', command: 'create table' }],
    ['select a into u from t', { kind: 'definition', runs: { kind: 'select', query: { body: { kind: 'select' } } } }],
    [
      'select a into temp u from t tablesample system (1)',
      { temporary: true, runs: { kind: 'opaque', writes: false } },
    ],
    [
      'explain analyze create table u as select 1',
      { kind: 'opaque', writes: true, runs: { kind: 'definition', runs: { kind: 'select' } } },
    ],
    ['explain delete from t', { kind: 'harmless', command: 'explain' }],
    ['explain (analyze false) delete from t', { kind: 'harmless' }],
    ['copy t to stdout', { kind: 'harmless' }],
    [
      'truncate a.b, only c cascade',
      {
        kind: 'table-write',
        command: 'truncate',
        relations: [{ schema: 'a', name: 'b' }, { name: 'c' }],
        cascade: true,
      },
    ],
    ['truncate t', { kind: 'table-write', cascade: false }],
    ['copy t (a) from stdin', { kind: 'table-write', command: 'copy-from', relations: [{ name: 't' }] }],
    [
      'refresh materialized view concurrently v',
      { kind: 'table-write', command: 'refresh', relations: [{ name: 'v' }] },
    ],
    [
      'with x as (delete from w returning 1) merge into t using u on t.a = f(u.a) when matched then delete',
      {
        kind: 'table-write',
        command: 'merge',
        relations: expect.arrayContaining([{ name: 't' }, { name: 'w' }]),
        calls: expect.arrayContaining([{ name: 'f' }]),
      },
    ],
    ['create table t (a int)', { kind: 'definition', command: 'create table', temporary: false }],
    ['create temp table t (a int)', { kind: 'definition', temporary: true }],
    ['create temp view t as select 1', { kind: 'definition', temporary: true }],
    ['create table t as select 1', { kind: 'definition', temporary: false }],
    ['select 1 into temp t', { kind: 'definition', command: 'select into', temporary: true }],
    ['select 1 into t union select 2', { kind: 'definition', command: 'select into', temporary: false }],
    ['alter table t add a int', { kind: 'definition', command: 'alter table' }],
    ['drop table pg_temp.t', { kind: 'definition', temporary: true }],
    ['drop table t', { kind: 'definition', command: 'drop table', temporary: false }],
    ['grant select on t to u', { kind: 'definition', command: 'grant' }],
    ["comment on table t is 'x'", { kind: 'definition' }],
    ['create index on t (a)', { kind: 'definition' }],
    ['create function f() returns int begin atomic select 1; select 2; end', { kind: 'definition' }],
    ['alter role r set search_path = a', { kind: 'definition' }],
    ['', { kind: 'empty' }],
    ['/* nothing */', { kind: 'empty' }],
  ])('%s', (text, expected) => {
    expect(statementOf(text)).toMatchObject(expected)
  })

  it('a text is the sum of its statements', () => {
    const text = "begin; update t set a = 'x;' where b = $2; commit"
    const all = analyses(text)
    expect(all.map(({ template }) => template.statement.kind)).toEqual(['transaction', 'write', 'transaction'])
    expect(all.map(({ start, end }) => text.slice(start, end))).toEqual([
      'begin',
      "update t set a = 'x;' where b = $2",
      'commit',
    ])
    expect(all.map(({ template }) => template.params)).toEqual([0, 2, 0])
  })

  it('comments are options, not templates', () => {
    const one = analysis('select 1 /* cacheops: ttl=5m */')
    expect(one.comment).toEqual({ off: false, ttl: '5m', unknown: [] })
    expect(one.template).toEqual(analysis('select 1').template)
  })
})
