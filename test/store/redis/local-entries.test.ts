import { expect, it } from 'vitest'
import { RedisLease } from '../../../src/store/redis/lease.js'
import { Local } from '../../../src/store/redis/local.js'
import type { Entry, ReadRequest } from '../../../src/store/store.js'

const ENTRY: Entry = { command: 'SELECT', rowCount: 1, fields: [], rows: [['1']] }
const LEASE = new RedisLease('k', 'e', ['a', 'b'], ['1', '2'], false)

function request(key: string, catalogStamp = 'c'): ReadRequest {
  return { key, database: 'db', catalogStamp, tables: [], dependencies: () => [] }
}

function keep(local: Local, key: string, names: readonly string[], life = 60_000): void {
  local.land(local.expect(request(key), names), ENTRY, LEASE, 0, life)
}

it('an entry is found until one of its stamps is dropped', () => {
  const local = new Local(1_000_000)
  keep(local, 'one', ['above', 'a'])
  keep(local, 'two', ['above', 'b'])
  expect(local.find(request('one'))).toMatchObject({ kind: 'hit', entry: ENTRY })
  local.drop(['a'])
  expect([local.find(request('one')), local.size]).toEqual([undefined, 1])
  expect(local.find(request('two'))).toBeDefined()
  local.drop(['above'])
  expect([local.size, local.bytes]).toEqual([0, 0])
})

it('A19: a reply that was on its way when a stamp was dropped is not kept', () => {
  const local = new Local(1_000_000)
  const expected = local.expect(request('one'), ['a', 'b'])
  local.drop(['b'])
  local.land(expected, ENTRY, LEASE, 0, 60_000)
  expect(local.find(request('one'))).toBeUndefined()
  const other = local.expect(request('one'), ['a', 'b'])
  local.clear()
  local.land(other, ENTRY, LEASE, 0, 60_000)
  expect(local.find(request('one'))).toBeUndefined()
})

it('the later of two replies for one key stays, and its stamps alone count', () => {
  const local = new Local(1_000_000)
  const first = local.expect(request('one'), ['a'])
  const second = local.expect(request('one'), ['b'])
  local.land(first, ENTRY, LEASE, 0, 60_000)
  local.land(second, ENTRY, LEASE, 0, 60_000)
  local.drop(['a'])
  expect(local.find(request('one'))).toBeDefined()
  local.drop(['b'])
  expect([local.find(request('one')), local.bytes]).toEqual([undefined, 0])
})

it('other definitions, and the end of its life, make it be forgotten', () => {
  const local = new Local(1_000_000)
  keep(local, 'one', ['a'])
  expect(local.find(request('one', 'other'))).toBeUndefined()
  keep(local, 'two', ['a'], 0)
  expect([local.find(request('two')), local.size, local.bytes]).toEqual([undefined, 0, 0])
})

it('the bytes are bounded, and what is hit is spared', () => {
  const local = new Local(20_000)
  keep(local, 'hot', ['a', 'hot'])
  for (let index = 0; index < 200; index++) {
    keep(local, `cold ${index}`, ['a', `${index}`])
    expect(local.find(request('hot'))).toBeDefined()
    expect(local.bytes).toBeLessThanOrEqual(20_000)
  }
  expect(local.size).toBeGreaterThan(2)
})

it('replies that never come are let go: the oldest of too many', () => {
  const local = new Local(1_000_000)
  const first = local.expect(request('first'), ['a'])
  for (let index = 0; index < 10_000; index++) local.expect(request(`${index}`), ['a'])
  local.land(first, ENTRY, LEASE, 0, 60_000)
  expect(local.find(request('first'))).toBeUndefined()
})
