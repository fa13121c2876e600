import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { scan } from '../../src/sql/lexer.js'
import type { Expr, Statement } from '../../src/sql/statement.js'
import { analyses, analysis, statementOf } from './support.js'

/** How many tokens the real parser was given in each call. */
const parsed: number[] = []
vi.mock('libpg-query', async (original) => {
  const real = await original<typeof import('libpg-query')>()
  return {
    ...real,
    parseSync: (text: string) => {
      parsed.push(scan(text).length)
      return real.parseSync(text)
    },
  }
})

/** A token costs the parser and us a microsecond or two: below this a text blocks for less than 20 ms. */
const MOST = 8 * 1024

const many = (count: number, item: (index: number) => string, separator = ', '): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(separator)

const bulk = (count: number): string => `insert into t (a, b) values ${many(count, (n) => `($${n + 1}, 'x${n}')`)}`
const listed = (count: number): string => `select a from t where b in (${many(count, (n) => `$${n + 1}`)}) and c = 5`
const updated = (count: number): string =>
  `update t set a = case ${many(count, (n) => `when id = ${n} then $${n + 1}`, ' ')} end where id in (${many(count, String)})`

beforeAll(() => loadParser())
beforeEach(() => {
  parsed.length = 0
})

function whereOf(statement: Statement): Expr | undefined {
  if (statement.kind === 'write') return statement.write.kind === 'insert' ? undefined : statement.write.where
  if (statement.kind !== 'select' || statement.query.body.kind !== 'select') throw new Error(JSON.stringify(statement))
  return statement.query.body.where
}

describe('what the parser is given', () => {
  it.each([
    ['a bulk INSERT', bulk(60_000)],
    ['a long IN', listed(60_000)],
    ['a long IN of literals', `select a from t where b in (${many(60_000, String)})`],
    ['an array', `select a from t where b = any (array[${many(60_000, (n) => `'x${n}'`)}])`],
    ['a long list of columns', `select ${many(30_000, (n) => `c${n}`)} from t`],
    ['many conditions', `select a from t where ${many(9_000, (n) => `b = ${n}`, ' or ')}`],
    ['rows that all differ', `insert into t values ${many(20_000, (n) => `(f${n}(1))`)}`],
    ['an UPDATE of many rows', updated(5_000)],
    ['more than can be cut into statements', `select ${many(150_000, () => 'a')} from t`],
    ['many statements', many(3_000, (n) => `select c${n} from t where b = ${n}`, '; ')],
    ['a long string', `select '${'x'.repeat(300_000)}'`],
  ])('is bounded for %s', (_, text) => {
    expect(scan(text).length > MOST || text.length > 256 * 1024 || text.includes(';')).toBe(true)
    analyses(text)
    // A text that fails with its literals taken out is tried once more with them.
    expect(parsed.reduce((sum, tokens) => sum + tokens, 0)).toBeLessThanOrEqual(2 * MOST)
  })

  it('is little for lists and rows, however many', () => {
    analyses(bulk(60_000))
    analyses(listed(60_000))
    expect(Math.max(...parsed)).toBeLessThan(50)
  })
})

describe('long texts', () => {
  it('of many statements end and begin transactions, and a later one is understood by itself', () => {
    const analyzer = createAnalyzer({ maxBytes: 1e8 })
    const selects = many(3_000, (n) => `select c${n} from t where b = ${n}`, '; ')
    const { statements } = analyzer.analyze(`begin; ${selects}; commit; update t set a = 1`)
    const kinds = statements.map(({ template }) => template.statement.kind)
    expect([kinds[0], kinds[1], kinds[2_999], kinds[3_001], kinds[3_002]]).toEqual([
      'transaction',
      'select',
      'opaque',
      'transaction',
      'opaque',
    ])
    expect(statements[2_999]?.template.statement).toMatchObject({ writes: false })
    expect(analyzer.analyze('select c2999 from t where b = 7').statements[0]?.template.statement.kind).toBe('select')
  })

  it('have all items of their lists', () => {
    for (const count of [10, 31, 32, 33, 5_000]) {
      const { template, literals } = analysis(
        `${listed(count)} and d in (${many(count, (n) => `${n}`)}) and e = 'last'`,
      )
      const where = whereOf(template.statement)
      if (where?.kind !== 'and') throw new Error(where?.kind)
      const [params, five, numbers, last] = where.args
      expect(params).toEqual({
        kind: 'in',
        arg: { kind: 'column', path: ['b'], star: false },
        items: Array.from({ length: count }, (_, index) => ({ kind: 'param', index })),
      })
      expect(five).toMatchObject({ kind: 'equals', right: { kind: 'literal', slot: 0 } })
      if (numbers?.kind !== 'in') throw new Error(numbers?.kind)
      expect(numbers.items.map((item) => item.kind === 'literal' && literals[item.slot]?.value)).toEqual(
        Array.from({ length: count }, (_, n) => String(n)),
      )
      expect(last).toMatchObject({ right: { kind: 'literal', slot: count + 1 } })
    }
  })

  it('have all items of their arrays, also with a cast, behind characters of several bytes', () => {
    for (const cast of ['', '::int[]']) {
      const where = whereOf(
        statementOf(`select 'é€😀' from t where "ä" = any (array[${many(40, (n) => `$${40 - n}`)}]${cast})`),
      )
      if (where?.kind !== 'in') throw new Error(where?.kind)
      const items = where.items.map((item) => (item.kind === 'cast' ? item.arg : item))
      expect(items).toEqual(Array.from({ length: 40 }, (_, n) => ({ kind: 'param', index: 39 - n })))
    }
  })

  it('say the same as short ones, whatever else is in a list', () => {
    for (const odd of ['a + 1', '-5', 'null', 'f(1)', '(select 1)', "'a'::date", '(1)']) {
      const items = [...Array.from({ length: 40 }, (_, n) => String(n)), odd]
      const where = whereOf(statementOf(`select 1 from t where b in (${items.join(', ')})`))
      expect(where?.kind === 'in' && where.items.length).toBe(41)
    }
  })

  it('with a list where none is expected are not understood', () => {
    const list = many(40, String)
    expect(statementOf(`select 1 from t where in (${list})`)).toMatchObject({ kind: 'opaque', writes: false })
    expect(statementOf(`delete from t where in (${list})`)).toMatchObject({ kind: 'opaque', writes: true })
    expect(statementOf(`select position('a' in (${many(40, String)})) from t`)).toMatchObject({
      kind: 'opaque',
      writes: false,
    })
  })

  it('a bulk INSERT says how many rows it does not list', () => {
    const bodyOf = (text: string) => {
      const statement = statementOf(text)
      const write = statement.kind === 'write' ? statement.write : undefined
      if (write?.kind !== 'insert' || write.source?.body.kind !== 'values') throw new Error(statement.kind)
      return write.source.body
    }
    expect(bodyOf(bulk(256))).toMatchObject({ rows: { length: 256 }, unlisted: 0 })
    expect(bodyOf(bulk(257))).toMatchObject({ rows: { length: 1 }, unlisted: 256 })
    expect(bodyOf(bulk(3))).toMatchObject({ rows: { length: 3 }, unlisted: 0 })
  })

  it('an UPDATE of some hundred rows by CASE is understood', () => {
    expect(statementOf(updated(300))).toMatchObject({
      kind: 'write',
      write: { kind: 'update', relation: { name: 't' } },
    })
  })

  const long = `, ${many(9_000, (n) => `c${n}`)} from t`
  it('over the bound only read what surely does not write', () => {
    const opaque = (text: string) => statementOf(text)
    expect(opaque(`select s.f(1), "G" (2), t.h, 1${long}, v where exists (select 1 from s.w)`)).toMatchObject({
      kind: 'opaque',
      writes: false,
      locks: false,
      reason: expect.stringContaining('more than 8192'),
      calls: expect.arrayContaining([{ name: 'f' }, { name: 'G' }, { name: 'h' }]),
      relations: expect.arrayContaining([{ name: 't' }, { name: 'v' }, { schema: 's', name: 'w' }]),
    })
    expect(opaque(`(select 1${long})`)).toMatchObject({ writes: false })
    expect(opaque(`select 1${long} for no key update of t`)).toMatchObject({ writes: false, locks: true })
    expect(opaque(`select 1${long} for share`)).toMatchObject({ writes: false, locks: true })
    for (const text of [
      `select 1 into u${long.replace(',', ' ,')}`,
      `with w as (delete from u returning 1) select 1${long}`,
      `with w as (update u set a = 1 returning 1) select 1${long}`,
      `with w as (insert into u values (1) returning 1) select 1${long}`,
      `update t set a = (select 1${long})`,
      `explain analyze select 1${long}`,
      `call p((select 1${long}))`,
      `select U&"\\0066"(1)${long}`,
      `select É(1)${long}`,
    ]) {
      expect(opaque(text), text.slice(0, 40)).toMatchObject({ kind: 'opaque', writes: true })
    }
  })
})
