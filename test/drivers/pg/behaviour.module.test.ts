import { createServer } from 'node:net'
import { ConfigError } from 'cacheops'
import { cachedPg } from 'cacheops/pg'
import pg, * as namespace from 'pg'
import { expect, it } from 'vitest'
import { allCached, called, outcome, useParity, within } from './support.js'

const { same, database } = useParity('module')

const READ = 'SELECT id, title FROM posts ORDER BY id'

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

it('an unreachable database: the error that pg gives, everywhere', async () => {
  const port = await deadPort()
  await same(async (side) => {
    const config = { host: '127.0.0.1', port, user: 'postgres', database: 'none' }
    const pool = new side.pg.Pool(config)
    const client = new side.pg.Client(config)
    const all = [
      await outcome(pool.query(READ)),
      await outcome(pool.query('UPDATE posts SET views = 1')),
      await outcome(pool.connect()),
      await called((callback) => pool.query(READ, callback as never)),
      await called((callback) => pool.connect(callback as never)),
      await outcome(client.connect()),
      await called((callback) => new side.pg.Client(config).connect(callback as never)),
      [pool.totalCount, pool.idleCount, pool.waitingCount],
    ]
    await pool.end()
    return all
  })
})

it('an unreachable database: ready() rejects with the same error', async () => {
  const port = await deadPort()
  const cacheops = allCached()
  const pool = new (cachedPg(cacheops, pg).Pool)({ host: '127.0.0.1', port })
  await expect(cacheops.ready()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await pool.end()
})

it('a database, a role or a password that is not accepted', () =>
  same(async (side) => {
    const url = new URL(side.url)
    url.pathname = '/no_such_database'
    const other = new URL(side.url)
    other.username = 'no_such_role'
    const all: unknown[] = []
    for (const connectionString of [url.href, other.href]) {
      const pool = new side.pg.Pool({ connectionString })
      all.push(await outcome(pool.query(READ)), await outcome(pool.connect()))
      all.push(await outcome(new side.pg.Client({ connectionString }).connect()))
      await pool.end()
    }
    const refused = new side.pg.Pool({
      connectionString: side.url,
      password: (() => Promise.reject(new RangeError('no password'))) as never,
    })
    all.push(typeof (await outcome(refused.query('SELECT 1'))))
    await refused.end()
    return all
  }))

it('a server that never answers', async () => {
  const server = createServer(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await same(async (side) => {
    const pool = new side.pg.Pool({ host: '127.0.0.1', port, connectionTimeoutMillis: 60 })
    const all = [await outcome(pool.query(READ)), await outcome(pool.connect())]
    await pool.end()
    return all
  })
  server.close()
})

it('subclasses of Pool and Client', () =>
  same(async (side) => {
    const told: string[] = []
    class MyClient extends side.pg.Client {
      readonly mine = 'mine'
      greet(): string {
        return `${this.mine}, ${this.database !== undefined}`
      }
      override query(...args: unknown[]): never {
        told.push('client')
        return super.query(...(args as [string])) as never
      }
    }
    class MyPool extends side.pg.Pool {
      override query(...args: unknown[]): never {
        told.push('pool')
        return super.query(...(args as [string])) as never
      }
      override connect(...args: unknown[]): never {
        told.push('connect')
        return super.connect(...(args as [never])) as never
      }
    }
    const client = new MyClient({ connectionString: side.url })
    await client.connect()
    const all: unknown[] = [await outcome(client.query(READ)), await outcome(client.query(READ)), client.greet()]
    await client.end()
    const pool = new MyPool({ connectionString: side.url })
    all.push(await outcome(pool.query(READ)))
    const held = (await pool.connect()) as pg.PoolClient
    all.push(await outcome(held.query(READ)))
    held.release()
    await pool.end()
    all.push([...told], pool instanceof side.pg.Pool, client instanceof pg.Client)
    return all
  }))

it.each(['plain', 'wrapped'])("a pool with a Client class of one's own that extends the %s one", async (kind) => {
  await same(async (side) => {
    const told: string[] = []
    class MyClient extends (kind === 'plain' ? pg : side.pg).Client {
      constructor(config?: unknown) {
        super(config as string)
        // Before there is a connection, and before a subclass of this class is made.
        void super.query('SELECT 1')
        void this.query("SET TimeZone = 'Asia/Tokyo'")
      }
      greet(): Promise<unknown> {
        return this.query('SELECT title FROM posts WHERE id = 1') as Promise<unknown>
      }
      override query(...args: unknown[]): never {
        told.push('asked')
        return super.query(...(args as [string])) as never
      }
    }
    const pool = await side.pool({ Client: MyClient as never, max: 1 })
    const held = (await pool.connect()) as pg.PoolClient & MyClient
    const all = [await outcome(held.greet()), held instanceof MyClient, await outcome(held.query(READ))]
    held.release()
    all.push(await outcome(pool.query('SELECT created::text FROM posts WHERE id = 1')))
    return all
  })
})

it('the rest of the module is as it was', () => {
  const wrapped = cachedPg(allCached(), pg)
  const { Client, Pool, native, ...rest } = wrapped as unknown as Record<string, unknown>
  const { Client: _, Pool: __, native: ___, ...own } = pg as unknown as Record<string, unknown>
  expect(rest).toEqual(own)
  expect(native).toBeNull()
  expect(wrapped.types).toBe(pg.types)
  expect(wrapped.Client.prototype).toBeInstanceOf(pg.Client)
  expect((Client as unknown as { Query: unknown }).Query).toBe(pg.Query)
  expect(Pool).not.toBe(pg.Pool)
})

it('a spread copy, and the ES module in both its forms', async () => {
  await database.reset()
  for (const given of [{ ...pg }, namespace, { default: pg }, { ...namespace }]) {
    const cacheops = allCached()
    const wrapped = cachedPg(cacheops, given) as { Pool: typeof pg.Pool; default?: typeof pg }
    const Pool = wrapped.Pool ?? wrapped.default?.Pool
    const pool = new Pool({ connectionString: database.url })
    const events: boolean[] = []
    cacheops.on('read', ({ hit }) => events.push(hit))
    await pool.query(READ)
    expect((await pool.query(READ)).rowCount).toBe(4)
    expect(events).toEqual([false, true])
    if ('default' in given) expect(wrapped.default?.Pool).toBe(Pool)
    await pool.end()
  }
})

it('{ ...wrapped } works as wrapped', () =>
  same(async (side) => {
    const copy = { ...side.pg }
    const pool = new copy.Pool({ connectionString: side.url })
    const all = [await outcome(pool.query(READ)), await outcome(pool.query(READ))]
    await within(20_000, pool.end())
    return all
  }))

it('a pool, a client or nothing in place of the module is a ConfigError that says so', () => {
  const cacheops = allCached()
  const pool = new pg.Pool()
  for (const wrong of [pool, new pg.Client(), pg.Pool, {}, null, undefined, 'pg', cacheops]) {
    expect(() => cachedPg(cacheops, wrong as never)).toThrow(ConfigError)
  }
  expect(() => cachedPg(cacheops, pool)).toThrow(/module 'pg'.*BoundPool/)
  expect(() => cachedPg({} as never, pg)).toThrow(/createCacheops/)
  expect(() => cachedPg(cacheops, pg, { databse: 'x' } as never)).toThrow(/databse/)
  expect(() => cachedPg(cacheops, pg, { database: '' })).toThrow(/database/)
  expect(() => cachedPg(cacheops, pg, { replica: 'yes' as never })).toThrow(/replica/)
  expect(() => cachedPg(cacheops, cachedPg(cacheops, pg))).toThrow(/already/)
})
