import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affected } from '../../src/invalidation/affected.js'
import { LONGEST_TEXT, UNKEYED } from '../../src/invalidation/canonical.js'
import type { RowChange, RowImage } from '../../src/invalidation/dependency.js'
import { conjKey, makeScheme } from '../../src/invalidation/scheme.js'
import { COLUMNS, dependencyOf, imageOf, type Query, type Row, resultOf, TABLE } from './model.js'

function image(values: Record<string, string | null>): RowImage {
  return { values: new Map(Object.entries(values)) }
}

function change(
  before: Record<string, string | null> | undefined,
  after: Record<string, string | null> | undefined,
  columns?: readonly string[],
): RowChange {
  return { kind: 'rows', table: TABLE, before: before && image(before), after: after && image(after), columns }
}

const byA = makeScheme(TABLE, ['a'], ['a', 'b'])
const list = makeScheme(TABLE, [], ['b'])
const count = makeScheme(TABLE, [], [])
const star = makeScheme(TABLE, ['a'], undefined)
const a1 = { kind: 'conjs', keys: [conjKey(['1'])] }
const anyRow = { kind: 'conjs', keys: [''] }

describe('affected', () => {
  it('is met by the one image of an insert or a delete, whatever the columns say', () => {
    expect(affected(change(undefined, { a: '1' }), byA)).toEqual(a1)
    expect(affected(change({ a: '1' }, undefined, []), byA)).toEqual(a1)
    expect(affected(change(undefined, {}), count)).toEqual(anyRow)
  })

  it('is met before and after an update that moves the row', () => {
    const moved = affected(change({ a: '1' }, { a: null }, ['a']), byA)
    expect(moved).toEqual({ kind: 'conjs', keys: [conjKey(['1']), conjKey([null])] })
  })

  it('gives one key where the row stays', () => {
    expect(affected(change({ a: '1' }, { a: '1' }, ['b']), byA)).toEqual(a1)
  })

  it('is none where nothing that is read has changed', () => {
    expect(affected(change({}, {}, ['views']), byA)).toEqual({ kind: 'none' })
    expect(affected(change({}, {}, ['views']), list)).toEqual({ kind: 'none' })
    expect(affected(change({}, {}, ['b']), count)).toEqual({ kind: 'none' })
    expect(affected(change({}, {}, undefined), count)).toEqual({ kind: 'none' })
  })

  it('is none for another table', () => {
    expect(affected(change({}, {}), makeScheme('public.u', [], undefined))).toEqual({ kind: 'none' })
  })

  it('A9: reaches who reads everything, though no column is said to have changed', () => {
    expect(affected(change({ a: '1' }, { a: '1' }, []), star)).toEqual(a1)
  })

  it('sees in the images that a column has not changed', () => {
    const same = { a: '1', b: 'x' }
    expect(affected(change(same, same), byA)).toEqual({ kind: 'none' })
    expect(affected(change(same, same, ['b']), list)).toEqual({ kind: 'none' })
    expect(affected(change(same, { ...same, b: null }), byA)).toEqual(a1)
  })

  it('does not take two values that have no key for the same', () => {
    expect(affected(change({ a: '1', b: UNKEYED }, { a: '1', b: UNKEYED }), byA)).toEqual(a1)
  })

  it('takes a column that cannot have changed from the other image', () => {
    expect(affected(change({}, { a: '1' }, ['b']), byA)).toEqual(a1)
    expect(affected(change({ a: '1' }, {}, ['b']), byA)).toEqual(a1)
    expect(affected(change({}, { a: '1' }, ['a']), byA)).toEqual({ kind: 'scheme' })
    expect(affected(change({}, { a: '1' }, undefined), byA)).toEqual({ kind: 'scheme' })
  })

  it('is the scheme where a compared column is unknown', () => {
    const both = makeScheme(TABLE, ['a', 'b'], [])
    expect(affected(change({ a: '1' }, undefined), both)).toEqual({ kind: 'scheme' })
    expect(affected(change(undefined, undefined), both)).toEqual({ kind: 'scheme' })
  })

  it('is not met by an image with a value that equals no key', () => {
    const both = makeScheme(TABLE, ['a', 'b'], [])
    expect(affected(change({ b: UNKEYED }, undefined), both)).toEqual({ kind: 'none' })
    expect(affected(change({ a: UNKEYED }, { a: '1' }), byA)).toEqual(a1)
    expect(affected(change({ a: UNKEYED }, undefined), list)).toEqual(anyRow)
  })
})

describe('affected, against a model', () => {
  const value = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('1', '2', null) },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(LONGEST_TEXT + 1), '\uFEFF1') },
  )
  const row = fc.record({ a: value, b: value, c: value, d: value })
  const columns = fc.subarray([...COLUMNS])
  const query: fc.Arbitrary<Query> = fc.record({
    where: fc.record({ a: value, b: value, c: value }, { requiredKeys: [] }),
    read: fc.option(columns, { nil: undefined }),
  })
  const write = fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), row }),
    fc.record({ kind: fc.constant('delete' as const), ids: fc.subarray([0, 1, 2, 3], { minLength: 1 }) }),
    fc.record({
      kind: fc.constant('update' as const),
      ids: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      set: fc.record({ a: value, b: value, c: value, d: value }, { requiredKeys: [] }),
      /** More columns than were set, or no word of the columns at all. */
      also: fc.option(columns, { nil: undefined }),
    }),
  )
  const seen = fc.oneof(fc.constant([...COLUMNS]), columns)

  it('S2: whatever changes the result of a read affects its dependency', () => {
    let changed = 0
    fc.assert(
      fc.property(fc.array(row, { minLength: 4, maxLength: 4 }), query, write, seen, seen, (rows, read, done, s, t) => {
        const before = new Map(rows.map((each, id) => [id, each]))
        const after = new Map<number, Row>(before)
        let told: RowChange
        if (done.kind === 'insert') {
          after.set(9, done.row)
          told = { kind: 'rows', table: TABLE, before: undefined, after: imageOf([done.row], t), columns: undefined }
        } else {
          const old = done.ids.map((id) => before.get(id) as Row)
          for (const id of done.ids) {
            if (done.kind === 'delete') after.delete(id)
            else after.set(id, { ...(before.get(id) as Row), ...done.set })
          }
          told =
            done.kind === 'delete'
              ? { kind: 'rows', table: TABLE, before: imageOf(old, s), after: undefined, columns: undefined }
              : {
                  kind: 'rows',
                  table: TABLE,
                  before: imageOf(old, s),
                  after: imageOf(
                    done.ids.map((id) => after.get(id) as Row),
                    t,
                  ),
                  columns: done.also && [...new Set([...Object.keys(done.set), ...done.also])],
                }
        }
        if (resultOf(read, before) === resultOf(read, after)) return
        changed++
        const { scheme, values } = dependencyOf(read)
        const met = affected(told, scheme)
        if (met.kind === 'conjs') expect(met.keys).toContain(conjKey(values))
        else expect(met.kind).toBe('scheme')
      }),
      { numRuns: 20_000 },
    )
    expect(changed).toBeGreaterThan(1000)
  })

  it('is exact for one row whose images are known: at most two keys, and none where no column read has changed', () => {
    const short = fc.constantFrom('1', '2', null)
    const known = fc.record({ a: short, b: short, c: short, d: short })
    fc.assert(
      fc.property(known, known, query, (before, after, read) => {
        const { scheme } = dependencyOf(read)
        const columns = COLUMNS.filter((column) => before[column] !== after[column])
        const met = affected(
          { kind: 'rows', table: TABLE, before: imageOf([before], COLUMNS), after: imageOf([after], COLUMNS), columns },
          scheme,
        )
        if (scheme.read?.every((column) => !(columns as string[]).includes(column))) expect(met.kind).toBe('none')
        else expect(met.kind).toBe('conjs')
        if (met.kind === 'conjs') expect(met.keys.length).toBeLessThanOrEqual(2)
      }),
    )
  })
})
