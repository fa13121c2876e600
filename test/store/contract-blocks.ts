import { beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../src/invalidation/dependency.js'
import type { Store } from '../../src/store/store.js'
import type { StoreUnderTest } from './contract.js'
import { type Asked, entry, type Find, fill, find, hits, invalidate, lease, posts, read } from './reader.js'

/** What keeps readers away. Part of the store contract. */
export function blocks(current: () => StoreUnderTest): void {
  let store: Store
  let other: Store
  beforeEach(() => {
    ;({ store, other } = current())
  })

  describe('A2: blocks', () => {
    it.each([[['public.t']], ['database' as const]])('%j is neither read nor stored', async (what) => {
      await fill(store, posts('1'), 'old')
      const early = await lease(store, posts('2'))
      const elsewhere = find({ key: 'u', table: 'public.u', where: {}, read: [] })
      await fill(store, elsewhere)
      await store.block('db', what, 'token')
      for (const via of [store, other]) expect((await read(via, posts('1'))).kind).toBe('blocked')
      expect((await read(other, elsewhere)).kind).toBe(what === 'database' ? 'blocked' : 'hit')
      expect(await store.stands(early)).toBe(false)
      await store.write(early, entry('old'), 60_000)
      await other.unblock('db', 'another token')
      await other.unblock('another', 'token')
      expect((await read(other, posts('1'))).kind).toBe('blocked')
      await other.unblock('db', 'token')
      expect(await hits(store, posts('1'))).toBe(false)
      await store.write(early, entry('old'), 60_000)
      expect(await store.stands(early)).toBe(false)
      expect(await hits(store, posts('2'))).toBe(false)
      await fill(store, posts('1'), 'new')
      expect(await hits(other, posts('1'))).toBe(true)
    })

    it('is lifted by no invalidation', async () => {
      await store.block('db', ['public.t'], 'token')
      const changes: Change[] = [
        { kind: 'table', table: 'public.t' },
        { kind: 'database', catalog: true },
        { kind: 'everything' },
      ]
      for (const change of changes) {
        await invalidate(other, change)
        expect((await read(other, posts('1'))).kind).toBe('blocked')
      }
    })

    it('holds until the last token is gone; a token that blocks twice blocks the sum', async () => {
      await store.block('db', ['public.t'], 'one')
      await other.block('db', ['public.t', 'public.u'], 'two')
      await store.block('db', ['public.v'], 'one')
      const kinds = async () => {
        const tables = ['t', 'u', 'v', 'w'].map((each) =>
          find({ key: each, table: `public.${each}`, where: {}, read: [] }),
        )
        return Promise.all(tables.map(async (each) => (await read(store, each)).kind))
      }
      expect(await kinds()).toEqual(['blocked', 'blocked', 'blocked', 'miss'])
      await store.unblock('db', 'two')
      expect(await kinds()).toEqual(['blocked', 'miss', 'blocked', 'miss'])
      await other.unblock('db', 'one')
      expect(await kinds()).toEqual(['miss', 'miss', 'miss', 'miss'])
    })

    it('blocks no other database', async () => {
      const there: Find = { ...posts('1', 'there'), database: 'db2' }
      await fill(store, there)
      await store.block('db', 'database', 'token')
      expect(await hits(store, there)).toBe(true)
    })
  })

  describe('A7: the catalog stamp', () => {
    it('is one for all processes, and another after a change of the catalog', async () => {
      const stamp = await store.catalogStamp('db')
      expect(await other.catalogStamp('db')).toBe(stamp)
      expect(await store.catalogStamp('db2')).not.toBe(stamp)
      await invalidate(other, { kind: 'database', catalog: false })
      expect(await store.catalogStamp('db')).toBe(stamp)
      await invalidate(other, { kind: 'database', catalog: true })
      expect(await store.catalogStamp('db')).not.toBe(stamp)
    })

    it('a reader with an older catalog is told so, though the entry is there', async () => {
      const old: Asked = { ...posts('1'), catalogStamp: await store.catalogStamp('db') }
      await fill(store, old)
      expect((await read(store, old)).kind).toBe('hit')
      await invalidate(other, { kind: 'database', catalog: true })
      expect((await read(store, old)).kind).toBe('stale-catalog')
      expect(await hits(store, posts('1'))).toBe(false)
      await fill(other, posts('1'))
      expect((await read(store, old)).kind).toBe('stale-catalog')
    })

    it('an unknown one is stale, also where the store knows nothing of the database', async () => {
      expect((await read(store, { ...posts('1'), database: 'new', catalogStamp: 'x' })).kind).toBe('stale-catalog')
    })

    it('a lease of the old catalog is not stored', async () => {
      const early = await lease(store, posts('1'))
      await invalidate(other, { kind: 'database', catalog: true })
      await store.write(early, entry('old'), 60_000)
      expect(await hits(store, posts('1'))).toBe(false)
    })
  })
}
