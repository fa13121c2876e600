import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/invalidation/dependency.js'
import type { Lease, Store } from '../../src/store/store.js'
import type { StoreUnderTest } from './contract.js'
import { entry, find, hits, insert, invalidate, lease, posts, update } from './reader.js'

/** Entries that are found by their key alone, and leases that hold those of others. Part of the store contract. */
export function recalls(current: () => StoreUnderTest): void {
  let store: Store
  let other: Store
  beforeEach(() => {
    ;({ store, other } = current())
  })

  const elsewhere = find({ key: 'u', table: 'public.u', where: { a: '2' }, read: [] })

  async function begin(via: Store, key: string): Promise<Lease> {
    const recalled = await via.recall(key)
    if (recalled.kind !== 'miss') throw new Error(`${key}: expected a miss, not ${recalled.kind}`)
    return recalled.lease
  }
  const keep = async (via: Store, key: string, value = key, ttl = 60_000): Promise<void> =>
    via.write(await begin(via, key), entry(value), ttl)
  const there = async (via: Store, key: string): Promise<boolean> => (await via.recall(key)).kind === 'hit'

  describe('recall', () => {
    it('gives every process what was stored under a key, and nothing under another', async () => {
      await keep(store, 'f one', 'one')
      for (const via of [store, other]) {
        expect(await via.recall('f one')).toMatchObject({ kind: 'hit', entry: entry('one') })
        expect(await there(via, 'f two')).toBe(false)
      }
    })

    it('keeps a long text as it is', async () => {
      const long = `${'Ünï \n"😀'.repeat(1000)}\u0000`
      await keep(store, 'f long', long)
      expect(await other.recall('f long')).toMatchObject({ kind: 'hit', entry: entry(long) })
    })

    it('lets what it keeps expire', async () => {
      await keep(store, 'f', 'one', 1000)
      expect(await there(other, 'f')).toBe(true)
      await vi.waitUntil(async () => !(await there(other, 'f')), { timeout: 20_000 })
    })

    it('depends on no table, and is dropped with everything', async () => {
      await keep(store, 'f')
      await invalidate(other, insert({ a: '1' }), { kind: 'table', table: 'public.t' })
      await invalidate(other, { kind: 'database', catalog: true })
      expect(await there(store, 'f')).toBe(true)
      const early = await begin(store, 'g')
      await invalidate(other, { kind: 'everything' })
      await store.write(early, entry('old'), 60_000)
      for (const key of ['f', 'g']) expect(await there(store, key)).toBe(false)
      await keep(other, 'f', 'new')
      expect(await there(store, 'f')).toBe(true)
    })

    it('B1: what was begun before a drop is not stored after it', async () => {
      const early = [await begin(store, 'f'), await begin(other, 'f')]
      const combined = store.combine('f', [early[0] as Lease, await lease(store, posts('1'))])
      await other.drop('f')
      for (const each of [...early, combined]) {
        expect(await store.stands(each)).toBe(false)
        await store.write(each, entry('old'), 60_000)
      }
      expect(await there(store, 'f')).toBe(false)
      await keep(store, 'f', 'new')
      await keep(store, 'g')
      expect(await there(other, 'f')).toBe(true)
      await other.drop('f')
      for (const via of [store, other]) expect(await there(via, 'f')).toBe(false)
      expect(await there(store, 'g')).toBe(true)
      await other.drop('nothing')
    })

    it('what was lost is a miss, and is made anew', async () => {
      await keep(store, 'f', 'old')
      const early = await begin(store, 'g')
      await current().loseStamps()
      await other.drop('f')
      await other.drop('g')
      await store.write(early, entry('old'), 60_000)
      for (const key of ['f', 'g']) expect(await there(store, key)).toBe(false)
      await keep(store, 'f', 'new')
      expect(await other.recall('f')).toMatchObject({ kind: 'hit', entry: entry('new') })
    })
  })

  describe('combine (A21)', () => {
    const combined = async (via: Store, key: string): Promise<Lease> =>
      via.combine(key, [await begin(via, key), await lease(via, posts('1')), await lease(via, elsewhere)])

    const changes: Change[] = [
      insert({ a: '1' }),
      insert({ a: '2' }, 'public.u'),
      update({}, {}, ['b']),
      { kind: 'table', table: 'public.u' },
      { kind: 'database', catalog: false },
      { kind: 'database', catalog: true },
      { kind: 'everything' },
    ]
    it.each(changes)('falls with each of its parts: %j', async (change) => {
      const early = await combined(other, 'early')
      await store.write(await combined(store, 'f'), entry('old'), 60_000)
      await invalidate(store, insert({ a: '2' }), insert({ a: '1' }, 'public.u'))
      expect(await there(other, 'f')).toBe(true)
      expect(await other.stands(early)).toBe(true)
      await invalidate(other, change)
      expect(await other.stands(early)).toBe(false)
      await other.write(early, entry('old'), 60_000)
      for (const key of ['f', 'early']) for (const via of [store, other]) expect(await there(via, key)).toBe(false)
      await store.write(await combined(store, 'f'), entry('new'), 60_000)
      expect(await other.recall('f')).toMatchObject({ kind: 'hit', entry: entry('new') })
    })

    it('holds the stamps as they were when its parts were taken', async () => {
      const before = await lease(store, posts('1'))
      await invalidate(other, insert({ a: '1' }))
      const after = await lease(store, posts('1', 'again'))
      for (const parts of [[before], [before, after], [after, before]]) {
        const late = store.combine('f', [await begin(store, 'f'), ...parts])
        expect(await store.stands(late)).toBe(false)
        await store.write(late, entry('old'), 60_000)
        expect(await there(store, 'f')).toBe(false)
      }
      await store.write(store.combine('f', [await begin(store, 'f'), after]), entry('new'), 60_000)
      expect(await there(other, 'f')).toBe(true)
    })

    it('takes the leases of hits, and of what was combined before', async () => {
      await store.write(await lease(store, posts('1')), entry('posts'), 60_000)
      await store.write(await combined(store, 'inner'), entry('inner'), 60_000)
      const inner = await other.recall('inner')
      if (inner.kind !== 'hit') throw new Error('expected a hit')
      const outer = other.combine('outer', [await begin(other, 'outer'), await lease(other, posts('1')), inner.lease])
      await other.write(outer, entry('outer'), 60_000)
      expect(await there(store, 'outer')).toBe(true)
      await invalidate(store, insert({ a: '2' }, 'public.u'))
      for (const key of ['inner', 'outer']) expect(await there(store, key)).toBe(false)
      expect(await hits(store, posts('1'))).toBe(true)
    })

    it('falls with a key that one of its parts was taken for', async () => {
      await keep(store, 'inner')
      const inner = await store.recall('inner')
      if (inner.kind !== 'hit') throw new Error('expected a hit')
      await store.write(store.combine('outer', [await begin(store, 'outer'), inner.lease]), entry('outer'), 60_000)
      expect(await there(other, 'outer')).toBe(true)
      await other.drop('inner')
      expect(await there(store, 'outer')).toBe(false)
    })

    it('holds several databases', async () => {
      const far = { ...posts('1', 'far'), database: 'db2' }
      const both = async () =>
        store.combine('f', [await begin(store, 'f'), await lease(store, posts('1')), await lease(store, far)])
      for (const database of ['db', 'db2']) {
        await store.write(await both(), entry('f'), 60_000)
        expect(await there(other, 'f')).toBe(true)
        await other.invalidate(database, [insert({ a: '1' })])
        expect(await there(store, 'f')).toBe(false)
      }
    })

    it('A2: is not stored, nor found, while one of its tables is blocked', async () => {
      await store.write(await combined(store, 'f'), entry('f'), 60_000)
      const early = await combined(store, 'g')
      await other.block('db', ['public.u'], 'token')
      expect(await there(store, 'f')).toBe(false)
      await store.write(early, entry('old'), 60_000)
      expect(await there(store, 'g')).toBe(false)
      await other.unblock('db', 'token')
      await store.write(early, entry('old'), 60_000)
      for (const key of ['f', 'g']) expect(await there(store, key)).toBe(false)
    })

    it('does not stand with the lease of another store', async () => {
      const foreign: Lease = { key: 'foreign' }
      const mixed = store.combine('f', [await begin(store, 'f'), foreign])
      expect(await store.stands(mixed)).toBe(false)
      await store.write(mixed, entry('f'), 60_000)
      expect(await there(store, 'f')).toBe(false)
    })
  })
}
