import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startCluster } from '../../../scripts/redis.js'
import { conjKey } from '../../../src/invalidation/scheme.js'
import { Names } from '../../../src/store/redis/names.js'
import { placesBySlot, slotOf } from '../../../src/store/redis/slot.js'

/** Names as databases and users give them, and what has a meaning in keys. */
const name = fc.string({
  unit: fc.constantFrom('a', 'b', ':', '.', '/', '%', '{', '}', '25', '7b', 'ü', '\ud800', '-', '#'),
})

function keysOf(names: Names, database: string, table: string, scheme: string, values: readonly (string | null)[]) {
  const above = names.database(database)
  const of = names.table(database, table)
  return [
    above.stamp,
    above.catalog,
    above.blocks,
    of.stamp,
    of.registry,
    of.blocks,
    of.scheme(scheme),
    of.conj(scheme, conjKey(values)),
  ]
}

describe('names of keys', () => {
  it('two things never have one name', () => {
    const names = new Names('p')
    const thing = fc.tuple(
      name,
      name,
      fc.constantFrom('A'.repeat(43), 'B'.repeat(43)),
      fc.array(fc.option(name), { maxLength: 3 }),
    )
    const owners = new Map<string, string>()
    fc.assert(
      fc.property(thing, ([database, table, scheme, values]) => {
        const parts = [
          [database],
          [database],
          [database],
          [database, table],
          [database, table],
          [database, table],
          [database, table, scheme],
          [database, table, scheme, values],
        ]
        keysOf(names, database, table, scheme, values).forEach((key, kind) => {
          const owner = JSON.stringify([kind, parts[kind]])
          expect(owners.get(key) ?? owner).toBe(owner)
          owners.set(key, owner)
        })
      }),
      { numRuns: 3000 },
    )
  })

  it('long values are hashed, and two of them stay two', () => {
    const names = new Names('p').table('db', 'public.t')
    const long = (end: string) => names.conj('s', conjKey([`${'x'.repeat(250)}${end}`]))
    expect(long('a').length).toBeLessThan(80)
    expect(long('a')).not.toBe(long('b'))
  })

  it('all keys of one table are in one slot of a cluster, and all above the tables in another', async () => {
    const cluster = await startCluster()
    try {
      const names = new Names('p')
      const keys = keysOf(names, 'db:1', 'public.{t}', 'A'.repeat(43), ['{x}', null])
      const { stamp, entry } = names.recalled('f')
      const all = [
        names.global,
        names.servers,
        names.database('db:1').token('t'),
        ...keys,
        names.entry('x'),
        stamp,
        entry,
        'a{}b',
        '{',
        '}{x',
        'ü{ö}',
      ]
      for (const key of all) {
        expect(await cluster.processes[0]?.ask('CLUSTER', 'KEYSLOT', key), key).toBe(`:${slotOf(key)}`)
      }
      for (const places of placesBySlot(all)) {
        expect(new Set(places.map((place) => slotOf(all[place] as string))).size).toBe(1)
      }
      expect(new Set(keys.slice(3).map(slotOf)).size).toBe(1)
      expect(new Set([names.global, names.servers, ...keys.slice(0, 3)].map(slotOf)).size).toBe(1)
      expect(slotOf(stamp)).toBe(slotOf(entry))
    } finally {
      await cluster.stop()
    }
  })
})
