import pg from 'pg'
import { it } from 'vitest'
import { called, end, event, outcome, sleep, status, useParity, within } from './support.js'

const { same, check } = useParity('pool', true)

const READ = 'SELECT id, title FROM posts ORDER BY id'
const counts = (pool: pg.Pool) => [pool.totalCount, pool.idleCount, pool.waitingCount]

it('release twice is the same error', () =>
  same(async (side) => {
    const pool = await side.pool()
    const errors: unknown[] = []
    for (const use of [false, true]) {
      const client = await pool.connect()
      if (use) await client.query('SELECT 1')
      client.release()
      for (const again of [() => client.release(), client.release]) {
        try {
          again()
          errors.push('none')
        } catch (error) {
          errors.push(String(error))
        }
      }
    }
    return errors
  }))

it('release is a function that can be taken off, and that the callback is given', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    for (let round = 0; round < 3; round++) {
      const { release } = await pool.connect()
      release()
      await new Promise<void>((resolve) =>
        pool.connect((_error, client, done) => {
          void client?.query('UPDATE posts SET views = 1').then(() => {
            done()
            resolve()
          })
        }),
      )
    }
    return counts(pool)
  }))

it.each([true, new Error('spoiled')])('release(%s) removes the client', (error) =>
  check(async (side) => {
    const pool = await side.pool({ max: 2 })
    const removed: boolean[] = []
    pool.on('remove', (client) => removed.push(client instanceof side.pg.Client))
    const client = await pool.connect()
    await client.query('UPDATE posts SET views = 1')
    const before = counts(pool)
    client.release(error)
    await sleep(20)
    return [before, counts(pool), [...removed], await outcome(pool.query(READ))]
  }),
)

it('a query after the release', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const all = []
    for (const use of [true, false]) {
      const client = await pool.connect()
      if (use) await client.query('UPDATE posts SET views = 2')
      client.release()
      all.push(await outcome(client.query(READ)))
      all.push(await outcome(client.query('UPDATE posts SET views = 3 WHERE id = 1 RETURNING views')))
      all.push(await outcome(client.query('SELECT views FROM posts WHERE id = 1')))
    }
    return all
  }))

it('a pool that was ended', () =>
  same(async (side) => {
    const pool = await side.pool()
    await pool.query(READ)
    await end(pool)
    return [
      await outcome(pool.query(READ)),
      await outcome(pool.connect()),
      await outcome(pool.end()),
      await called((callback) => pool.query(READ, callback as never)),
      await called((callback) => pool.connect(callback as never)),
      await called((callback) => pool.end(callback as never)),
      counts(pool),
      [pool.ending, pool.ended],
    ]
  }))

it('who holds a client when the pool ends goes on with it, and the end waits for the release', () =>
  same(async (side) => {
    const pool = await side.pool()
    const used = await pool.connect()
    await used.query('BEGIN')
    const unused = await pool.connect()
    const told: unknown[] = []
    const over = end(pool).then(() => told.push('ended'))
    told.push(await outcome(pool.query(READ)), await outcome(pool.connect()), await outcome(pool.end()))
    told.push((await used.query("UPDATE posts SET title = 'late' WHERE id = 1")).rowCount)
    told.push((await unused.query('SELECT title FROM posts WHERE id = 2')).rows)
    told.push((await used.query('COMMIT')).command, (await unused.query(READ)).rows)
    used.release()
    await sleep(20)
    told.push('still one')
    unused.release()
    await over
    return told
  }))

it('exhaustion: who waits gets the client when it is released', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const told: string[] = []
    const first = await pool.connect()
    await first.query('BEGIN')
    const second = pool.connect().then(async (client) => {
      await client.query("UPDATE posts SET title = 'second'")
      told.push('second')
      client.release()
    })
    const third = pool.query("UPDATE posts SET title = 'third'").then(() => told.push('third'))
    await sleep(20)
    told.push('first')
    await first.query('COMMIT')
    first.release()
    await within(20_000, Promise.all([second, third]))
    await sleep(1)
    // Which of the two comes first is not said: a client of a wrapped pool asks for its connection with its first statement.
    return [told.sort(), counts(pool)]
  }))

it('connectionTimeoutMillis while the pool is exhausted: pool.query', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1, connectionTimeoutMillis: 60 })
    const held = await pool.connect()
    await held.query('BEGIN')
    const all = [
      await outcome(pool.query('UPDATE posts SET views = 1')),
      await called((callback) => pool.query('UPDATE posts SET views = 1', callback as never)),
    ]
    await held.query('ROLLBACK')
    held.release()
    all.push(await outcome(pool.query('UPDATE posts SET views = 2 WHERE id = 1')))
    return all
  }))

it('an idle client is closed after its time', () =>
  same(async (side) => {
    const pool = await side.pool({ idleTimeoutMillis: 40 })
    const client = await pool.connect()
    await client.query('UPDATE posts SET views = 1')
    client.release()
    const removed = event(pool, 'remove')
    await within(20_000, removed)
    return [counts(pool), await outcome(pool.query(READ)), await outcome(pool.query(READ))]
  }))

it('maxUses and maxLifetimeSeconds', () =>
  same(async (side) => {
    const pool = await side.pool({ maxUses: 1, maxLifetimeSeconds: 1 } as pg.PoolConfig)
    const pids = new Set<number>()
    for (let round = 0; round < 3; round++) pids.add((await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid)
    return [pids.size, pool.totalCount]
  }))

it("the pool's events, for a client that is used", () =>
  same(async (side) => {
    const pool = new side.pg.Pool({ connectionString: side.url, max: 1 })
    const told: unknown[] = []
    for (const name of ['connect', 'acquire', 'release', 'remove'] as const) {
      pool.on(name as 'connect', (...args: unknown[]) => {
        const client = args.at(-1)
        told.push([name, args.length, client instanceof side.pg.Client])
      })
    }
    const client = await pool.connect()
    await client.query('UPDATE posts SET views = 1')
    client.release()
    await pool.query('UPDATE posts SET views = 2')
    await pool.query('SELECT nothing').catch(() => undefined)
    await sleep(10)
    await pool.end()
    return told
  }))

it('a hook on connect is done before anything else', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 2 })
    const hooked = new side.pg.Pool({ connectionString: side.url, max: 2 })
    side.later(() => hooked.end())
    hooked.on('connect', (client) => void client.query("SET TimeZone = 'Asia/Tokyo'"))
    const text = 'SELECT created::text FROM posts WHERE id = 1'
    const all = [await outcome(pool.query(text))]
    for (let round = 0; round < 3; round++) {
      all.push(await outcome(hooked.query(text)))
      const client = await hooked.connect()
      all.push(await outcome(client.query(text)))
      client.release()
    }
    all.push(...(await Promise.all([1, 2, 3].map(() => outcome(hooked.query(text))))))
    all.push(await outcome(pool.query(text)))
    return all
  }))

it('onConnect and verify', () =>
  same(async (side) => {
    const options = {
      max: 1,
      onConnect: (client: pg.Client) => client.query("SET application_name = 'hooked'"),
      verify: (_client: pg.Client, done: () => void) => done(),
    }
    const pool = await side.pool(options as unknown as pg.PoolConfig)
    const failing = new side.pg.Pool({
      connectionString: side.url,
      onConnect: () => Promise.reject(new RangeError('not this one')),
    } as unknown as pg.PoolConfig)
    return [await outcome(pool.query('SHOW application_name')), await outcome(failing.query(READ))]
  }))

it('one connection, and clients within clients: nothing waits that would not wait in pg', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const done: string[] = []
    await within(
      20_000,
      Promise.all(
        [1, 2, 3, 4].map(async (id) => {
          const client = await pool.connect()
          await client.query(READ)
          await client.query('BEGIN')
          await client.query('UPDATE posts SET views = views + 1 WHERE id = $1', [id])
          await client.query('COMMIT')
          client.release()
          await pool.query('SELECT views FROM posts WHERE id = $1', [id])
          done.push(String(id))
        }),
      ),
    )
    return [done.length, counts(pool)]
  }))

it('a transaction that is left open stays with its connection, as with pg', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const first = await pool.connect()
    await first.query('BEGIN')
    await first.query("UPDATE posts SET title = 'uncommitted' WHERE id = 1")
    first.release()
    const all = [await outcome(pool.query('SELECT title FROM posts WHERE id = 1'))]
    const second = await pool.connect()
    all.push(await outcome(second.query('ROLLBACK')), await status(second))
    second.release()
    all.push(await outcome(pool.query('SELECT title FROM posts WHERE id = 1')))
    return all
  }))

it('what a client of a pool says of itself', () =>
  same(async (side) => {
    const pool = await side.pool()
    const client = (await pool.connect()) as pg.PoolClient &
      pg.Client & { processID: number; ref(): void; connect(): Promise<void> }
    const all = [
      client instanceof pg.Client,
      client instanceof side.pg.Client,
      client.user,
      client.database,
      client.host,
      client.port,
      client.escapeIdentifier('a"b'),
      client.escapeLiteral("a'\\b"),
      await status(client),
      typeof client.ref,
    ]
    await client.query('BEGIN')
    all.push(await status(client), typeof client.processID as never, (await outcome(client.connect())) as never)
    await client.query('ROLLBACK')
    client.release()
    return all
  }))

it('a client of a pool that is ended by its holder', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const client = await pool.connect()
    await client.query('UPDATE posts SET views = 1')
    await (client as unknown as pg.Client).end()
    const refused = await outcome(client.query(READ))
    client.release()
    await sleep(10)
    return [refused, counts(pool), await outcome(pool.query(READ))]
  }))
