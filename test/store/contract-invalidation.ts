import { beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../src/invalidation/dependency.js'
import { makeScheme } from '../../src/invalidation/scheme.js'
import type { Store } from '../../src/store/store.js'
import type { MakeStore, StoreUnderTest } from './contract.js'
import { entry, type Find, fill, find, hits, insert, invalidate, lease, posts, update } from './reader.js'

/** What a change drops. Part of the store contract. */
export function invalidation(current: () => StoreUnderTest, makeStore: MakeStore): void {
  let store: Store
  let other: Store
  beforeEach(() => {
    ;({ store, other } = current())
  })

  describe('invalidation', () => {
    it('drops what a change affects and nothing else, and says what it was', async () => {
      const all = find({ key: 'all', where: {}, read: ['b'] })
      const count = find({ key: 'count', where: {}, read: [] })
      const elsewhere = find({ key: 'u', table: 'public.u', where: { a: '1' }, read: undefined })
      const finds = [posts('1'), posts('2'), posts(null), all, count, elsewhere]
      const left = async () => {
        const hit: string[] = []
        for (const each of finds) if (await hits(other, each)) hit.push(each.key)
        return hit
      }
      for (const each of finds) await fill(store, each)
      const one = await invalidate(store, update({ a: '1', b: 'x' }, { a: '1', b: 'y' }))
      expect(one.tables).toEqual([{ table: 'public.t', schemes: 0, conjs: 2, whole: false }])
      expect(await left()).toEqual(['posts a=2', 'posts a=null', 'count', 'u'])

      for (const each of finds) await fill(store, each)
      await invalidate(store, update({ a: '1' }, { a: null }))
      expect(await left()).toEqual(['posts a=2', 'count', 'u'])

      for (const each of finds) await fill(store, each)
      await invalidate(store, insert({ a: null }))
      expect(await left()).toEqual(['posts a=1', 'posts a=2', 'u'])

      for (const each of finds) await fill(store, each)
      const unknown = await invalidate(store, update({}, {}, ['b']))
      expect(unknown.tables).toMatchObject([{ table: 'public.t', schemes: 1, whole: false }])
      expect(await left()).toEqual(['count', 'u'])

      for (const each of finds) await fill(store, each)
      const whole = await invalidate(store, { kind: 'table', table: 'public.t' })
      expect(whole.tables).toMatchObject([{ table: 'public.t', schemes: 3, whole: true }])
      expect(await left()).toEqual(['u'])

      for (const each of finds) await fill(store, each)
      await invalidate(store, { kind: 'database', catalog: false })
      expect(await left()).toEqual([])

      for (const each of finds) await fill(store, each)
      await store.invalidate('another', [{ kind: 'everything' }])
      expect(await left()).toEqual([])
    })

    it('has nothing to say where there was nothing', async () => {
      const dropped = async (...changes: Change[]) => (await invalidate(store, ...changes)).tables
      expect(await dropped(insert({ a: '1' }), { kind: 'table', table: 'public.t' })).toEqual([])
      await fill(store, posts('1'))
      expect(await dropped(insert({ a: '2' }))).toEqual([])
      await invalidate(store, insert({ a: '1' }))
      expect(await dropped(insert({ a: '1' }))).toEqual([])
    })

    it('drops a read of several tables by each of them', async () => {
      const parts = [posts('1'), find({ key: 'u', table: 'public.u', where: { a: '2' }, read: [] })]
      const join: Find = {
        key: 'join',
        database: 'db',
        tables: ['public.t', 'public.u'],
        dependencies: parts.flatMap(({ dependencies }) => dependencies),
      }
      for (const change of [insert({ a: '1' }), insert({ a: '2' }, 'public.u')]) {
        await fill(store, join)
        await invalidate(store, insert({ a: '2' }), insert({ a: '1' }, 'public.u'))
        expect(await hits(store, join)).toBe(true)
        await invalidate(store, change)
        expect(await hits(store, join)).toBe(false)
      }
    })

    it('names the schemes in use', async () => {
      await fill(store, posts('1'))
      await fill(store, find({ key: 'all', where: {}, read: undefined }))
      const ids = (await other.schemes('db', 'public.t')).map(({ id }) => id)
      const expected = [makeScheme('public.t', ['a'], ['b']).id, makeScheme('public.t', [], undefined).id]
      expect(ids.sort()).toEqual(expected.sort())
      expect(await store.schemes('db', 'public.u')).toEqual([])
      expect(await store.schemes('another', 'public.t')).toEqual([])
    })
  })

  describe('A1: registration is proved', () => {
    it('a reader of a scheme that was registered under a table stamp that is gone registers it again', async () => {
      await fill(store, posts('1'), 'one') // scheme A, and its memo in this process
      await invalidate(other, { kind: 'table', table: 'public.t' })
      await fill(other, find({ key: 'B', where: { b: '1' }, read: ['b'] })) // another process registers B
      await fill(store, posts('1'), 'two') // finds A's old conj stamp, if the store kept it
      expect(await hits(store, posts('1'))).toBe(true)
      await invalidate(other, insert({ a: '1', b: '2' })) // walks the registry
      expect(await hits(store, posts('1'))).toBe(false)
      expect(await hits(other, posts('1'))).toBe(false)
    })

    it('a lease taken under the old table stamp is not stored under the new one', async () => {
      const early = await lease(store, posts('1'))
      await invalidate(other, { kind: 'table', table: 'public.t' })
      await fill(other, find({ key: 'B', where: { b: '1' }, read: ['b'] }))
      await invalidate(other, insert({ a: '1', b: '2' })) // A is not registered, and nothing hears of it
      await store.write(early, entry('old'), 60_000)
      expect(await hits(store, posts('1'))).toBe(false)
    })

    it('holds when the database stamp was replaced', async () => {
      await fill(store, posts('1'), 'one')
      await invalidate(other, { kind: 'database', catalog: false })
      await fill(other, find({ key: 'B', where: { b: '1' }, read: ['b'] }))
      await fill(store, posts('1'), 'two')
      await invalidate(other, insert({ a: '1', b: '2' }))
      expect(await hits(store, posts('1'))).toBe(false)
    })
  })

  describe('A4: several databases', () => {
    it('do not hear of each other', async () => {
      const there: Find = { ...posts('1', 'there'), database: 'db2' }
      await fill(store, posts('1', 'here'), 'here')
      await fill(store, there, 'there')
      await store.invalidate('db2', [insert({ a: '1' })])
      expect(await hits(store, posts('1', 'here'))).toBe(true)
      expect(await hits(store, there)).toBe(false)
      await fill(store, there, 'there')
      for (const change of [
        { kind: 'table', table: 'public.t' },
        { kind: 'database', catalog: true },
      ] as const) {
        await invalidate(store, change)
        expect(await hits(store, there)).toBe(true)
      }
      expect(await hits(store, posts('1', 'here'))).toBe(false)
    })
  })

  describe('bounds', () => {
    it('over the most schemes of a table, further ones are any row of the table', async () => {
      const small = await makeStore({ maxSchemes: 2 })
      try {
        const finds = ['a', 'b', 'c', 'd'].map((column) => find({ key: column, where: { [column]: '1' }, read: [] }))
        for (const each of finds) await fill(small.store, each)
        expect((await small.store.schemes('db', 'public.t')).length).toBeLessThanOrEqual(3)
        const alive = async () => Promise.all(finds.map((each) => hits(small.other, each)))
        expect(await alive()).toEqual([true, true, true, true])
        await small.other.invalidate('db', [update({}, {}, ['z'])])
        expect(await alive()).toEqual([true, true, false, false])
        for (const each of finds) await fill(small.store, each)
        await small.other.invalidate('db', [insert({ a: '2', b: '2', c: '1', d: '2' })])
        expect(await alive()).toEqual([true, true, false, false])
      } finally {
        await small.end()
      }
    })

    it('counts what it has', async () => {
      await fill(store, posts('1'))
      const { entries, bytes, stamps, evictions } = await store.stats()
      for (const number of [entries, bytes, stamps, evictions]) expect(number).toBeGreaterThanOrEqual(0)
    })
  })
}
