import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/invalidation/dependency.js'
import type { Store } from '../../src/store/store.js'
import type { StoreUnderTest } from './contract.js'
import { entry, type Find, fill, hits, insert, invalidate, lease, posts, read, update } from './reader.js'

/** Entries and their leases. Part of the store contract. */
export function leases(current: () => StoreUnderTest): void {
  let store: Store
  let other: Store
  beforeEach(() => {
    ;({ store, other } = current())
  })

  describe('entries', () => {
    it('gives back what was stored, to every process', async () => {
      await fill(store, posts('1'), 'one')
      for (const via of [store, other]) {
        const reply = await read(via, posts('1'))
        expect(reply).toMatchObject({ kind: 'hit', entry: entry('one') })
      }
      expect(await hits(store, posts('2'))).toBe(false)
    })

    it('keeps NULL, the empty string, fields and the row count apart', async () => {
      const odd = {
        command: 'SELECT',
        rowCount: null,
        fields: [{ name: 'a', dataTypeID: 25, tableID: 7, columnID: 1, format: 'text' }],
        rows: [[null], [''], ['NULL'], ['Ünï 😀']],
      }
      await store.write(await lease(store, posts('1')), odd, 60_000)
      expect(await read(other, posts('1'))).toMatchObject({ kind: 'hit', entry: odd })
    })

    it('serves the last that was stored under a key', async () => {
      const [first, second] = [await lease(store, posts('1')), await lease(other, posts('1'))]
      await store.write(first, entry('one'), 60_000)
      await other.write(second, entry('two'), 60_000)
      expect(await read(store, posts('1'))).toMatchObject({ kind: 'hit', entry: entry('two') })
    })

    it('lets an entry expire, and does not store one without time', async () => {
      await fill(store, posts('1'), 'one', 1000)
      await fill(store, posts('2'), 'two', 60_000)
      await fill(store, posts('3'), 'three', 0)
      expect(await hits(store, posts('1'))).toBe(true)
      expect(await hits(store, posts('3'))).toBe(false)
      await vi.waitUntil(async () => !(await hits(store, posts('1'))), { timeout: 20_000 })
      expect(await hits(store, posts('2'))).toBe(true)
    })

    it('holds a read without tables until everything is dropped', async () => {
      const constant: Find = { key: 'SELECT 1', database: 'db', tables: [], dependencies: [] }
      await fill(store, constant)
      await invalidate(store, insert({ a: '1' }))
      expect(await hits(store, constant)).toBe(true)
      await invalidate(other, { kind: 'everything' })
      expect(await hits(store, constant)).toBe(false)
    })
  })

  describe('the lease (S4)', () => {
    it('B1: an entry read before a write and stored after it is never served', async () => {
      const early = await lease(store, posts('1'))
      await invalidate(other, insert({ a: '1' }))
      await store.write(early, entry('old'), 60_000)
      expect(await hits(store, posts('1'))).toBe(false)
      expect(await hits(other, posts('1'))).toBe(false)
    })

    it('B1: an entry stored before the write is dropped by it', async () => {
      const early = await lease(store, posts('1'))
      await store.write(early, entry('old'), 60_000)
      await invalidate(other, insert({ a: '1' }))
      expect(await hits(store, posts('1'))).toBe(false)
      expect(await hits(other, posts('1'))).toBe(false)
    })

    it('B1: a scheme that is registered between the write and its invalidation is found by it', async () => {
      const before = await other.schemes('db', 'public.t')
      expect(before).toEqual([])
      await fill(store, posts('1'))
      await invalidate(other, insert({ a: '1' }))
      expect(await hits(store, posts('1'))).toBe(false)
    })

    it('holds through changes that do not affect it', async () => {
      const early = await lease(store, posts('1'))
      await invalidate(other, insert({ a: '2' }), update({ a: '1' }, { a: '1' }, ['views']))
      await store.write(early, entry('still right'), 60_000)
      expect(await hits(other, posts('1'))).toBe(true)
    })

    it('tells joiners whether it still stands, before and after it was stored, and of a hit', async () => {
      const early = await lease(store, posts('1'))
      expect(await store.stands(early)).toBe(true)
      await store.write(early, entry('one'), 60_000)
      const hit = await read(store, posts('1'))
      if (hit.kind !== 'hit') throw new Error(`expected a hit, not ${hit.kind}`)
      expect(await store.stands(hit.lease)).toBe(true)
      await invalidate(other, insert({ a: '1' }))
      expect(await store.stands(early)).toBe(false)
      expect(await store.stands(hit.lease)).toBe(false)
    })

    const changes: Change[] = [
      insert({ a: '1' }),
      update({}, {}, ['b']),
      { kind: 'table', table: 'public.t' },
      { kind: 'database', catalog: false },
      { kind: 'database', catalog: true },
      { kind: 'everything' },
    ]
    it.each(changes)('falls with %j, before and after it was stored', async (change) => {
      const keys = ['k1', 'k2']
      const both = async () => [await lease(store, posts('1', 'k1')), await lease(other, posts('1', 'k2'))]
      const early = await both()
      await fill(store, posts('1', 'stored'))
      await invalidate(other, change)
      for (const each of early) {
        expect(await store.stands(each)).toBe(false)
        await store.write(each, entry('old'), 60_000)
      }
      for (const key of [...keys, 'stored']) expect(await hits(store, posts('1', key))).toBe(false)
      for (const each of await both()) await store.write(each, entry('new'), 60_000)
      for (const key of keys) expect(await hits(other, posts('1', key))).toBe(true)
    })

    it('a lease of after the write stands', async () => {
      await fill(store, posts('1'), 'old')
      await invalidate(store, insert({ a: '1' }))
      const late = await lease(store, posts('1'))
      expect(await store.stands(late)).toBe(true)
      await store.write(late, entry('new'), 60_000)
      expect(await read(other, posts('1'))).toMatchObject({ kind: 'hit', entry: entry('new') })
    })

    it('of several leases under one conj, all are gone with it', async () => {
      const [one, two] = [await lease(store, posts('1', 'k1')), await lease(other, posts('1', 'k2'))]
      await store.write(one, entry('one'), 60_000)
      await invalidate(store, insert({ a: '1' }))
      await other.write(two, entry('two'), 60_000)
      expect(await hits(store, posts('1', 'k1'))).toBe(false)
      expect(await hits(store, posts('1', 'k2'))).toBe(false)
    })
  })

  describe('lost stamps', () => {
    it('are misses: what a lease held is not stored, what is stored is not stale', async () => {
      await fill(store, posts('1'), 'old')
      const early = await lease(store, posts('2'))
      await current().loseStamps()
      await invalidate(other, insert({ a: '1' }), insert({ a: '2' }))
      await store.write(early, entry('old'), 60_000)
      expect(await hits(store, posts('1'))).toBe(false)
      expect(await hits(other, posts('2'))).toBe(false)
    })

    it('are made anew', async () => {
      await current().loseStamps()
      await fill(store, posts('1'), 'new')
      expect(await hits(other, posts('1'))).toBe(true)
    })
  })

  describe('close', () => {
    it('can be called twice', async () => {
      await fill(store, posts('1'))
      await store.close()
      await store.close()
    })
  })
}
