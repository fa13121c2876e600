import { AsyncLocalStorage } from 'node:async_hooks'
import { cachedPg } from 'cacheops/pg'
import pg from 'pg'
import { beforeEach, expect, it } from 'vitest'
import { allCached, useDatabase } from './support.js'

const database = useDatabase('context')
const caller = new AsyncLocalStorage<string>()
const READ = 'SELECT id, title FROM posts ORDER BY id'

beforeEach(() => database.reset())

function open(options: Parameters<typeof allCached>[0] = {}, max = 1) {
  const cacheops = allCached(options)
  const wrapped = cachedPg(cacheops, pg)
  const pool = new wrapped.Pool({ connectionString: database.url, max })
  return { cacheops, wrapped, pool }
}

it("S9: callbacks and continuations come in their caller's context, whoever released the connection", async () => {
  const { pool, wrapped } = open()
  const client = new wrapped.Client({ connectionString: database.url })
  await client.connect()
  const seen: [string, string | undefined][] = []
  const texts = [
    READ,
    'UPDATE posts SET views = views + 1 WHERE id = 1',
    READ,
    'SELECT nothing',
    'SELECT count(*) FROM posts',
  ]
  const run = (name: string) =>
    caller.run(name, async () => {
      const saw = () => seen.push([name, caller.getStore()])
      for (const text of texts) {
        await pool.query(text).then(saw, saw)
        await new Promise<void>((resolve) => {
          pool.query(text, () => {
            saw()
            resolve()
          })
        })
        await new Promise<void>((resolve) => {
          client.query(text, () => {
            saw()
            resolve()
          })
        })
        await new Promise<void>((resolve) => {
          pool.connect((_error, held, release) => {
            saw()
            held?.query(text, () => {
              saw()
              release()
              resolve()
            })
          })
        })
      }
    })
  await Promise.all(['a', 'b', 'c', 'd'].map(run))
  expect(seen.length).toBe(4 * texts.length * 5)
  expect(seen.filter(([name, store]) => name !== store)).toEqual([])
  await pool.end()
  await client.end()
})

it('S9: who waits for a client is called back in his own context, not in that of who gives it back', async () => {
  const { wrapped } = open()
  // Of binary results nothing is cached: its clients are real ones.
  const pool = new wrapped.Pool({ connectionString: database.url, max: 1, binary: true } as pg.PoolConfig)
  const held = await caller.run('holder', () => pool.connect())
  const called = caller.run('waiter', () => {
    return new Promise<string | undefined>((resolve, reject) => {
      pool.connect((error, _client, release) => {
        if (error) return reject(error)
        release()
        resolve(caller.getStore())
      })
    })
  })
  caller.run('holder', () => held.release())
  expect(await called).toBe('waiter')
  await pool.end()
})

it("S9: one caller's scope never reaches another's query", async () => {
  const { cacheops, pool } = open({ models: { '*': 'manual' }, defaults: { ttl: '1h' } })
  await cacheops.ready()
  const reads: string[] = []
  cacheops.on('read', ({ sql }) => reads.push(sql))
  const past: string[] = []
  cacheops.on('bypass', ({ sql }) => past.push(sql))
  const ask = (name: string, how: number) => {
    const text = `SELECT id, '${name}' AS name FROM posts`
    if (how === 0) return pool.query(text)
    if (how === 1) return new Promise((resolve) => pool.query(text, resolve))
    return pool.connect().then(async (client) => {
      await client.query(text)
      client.release()
    })
  }
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0 ? cacheops.cache(() => ask(`asked ${index}`, index % 3)) : ask(`not asked ${index}`, index % 3),
    ),
  )
  expect(reads.length).toBe(15)
  expect(reads.every((sql) => sql.includes("'asked"))).toBe(true)
  expect(past.length).toBe(15)
  expect(past.every((sql) => sql.includes("'not asked"))).toBe(true)
  await pool.end()
})

it("S8: `vary` sees its caller's context", async () => {
  const { cacheops, pool } = open({ vary: () => caller.getStore() ?? 'nobody' })
  await cacheops.ready()
  const hits: boolean[] = []
  cacheops.on('read', ({ hit }) => hits.push(hit))
  await Promise.all(['a', 'b', 'c'].map((tenant) => caller.run(tenant, () => pool.query(READ))))
  expect(hits).toEqual([false, false, false])
  await Promise.all(['a', 'b', 'c'].map((tenant) => caller.run(tenant, () => pool.query(READ))))
  expect(hits.slice(3)).toEqual([true, true, true])
  await pool.end()
})

it('noInvalidation and deferInvalidation hold for their caller alone', async () => {
  const { cacheops, pool } = open()
  await cacheops.ready()
  await pool.query(READ)
  const dropped: string[] = []
  cacheops.on('invalidated', ({ cause }) => dropped.push(cause))
  await Promise.all([
    cacheops.noInvalidation(() => pool.query("UPDATE posts SET title = 'quiet' WHERE id = 1")),
    pool.query("UPDATE posts SET title = 'loud' WHERE id = 2"),
    cacheops.noInvalidation(async () => {
      const client = await pool.connect()
      await client.query("UPDATE posts SET title = 'quiet too' WHERE id = 3")
      client.release()
    }),
  ])
  expect(dropped).toEqual(["UPDATE posts SET title = 'loud' WHERE id = 2"])
  await pool.end()
})
