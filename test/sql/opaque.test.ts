import { beforeAll, describe, expect, it } from 'vitest'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { analyses, analysis, statementOf } from './support.js'

beforeAll(() => loadParser())

// S1: a form that the front-end does not know costs hit rate, never a guess.
describe('not understood', () => {
  it.each([
    'select * from (a join b on true) as j',
    'select * from t tablesample system (1)',
    'with recursive r as (select 1 union all select 1 from r) search depth first by a set b select * from r',
    'with recursive r as (select 1 union all select 1 from r) cycle a set b using c select * from r',
    'select a from db.s.t',
    'select db.s.f(1)',
    'select a from t order by a using <',
    'select from where',
    'select * from t where a in ()',
  ])('reads nothing that it does not know: %s', (text) => {
    expect(statementOf(text)).toMatchObject({ kind: 'opaque', writes: false, locks: false })
  })

  it.each([
    'with recursive r as (select 1), w as (delete from t) select * from r tablesample system (1)',
    'with w as (merge into t using u on true when matched then delete) select 1',
    'update t set a = 1 where current of c',
    'update t set a = 1 returning with (old as o) o.a',
    'update t set a.b = 1',
    'update t set (a, b) = row(f(1), 2, 3)',
    'insert into t (a.b) values (1)',
    'insert into t (a) overriding user value values (1)',
    'call p(1)',
    "do 'x'",
    "load 'x'",
    'declare c cursor for with w as (delete from t returning 1) select 1 from w',
    'copy (delete from t returning 1) to stdout',
    'explain analyze delete from t',
    'explain (analyze) create table u as select 1',
    'explain (analyze, verbose) with w as (delete from t) select 1',
    'explain analyze execute p',
    'with w as (select from where) delete from t',
    'select from where into t',
    'selekt 1',
    "select 'a",
    'select 1 \0',
    'select 1; drop table t)',
  ])('may write: %j', (text) => {
    expect(statementOf(text)).toMatchObject({ kind: 'opaque', writes: true })
  })

  it.each([
    'declare c cursor for select f(1) from t',
    'copy (select f(1) from t) to stdout',
    'explain analyze select f(1) from t',
  ])('reads: %s', (text) => {
    const expected = { kind: 'opaque', writes: false, calls: [{ name: 'f' }], relations: [{ name: 't' }], locks: false }
    expect(statementOf(text)).toEqual({
      ...expected,
      reason: expect.any(String),
      runs: expect.objectContaining({ kind: 'select' }),
    })
  })

  it('says what it saw', () => {
    const text =
      'with r as (select 1 from s.a tablesample system (1)), b as (select 1) select g(h(1)) from r, b, lower($1) x where c = pg_catalog.k(2) for update'
    const statement = statementOf(text)
    expect(statement).toMatchObject({
      kind: 'opaque',
      reason: 'TABLESAMPLE gives other rows each time',
      writes: false,
      locks: true,
    })
    if (statement.kind !== 'opaque') return
    expect(new Set(statement.calls)).toEqual(
      new Set([{ name: 'g' }, { name: 'h' }, { name: 'lower' }, { schema: 'pg_catalog', name: 'k' }]),
    )
    expect(statement.relations).toEqual([{ schema: 's', name: 'a' }])
  })

  it('says what a name behind a dot may call', () => {
    const statement = statementOf('select t.a, (t).f, (g(t)).h.i, b from t tablesample system (1)')
    if (statement.kind !== 'opaque') throw new Error(statement.kind)
    expect(statement.calls?.map(({ name }) => name).sort()).toEqual(['a', 'f', 'g', 'h', 'i'])
  })

  it("names the parser's message", () => {
    expect(statementOf('select 1 frmo t x')).toMatchObject({
      reason: expect.stringContaining('syntax error at or near'),
    })
  })

  it('a text that does not parse does not speak for its template', () => {
    const analyzer = createAnalyzer({ maxBytes: 1e6 })
    const kind = (text: string) => analyzer.analyze(text).statements[0]?.template.statement.kind
    // Only the number makes it an error.
    expect(kind("select time(99999999999) with time zone '1:00', 1")).toBe('opaque')
    expect(kind("select time(3) with time zone '1:00', 1")).toBe('select')
    expect(kind('select a from t where b = 1 and')).toBe('opaque')
  })

  it('with standard_conforming_strings off', () => {
    expect(analysis("select 'a'", { lift: false })).toMatchObject({
      literals: [],
      template: { statement: { kind: 'select' } },
    })
    expect(analysis("select 'a\\'; delete from t --'", { lift: false }).template.statement).toMatchObject({
      kind: 'opaque',
      writes: true,
    })
  })
})

describe('deep and long texts', () => {
  const deep: readonly (readonly [string, (n: number) => string])[] = [
    ['parentheses', (n) => `select ${'('.repeat(n)}1${')'.repeat(n)}`],
    ['subqueries', (n) => `select ${'(select '.repeat(n)}1${')'.repeat(n)}`],
    ['calls', (n) => `select ${'f('.repeat(n)}1${')'.repeat(n)}`],
    ['CASE', (n) => `select ${'case when a and b then '.repeat(n)}1${' end'.repeat(n)}`],
    ['NOT', (n) => `select ${'not '.repeat(n)}true`],
    ['a sum', (n) => `select ${'1 + '.repeat(n)}1`],
    ['casts', (n) => `select a${'::int'.repeat(n)}`],
    ['UNION', (n) => `select 1${' union select 1'.repeat(n)}`],
    ['UNION with commas', (n) => `select 1, 2${' union select 1, 2'.repeat(n)}`],
    ['joins', (n) => `select 1 from a${' join b on true and true'.repeat(n)}`],
    ['IS NULL', (n) => `select a${' is null'.repeat(n)}`],
    ['minus', (n) => `select ${'- '.repeat(n)}a`],
    ['arrays', (n) => `select ${'array['.repeat(n)}1${']'.repeat(n)}`],
    ['AND with NOT', (n) => `select ${'not (a and '.repeat(n)}b${')'.repeat(n)}`],
  ]

  it.each(deep)('%s: ends in a statement, and the next one parses', (_, text) => {
    for (const depth of [100, 2_000, 20_000, 100_000]) {
      const [only] = analyses(text(depth))
      expect(only?.template.statement.kind).toBe(depth === 100 ? 'select' : 'opaque')
      expect(statementOf('select a from t where b = 1').kind).toBe('select')
    }
  })

  it('does not poison the parser', () => {
    // Each overflow would leave a little less of the WASM's stack, until nothing parses any more.
    for (let time = 0; time < 100; time++) analyses(`select ${'1 + '.repeat(20_000 + time)}1`)
    expect(statementOf('select a from t').kind).toBe('select')
  })

  it('50,000 ANDs, and the next statement', () => {
    for (const word of ['and', 'or']) {
      const text = `select a from t where ${`b = 1 ${word} `.repeat(50_000)} c = 2`
      expect(['select', 'opaque']).toContain(analysis(text).template.statement.kind)
      expect(statementOf('select a from t where b = 1').kind).toBe('select')
    }
    expect(statementOf(`select a from t where ${'b = 1 and '.repeat(2_000)} c = 2`).kind).toBe('select')
    expect(statementOf(`select a from t where b in (${'1, '.repeat(20_000)} 2)`).kind).toBe('select')
  })

  it('a long SELECT is not parsed', () => {
    const text = `select ${'a, '.repeat(90_000)} b from t`
    expect(statementOf(text)).toMatchObject({
      kind: 'opaque',
      writes: false,
      reason: expect.stringContaining('longer'),
    })
    expect(statementOf(text.repeat(2))).toMatchObject({ kind: 'opaque', writes: true })
  })
})
