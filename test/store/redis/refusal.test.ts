import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RedisProcess, type RedisStandalone, startRedis } from '../../../scripts/redis.js'
import { redis } from '../../../src/store/redis/index.js'
import type { RedisStore } from '../../../src/store/redis/store.js'
import { entry, fill, hits, insert, invalidate, lease, posts, read } from '../reader.js'

describe('a server that', () => {
  let servers: RedisStandalone
  let server: RedisProcess
  let store: RedisStore
  let other: RedisStore
  beforeEach(async () => {
    servers = await startRedis()
    server = servers.server
    store = redis(server.url, { readTimeout: '300ms' })
    other = redis(server.url)
    await Promise.all([store.catalogStamp('db'), other.catalogStamp('db')])
  })
  afterEach(async () => {
    await store.close()
    await other.close()
    await servers.stop()
  })

  const until = (holds: () => Promise<boolean>) => vi.waitUntil(holds, { timeout: 20_000, interval: 20 })

  describe('A11: refuses writes', () => {
    it('because its memory is full: serves what it has, and drops what is to be dropped', async () => {
      for (const a of ['1', '2', '3']) await fill(store, posts(a), 'old')
      const early = await lease(store, posts('4'))
      await server.ask('CONFIG', 'SET', 'maxmemory', '1')
      expect(await hits(store, posts('1'))).toBe(true)
      await expect(store.write(early, entry('x'), 60_000)).rejects.toThrow(/OOM/)
      await invalidate(other, insert({ a: '1' }))
      await expect(hits(store, posts('1'))).rejects.toThrow(/OOM/)
      expect(await hits(store, posts('2'))).toBe(true)
      await other.block('db', ['public.t'], 'token')
      expect((await read(store, posts('2'))).kind).toBe('blocked')
      await other.unblock('db', 'token')
      expect(await hits(store, posts('2'))).toBe(false)
      await invalidate(other, { kind: 'everything' })
      await server.ask('CONFIG', 'SET', 'maxmemory', '0')
      await fill(store, posts('1'), 'new')
      expect(await hits(other, posts('1'))).toBe(true)
      expect(await hits(other, posts('3'))).toBe(false)
    })

    it('for lack of replicas: an invalidation is not taken for delivered', async () => {
      await fill(store, posts('1'))
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '1')
      expect(await hits(store, posts('1'))).toBe(true)
      for (const change of [
        insert({ a: '1' }),
        { kind: 'table', table: 'public.t' },
        { kind: 'everything' },
      ] as const) {
        await expect(invalidate(other, change)).rejects.toThrow(/NOREPLICAS/)
      }
      await expect(other.block('db', ['public.t'], 'token')).rejects.toThrow(/NOREPLICAS/)
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
      await invalidate(other, insert({ a: '1' }))
      expect(await hits(store, posts('1'))).toBe(false)
    })

    it('a block that could not be put is not put later, by nobody', async () => {
      await fill(store, posts('1'))
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '1')
      await expect(store.block('db', ['public.t'], 'token')).rejects.toThrow(/NOREPLICAS/)
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
      await store.renew()
      expect((await read(store, posts('1'))).kind).toBe('hit')
    })

    it('a block that could not be taken back is taken back later', async () => {
      await store.block('db', ['public.t'], 'token')
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '1')
      await expect(store.unblock('db', 'token')).rejects.toThrow(/NOREPLICAS/)
      await server.ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
      expect((await read(other, posts('1'))).kind).toBe('blocked')
      await store.renew()
      expect((await read(other, posts('1'))).kind).toBe('miss')
    })
  })

  it('forgets its scripts is given them again', async () => {
    await fill(store, posts('1'))
    await server.ask('SCRIPT', 'FLUSH')
    await invalidate(store, insert({ a: '1' }))
    await server.ask('SCRIPT', 'FLUSH')
    await fill(store, posts('1'), 'new')
    expect(await hits(other, posts('1'))).toBe(true)
  })

  it('is flushed has nothing, and nothing of before counts', async () => {
    await fill(store, posts('1'), 'old')
    const early = await lease(store, posts('2'))
    await server.ask('FLUSHALL')
    await store.write(early, entry('old'), 60_000)
    for (const each of ['1', '2']) expect(await hits(store, posts(each))).toBe(false)
    await fill(store, posts('1'), 'new')
    await invalidate(other, insert({ a: '1' }))
    expect(await hits(store, posts('1'))).toBe(false)
  })

  it('S7: hangs costs a few reads their time, then none, and is used again when it answers', async () => {
    await fill(store, posts('1'))
    const catalogStamp = await store.catalogStamp('db')
    server.signal('SIGSTOP')
    const asked = { ...posts('1'), catalogStamp }
    const failures: string[] = []
    for (let i = 0; i < 5; i++) failures.push(await read(store, asked).then(String, (error: Error) => error.message))
    expect(failures.slice(0, 3)).toEqual(Array(3).fill('Redis did not answer within 300 ms.'))
    expect(failures.slice(3)).toEqual(
      Array(2).fill('Redis did not answer a moment ago: nothing is sent to it for a while.'),
    )
    await expect(invalidate(store, insert({ a: '1' }))).rejects.toThrow(/Redis/)
    server.signal('SIGCONT')
    await until(() => hits(store, asked).catch(() => false))
    await invalidate(store, insert({ a: '1' }))
    expect(await hits(other, posts('1'))).toBe(false)
  })

  it('S7: is gone rejects all that is asked, and is used again when it is back', async () => {
    await fill(store, posts('1'))
    const catalogStamp = await store.catalogStamp('db')
    await server.kill()
    for (let i = 0; i < 5; i++) {
      await expect(read(store, { ...posts('1'), catalogStamp })).rejects.toThrow()
      await expect(invalidate(store, insert({ a: '1' }))).rejects.toThrow()
    }
    await server.start()
    await until(() =>
      fill(store, posts('1'), 'new').then(
        () => true,
        () => false,
      ),
    )
    // Each process drops everything when it finds another server, so one may drop what the other has stored just now.
    await until(() =>
      read(other, posts('1')).then(
        () => true,
        () => false,
      ),
    )
    await fill(store, posts('1'), 'new')
    expect(await hits(other, posts('1'))).toBe(true)
  })

  it('was not there when the store was made is found when it comes', async () => {
    await server.kill()
    const early = redis(server.url)
    await expect(early.catalogStamp('db')).rejects.toThrow(/ECONNREFUSED/)
    await server.start()
    await until(() =>
      fill(early, posts('1')).then(
        () => true,
        () => false,
      ),
    )
    await early.close()
  })
})

describe('A22: processes of two versions', () => {
  let servers: RedisStandalone
  let store: RedisStore
  beforeEach(async () => {
    servers = await startRedis()
    store = redis(servers.server.url)
  })
  afterEach(async () => {
    await store.close()
    await servers.stop()
  })

  it.each([
    ['the rows', insert({ a: '1' })],
    ['the table', { kind: 'table', table: 'public.t' }],
  ] as const)('what another layout holds of a table is passed by, and dropped by a write to %s', async (_, change) => {
    await fill(store, posts('1'), 'old')
    const early = await lease(store, posts('2'))
    const key = 'cacheops:{db:public.t}:stamp'
    expect(await servers.server.ask('EXISTS', key)).toBe(':1')
    await servers.server.ask('SET', key, '2.another')
    expect(await read(store, posts('1'))).toMatchObject({
      kind: 'blocked',
      reason: expect.stringMatching(/another version.*public\.t/),
    })
    await store.write(early, entry('old'), 60_000)
    const { tables } = await invalidate(store, change)
    expect(tables).toMatchObject([{ table: 'public.t', whole: true }])
    expect(await servers.server.ask('EXISTS', key)).toBe(':0')
    for (const a of ['1', '2']) expect(await hits(store, posts(a))).toBe(false)
  })

  it('the names that never change', async () => {
    await fill(store, posts('1'))
    for (const key of [
      '{cacheops}:stamp',
      '{cacheops}:db:stamp',
      '{cacheops}:db:catalog',
      'cacheops:{db:public.t}:stamp',
    ]) {
      expect(await servers.server.ask('EXISTS', key), key).toBe(':1')
    }
  })
})
