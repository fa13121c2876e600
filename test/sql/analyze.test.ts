import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAnalyzer, loadParser } from '../../src/sql/analyze.js'
import { ByteLru } from '../../src/sql/byte-lru.js'
import type { Expr } from '../../src/sql/statement.js'
import { transactionWords } from '../../src/sql/transaction-words.js'
import { analysis, statementOf } from './support.js'

beforeAll(() => loadParser())

describe('what is remembered', () => {
  it('a text, and the template of texts that differ in literals and comments', () => {
    const analyzer = createAnalyzer({ maxBytes: 1e6 })
    const one = analyzer.analyze('select a from t where b = 1')
    expect(analyzer.analyze('select a from t where b = 1')).toBe(one)
    const two = analyzer.analyze('  select a from t where b = 2 -- two')
    expect(two.statements[0]?.template).toBe(one.statements[0]?.template)
    expect(two.statements[0]?.literals).toEqual([{ kind: 'integer', value: '2', raw: '2' }])
    expect(analyzer.analyze("select a from t where b = '2'").statements[0]?.template).not.toBe(
      one.statements[0]?.template,
    )
  })

  it('has a hash that is the same everywhere', () => {
    const { hash, text } = analysis('select 1').template
    expect(text).toBe('select \u0001i')
    expect(hash).toMatch(/^[\w-]{22}$/)
    expect(hash).toBe(analysis('select 2').template.hash)
  })

  it('is bounded', () => {
    const analyzer = createAnalyzer({ maxBytes: 20_000 })
    const first = analyzer.analyze('select a from t0')
    for (let table = 1; table < 200; table++) analyzer.analyze(`select a from t${table}`)
    expect(analyzer.analyze('select a from t0')).not.toBe(first)
    expect(analyzer.analyze('select a from t0')).toEqual(first)
  })

  it('is not a long text', () => {
    const analyzer = createAnalyzer({ maxBytes: 1e8 })
    const text = `select a from t where b = '${'x'.repeat(70_000)}'`
    expect(analyzer.analyze(text)).not.toBe(analyzer.analyze(text))
    expect(analyzer.analyze(text).statements[0]?.template).toBe(analyzer.analyze(text).statements[0]?.template)
  })
})

describe('ByteLru', () => {
  it('drops what was not used for longest', () => {
    const lru = new ByteLru<number>(100)
    for (let key = 0; key < 10; key++) lru.set(String(key), key, 10)
    expect(lru.get('0')).toBe(0)
    lru.set('new', 11, 10)
    expect(lru.get('0')).toBe(0)
    expect(lru.get('1')).toBeUndefined()
    expect(lru.bytes).toBe(100)
    lru.set('heavy', 12, 20)
    expect(lru.get('heavy')).toBeUndefined()
    lru.set('0', 13, 5)
    expect(lru.bytes).toBe(95)
  })
})

describe('bulk inserts', () => {
  const rowsOf = (text: string): readonly (readonly Expr[])[] => {
    const statement = statementOf(text)
    if (statement.kind !== 'write' || statement.write.kind !== 'insert') throw new Error(JSON.stringify(statement))
    const body = statement.write.source?.body
    if (body?.kind !== 'values') throw new Error('no VALUES')
    return body.rows
  }

  /** What the parser says of a text that is too short to be shortened, and of one that is not. */
  const compare = (row: (n: number) => string, head = 'insert into t values', tail = '') => {
    const text = `${head} ${Array.from({ length: 20 }, (_, n) => row(n)).join(', ')} ${tail}`
    // A CTE keeps the whole text in front of the parser.
    const whole = statementOf(`with c as (select) ${text}`)
    const short = statementOf(text)
    if (whole.kind !== 'write' || short.kind !== 'write') throw new Error(`${whole.kind} ${short.kind}`)
    expect(short.write).toEqual({ ...whole.write, ctes: [] })
  }

  it('are as if the parser had read every row', () => {
    compare((n) => `($${2 * n + 1}, $${2 * n + 2})`)
    compare((n) => `(${n}, -${n}, 'x${n}', E'\\n${n}', ${n}.5, null, true, default)`)
    compare((n) => `($1, $${n + 2}::jsonb, lower('é${n}'), now() + '${n} days'::text, $${n + 2})`)
    compare((n) => (n % 3 ? `(${n}, null)` : `(null, 'ü${n}')`))
    compare(
      (n) => `(${n}, 'ä')`,
      'insert into t (a, b) values',
      "on conflict (a) do update set b = 'ß' || $1 where t.a = -3 returning 4",
    )
    compare((n) => `((select ${n}), 1)`)
    compare((n) => `(array[${n}, $${n + 1}], case when ${n} = 1 then 2 end, ${n} in (1, 2))`)
    compare((n) => `($1, $${n === 5 ? 1 : 2})`)
  })

  it('of many rows do not block for long', () => {
    const rows = Array.from(
      { length: 6_500 },
      (_, row) => `(${Array.from({ length: 10 }, (_, n) => `$${row * 10 + n + 1}`).join(',')})`,
    )
    const text = `insert into t values ${rows.join(',')}`
    // Longer than what is parsed at all: it is understood because its rows were taken away first.
    expect(text.length).toBeGreaterThan(256 * 1024)
    expect(rowsOf(text)).toHaveLength(1)
    expect(analysis(text).template.params).toBe(65_000)
  })

  it('whose rows all differ are parsed as they are, up to a bound', () => {
    const odd = (count: number) =>
      `insert into t values ${Array.from({ length: count }, (_, n) => `(a${n})`).join(',')}`
    expect(rowsOf(odd(100))).toHaveLength(100)
    expect(statementOf(odd(50_000))).toMatchObject({ kind: 'opaque', writes: true })
  })

  it('with a mistake are opaque', () => {
    const rows = Array.from({ length: 20 }, (_, n) => `(${n}, 'x'`).join('), ')
    expect(statementOf(`insert into t values ${rows}))`)).toMatchObject({ kind: 'opaque', writes: true })
    expect(statementOf(`insert into t values ${'(1, + ), '.repeat(20)} (1, +)`)).toMatchObject({
      kind: 'opaque',
      writes: true,
    })
  })
})

describe('without the parser', () => {
  const texts = ['begin isolation level serializable', 'COMMIT AND CHAIN', 'rollback to "A"', "prepare transaction 'x'"]

  it('words of transactions are told as the parser tells them', () => {
    for (const text of [
      ...texts,
      ...['begin', 'start transaction', 'begin work', 'end', 'abort', 'commit', 'commit and no chain', 'rollback'],
      ...['savepoint a', 'release savepoint a', 'release a', 'rollback work to savepoint A', "commit prepared 'x'"],
      ...["rollback prepared 'x'", 'start transaction isolation level read committed read only', 'begin read write'],
    ]) {
      expect(transactionWords(text), text).toEqual(statementOf(text))
    }
    for (const text of ['select 1', 'prepare p as select 1', 'start', ''])
      expect(transactionWords(text)).toBeUndefined()
  })

  it('analyze() throws before it is loaded', async () => {
    vi.resetModules()
    const fresh = await import('../../src/sql/analyze.js')
    const analyzer = fresh.createAnalyzer({ maxBytes: 1e6 })
    expect(() => analyzer.analyze('select 1')).toThrow('loadParser')
    await fresh.loadParser()
    expect(fresh.parserFailed()).toBeUndefined()
    expect(analyzer.analyze('select 1').statements[0]?.template.statement.kind).toBe('select')
  })

  it('everything is opaque where it cannot be loaded, but for transactions', async () => {
    vi.resetModules()
    vi.doMock('libpg-query', () => ({
      loadModule: () => Promise.reject(new Error('no WASM here')),
      parseSync: () => ({}),
    }))
    const fresh = await import('../../src/sql/analyze.js')
    await fresh.loadParser()
    vi.doUnmock('libpg-query')
    expect(fresh.parserFailed()).toContain('no WASM here')
    const analyzer = fresh.createAnalyzer({ maxBytes: 1e6 })
    const all = analyzer.analyze("begin; update t set a = 'x'; commit").statements
    expect(all.map(({ template }) => template.statement)).toMatchObject([
      { kind: 'transaction', verb: 'begin' },
      { kind: 'opaque', writes: true, reason: expect.stringContaining('no WASM here') },
      { kind: 'transaction', verb: 'commit' },
    ])
    expect(analyzer.analyze(' ').statements[0]?.template.statement.kind).toBe('empty')
    expect(analyzer.analyze("begin 'x").statements[0]?.template.statement.kind).toBe('opaque')
  })

  it('what it failed at for lack of stack is not remembered', () => {
    const analyzer = createAnalyzer({ maxBytes: 1e6 })
    const text = `select ${'f('.repeat(400)}1${')'.repeat(400)}`
    const kinds = new Set<string>()
    // At the end of the stack, and a little before it.
    const descend = (): number => {
      let depth = 0
      try {
        depth = descend() + 1
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
      if (depth === 200) kinds.add(analyzer.analyze(text).statements[0]?.template.statement.kind ?? '')
      return depth
    }
    descend()
    expect(kinds).toEqual(new Set(['opaque']))
    expect(analyzer.analyze(text).statements[0]?.template.statement.kind).toBe('select')
  })

  it('a parser that breaks is not asked again', async () => {
    vi.resetModules()
    const parseSync = vi.fn(() => {
      throw new Error('memory access out of bounds')
    })
    vi.doMock('libpg-query', () => ({ loadModule: () => Promise.resolve(), parseSync }))
    const fresh = await import('../../src/sql/analyze.js')
    await fresh.loadParser()
    vi.doUnmock('libpg-query')
    const analyzer = fresh.createAnalyzer({ maxBytes: 1e6 })
    for (const text of ['select 1', 'select 2', 'select a']) {
      expect(analyzer.analyze(text).statements[0]?.template.statement).toMatchObject({ kind: 'opaque', writes: true })
    }
    expect(parseSync).toHaveBeenCalledTimes(1)
    expect(fresh.parserFailed()).toContain('memory access')
  })
})
