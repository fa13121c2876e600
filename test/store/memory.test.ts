import { describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../src/base/errors.js'
import type { Change } from '../../src/invalidation/dependency.js'
import { type MemoryStore, memory } from '../../src/store/memory.js'
import { storeContract } from './contract.js'
import { entry, fill, find, hits, lease, read } from './reader.js'

storeContract('memory', (options) => {
  const store = memory({ maxBytes: 64 * 1024, ...options })
  return { store, other: store, loseStamps: () => crowd(store), end: () => store.close() }
})

/** Reads that are dropped, and entries, until those that were there before have made room. */
function crowd(store: MemoryStore): void {
  for (let i = 0; i < 400; i++) {
    const value = String(i)
    const asked = find({ key: `crowd ${value}`, table: 'public.crowd', where: { a: value }, read: [] })
    const { database, tables, dependencies } = asked
    const catalogStamp = store.catalogStamp(database)
    for (const key of [asked.key, `${asked.key} again`]) {
      const reply = store.read({ key, database, tables, catalogStamp, dependencies: () => dependencies })
      if (reply.kind === 'miss' && i % 2 === 0) store.write(reply.lease, entry(value.repeat(50)), 60_000)
    }
  }
}

const byA = (a: string, key = `a=${a}`) => find({ key, where: { a }, read: ['b'] })
const insert = (a: string): Change => ({
  kind: 'rows',
  table: 'public.t',
  before: undefined,
  after: { values: new Map([['a', a]]) },
  columns: undefined,
})
const alive = (store: MemoryStore) => [...store.entries()].filter((each) => each.alive).map(({ key }) => key)

describe('memory', () => {
  it('answers at once, and shares the entry and the reply of a hit', async () => {
    const store = memory()
    const kept = entry('one')
    const stamp = store.catalogStamp('db')
    const { key, database, tables, dependencies } = byA('1')
    const request = { key, database, tables, catalogStamp: stamp, dependencies: vi.fn(() => dependencies) }
    const miss = store.read(request)
    if (miss.kind !== 'miss') throw new Error(miss.kind)
    store.write(miss.lease, kept, 1000)
    request.dependencies.mockClear()
    const hit = store.read(request)
    expect(hit.kind === 'hit' && hit.entry).toBe(kept)
    expect(store.read(request)).toBe(hit)
    expect(request.dependencies).not.toHaveBeenCalled()
  })

  it('refuses options that cannot be', () => {
    for (const wrong of [0, -1, Number.NaN, '64' as unknown as number]) {
      expect(() => memory({ maxBytes: wrong })).toThrow(ConfigError)
      expect(() => memory({ maxSchemes: wrong })).toThrow(/maxSchemes/)
    }
  })

  it('does not take the lease of another store', async () => {
    const [one, two] = [memory(), memory()]
    const foreign = await lease(one, byA('1'))
    expect(two.stands(foreign)).toBe(false)
    two.write(foreign, entry('one'), 1000)
    expect(two.stats().entries).toBe(0)
    one.write({ key: 'k' }, entry('one'), 1000)
    expect(one.stats().entries).toBe(0)
  })

  it('S8: keeps databases apart though a key should not name its own', async () => {
    const store = memory()
    await fill(store, byA('1', 'same'))
    expect(await hits(store, { ...byA('1', 'same'), database: 'db2' })).toBe(false)
  })

  it('expires by the monotonic clock', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    try {
      const store = memory()
      await fill(store, byA('1'), 'one', 1000)
      vi.setSystemTime(Date.now() + 3_600_000)
      expect(alive(store)).toEqual(['a=1'])
      vi.advanceTimersByTime(999)
      expect(await hits(store, byA('1'))).toBe(true)
      vi.advanceTimersByTime(1)
      expect(alive(store)).toEqual([])
      expect(await hits(store, byA('1'))).toBe(false)
      expect(store.stats().entries).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('A4: engines that share it do not end each other: close drops all, keeps the blocks, and it can be used again', async () => {
    const store = memory()
    await fill(store, byA('1'))
    const early = await lease(store, byA('2'))
    const stamp = store.catalogStamp('db')
    store.block('db2', ['public.t'], 'token')
    store.close()
    expect(store.stats()).toMatchObject({ entries: 0, bytes: 0 })
    expect(store.catalogStamp('db')).not.toBe(stamp)
    store.write(early, entry('old'), 1000)
    expect(await hits(store, byA('2'))).toBe(false)
    expect((await read(store, { ...byA('1'), database: 'db2' })).kind).toBe('blocked')
    await fill(store, byA('1'))
    expect(await hits(store, byA('1'))).toBe(true)
  })
})

describe('memory: bounds (B10)', () => {
  it('stays within its bytes, whatever is stored, read, invalidated and dropped', async () => {
    const maxBytes = 100_000
    const store = memory({ maxBytes })
    for (let i = 0; i < 3000; i++) {
      const value = String((i * 7919) % 500)
      if (i % 3 === 0) await lease(store, byA(`${value}x`))
      await fill(store, byA(value, `key ${i % 700}`), 'x'.repeat(i % 900))
      if (i % 11 === 0) store.invalidate('db', [insert(value)])
      if (i % 401 === 0) store.invalidate('db', [{ kind: 'table', table: 'public.t' }])
      expect(store.stats().bytes).toBeLessThanOrEqual(maxBytes)
    }
    expect(store.stats().evictions).toBeGreaterThan(0)
    expect(store.stats().entries).toBeGreaterThan(20)
  })

  it('counts nothing when nothing is left', async () => {
    const store = memory()
    for (let i = 0; i < 50; i++) await fill(store, byA(String(i)))
    await fill(store, byA('1', 'again'))
    expect(store.stats()).toMatchObject({ entries: 51, stamps: 1 + 2 + 1 + 1 + 50 })
    for (let i = 0; i < 50; i++) {
      store.invalidate('db', [insert(String(i))])
      await lease(store, byA(String(i))) // the dead entry goes, a new stamp comes
    }
    await lease(store, byA('1', 'again'))
    store.invalidate(
      'db',
      Array.from({ length: 50 }, (_, i) => insert(String(i))),
    )
    expect(store.stats()).toMatchObject({ entries: 0, bytes: 0, stamps: 1 + 2 + 1 + 1, evictions: 0 })
  })

  it('does not keep what is larger than all its room', async () => {
    const store = memory({ maxBytes: 20_000 })
    await fill(store, byA('1'))
    await fill(store, byA('2'), 'x'.repeat(10_000))
    expect(alive(store)).toEqual(['a=1'])
  })

  it('makes room by what is dead, then by what nobody hits', async () => {
    const store = memory({ maxBytes: 50_000 })
    await fill(store, byA('hot'))
    await fill(store, byA('dead'))
    for (let i = 0; i < 1000; i++) {
      if (i === 5) store.invalidate('db', [insert('dead')])
      await fill(store, byA(`cold ${i}`), 'x'.repeat(500))
      expect(await hits(store, byA('hot'))).toBe(true)
      expect(await hits(store, byA(`cold ${i}`))).toBe(true)
    }
    expect([...store.entries()].map(({ key }) => key)).not.toContain('a=dead')
    expect(store.stats().entries).toBeGreaterThan(15)
  })

  it('S4: leases that are dropped without a write leave stamps within a bound; a lease that lost its stamp is not stored', async () => {
    const store = memory({ maxBytes: 100_000 })
    const early = await lease(store, byA('early'))
    for (let i = 0; i < 10_000; i++) await lease(store, byA(String(i)))
    expect(store.stats().stamps).toBeLessThan(200)
    expect(store.stands(early)).toBe(false)
    store.write(early, entry('old'), 1000)
    expect(store.stats().entries).toBe(0)
    const late = await lease(store, byA('late'))
    store.write(late, entry('new'), 1000)
    expect(alive(store)).toEqual(['a=late'])
  })

  it('forgets schemes that hold nothing when a table has too many', async () => {
    const store = memory({ maxSchemes: 2 })
    for (const column of ['a', 'b']) await fill(store, find({ key: column, where: { [column]: '1' }, read: [] }))
    store.invalidate('db', [
      { kind: 'rows', table: 'public.t', before: undefined, after: { values: new Map() }, columns: undefined },
    ])
    await fill(store, find({ key: 'c', where: { c: '1' }, read: [] }))
    expect(store.schemes('db', 'public.t').map(({ compared }) => compared)).toEqual([['c']])
  })
})

describe('memory: the cost of an invalidation', () => {
  /** How often the stamps of a store's entries are looked at or changed while `work` runs, counted by the Map's own calls. */
  function operations(work: () => void): number {
    let count = 0
    const spies = (['get', 'set', 'delete', 'has'] as const).map((name) => {
      const original = Map.prototype[name] as (...args: unknown[]) => unknown
      return vi.spyOn(Map.prototype, name).mockImplementation(function (
        this: Map<unknown, unknown>,
        ...args: unknown[]
      ) {
        count++
        return original.apply(this, args)
      } as never)
    })
    try {
      work()
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
    return count
  }

  async function filled(entries: number): Promise<MemoryStore> {
    const store = memory({ maxBytes: 1e9 })
    for (let i = 0; i < entries; i++) await fill(store, byA('1', `key ${i}`))
    expect(store.stats().entries).toBe(entries)
    return store
  }

  it.each([
    ['a row', [insert('1')]],
    [
      'a scheme',
      [{ kind: 'rows', table: 'public.t', before: undefined, after: { values: new Map() }, columns: undefined }],
    ],
    ['a table', [{ kind: 'table', table: 'public.t' }]],
    ['a database', [{ kind: 'database', catalog: true }]],
  ] as [string, Change[]][])('of %s is the same for 10,000 entries under one conj as for one', async (_, changes) => {
    const [one, many] = [await filled(1), await filled(10_000)]
    const [few, lots] = [one, many].map((store) => operations(() => store.invalidate('db', changes)))
    expect(lots).toBe(few)
    expect(lots).toBeLessThan(20)
    expect(alive(many)).toEqual([])
    expect(many.stats().entries).toBe(10_000) // they die when they are met, or when room is needed
  })

  it('of a row does not grow with the conjs of a scheme either', async () => {
    const store = memory({ maxBytes: 1e9 })
    for (let i = 0; i < 5000; i++) await fill(store, byA(String(i)))
    expect(operations(() => store.invalidate('db', [insert('7')]))).toBeLessThan(20)
    expect(alive(store)).toHaveLength(4999)
  })
})
