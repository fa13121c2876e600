import type pg from 'pg'
import { it } from 'vitest'
import { Cursor, event, outcome, seen, sleep, useParity, within } from './support.js'

const { same, database } = useParity('events', true)

const READ = 'SELECT id, title FROM posts ORDER BY id'
const RAISE = "DO $$ BEGIN RAISE NOTICE 'hear, %', 'hear'; END $$"
const kill = (pid: unknown) => database.admin.query('SELECT pg_terminate_backend($1)', [pid])

it('notices', () =>
  same(async (side) => {
    const all: unknown[] = []
    const pool = await side.pool()
    for (const client of [await side.client(), await pool.connect()]) {
      const heard: unknown[] = []
      client.on('notice', (notice) => heard.push(notice.message))
      await client.query(RAISE)
      await client.query('BEGIN')
      await client.query('BEGIN')
      await client.query('ROLLBACK')
      all.push(heard)
      if ('release' in client) (client as pg.PoolClient).release()
    }
    return all
  }))

it('LISTEN and NOTIFY', () =>
  same(async (side) => {
    const pool = await side.pool()
    const all: unknown[] = []
    for (const client of [await side.client(), await pool.connect()]) {
      await client.query('LISTEN news')
      const heard = event(client, 'notification')
      await pool.query("NOTIFY news, 'payload'")
      const [message] = (await within(20_000, heard)) as pg.Notification[]
      all.push([message?.channel, message?.payload])
      const again = event(client, 'notification')
      await client.query(READ)
      await client.query("SELECT pg_notify('news', 'from itself')")
      all.push(((await within(20_000, again)) as pg.Notification[])[0]?.payload)
      await client.query('UNLISTEN *')
      if ('release' in client) (client as pg.PoolClient).release()
    }
    return all
  }))

it('the backend of an idle client is terminated', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const told: unknown[] = []
    client.on('error', (error) => told.push(seen(error)))
    client.on('end', () => told.push('end'))
    const ended = event(client, 'end')
    await kill((client as unknown as { processID: number }).processID)
    await within(20_000, ended)
    // A hit would be an answer that pg does not give.
    told.push(await outcome(client.query(READ)), await outcome(client.query('UPDATE posts SET views = 1')))
    told.push(await outcome(client.query(new Cursor(READ)).read(1)), await outcome(client.end()))
    return told
  }))

it('the backend of a client is terminated while it works, with more waiting', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const told: unknown[] = []
    client.on('error', (error) => told.push(['error', seen(error)]))
    const asked = ['SELECT pg_sleep(5)', READ, 'UPDATE posts SET views = 1'].map((text) => outcome(client.query(text)))
    const { processID } = client as unknown as { processID: number }
    const works = `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep(5)%'`
    while ((await database.admin.query(works, [processID])).rows.length === 0) await sleep(10)
    await kill(processID)
    return [await within(20_000, Promise.all(asked)), told, await outcome(client.query(READ))]
  }))

it('the backend of an idle client of a pool is terminated', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const { pid } = (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0]
    const heard = event(pool, 'error')
    await kill(pid)
    const [error] = await within(20_000, heard)
    await sleep(10)
    return [seen(error), pool.totalCount, await outcome(pool.query('UPDATE posts SET views = 2 WHERE id = 1'))]
  }))

it('the backend of a client that is checked out is terminated', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const client = await pool.connect()
    const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]
    const told: unknown[] = []
    client.on('error', (error) => told.push(seen(error)))
    const ended = event(client, 'end')
    await kill(pid)
    await within(20_000, ended)
    told.push(await outcome(client.query(READ)))
    client.release()
    await sleep(10)
    return [told, pool.totalCount, await outcome(pool.query(READ))]
  }))

it('the backend is terminated during pool.query', () =>
  same(async (side) => {
    const pool = await side.pool({ max: 1 })
    const asked = outcome(pool.query("SELECT pg_sleep(5) /* it's me */"))
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE '%pg_sleep(5) /* it''s me%' AND state = 'active' AND pid <> pg_backend_pid()`
    while ((await database.admin.query(terminate)).rows.length === 0) await sleep(10)
    return [await within(20_000, asked), await outcome(pool.query(READ)), pool.totalCount]
  }))

it('end: the event, the promise, and what is asked afterwards', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const ended = event(client, 'end')
    const over = client.end()
    const told = [await outcome(client.query(READ)), await outcome(client.query('SELECT 1'))]
    await Promise.all([ended, over])
    told.push(await outcome(client.query(READ)), await outcome(client.end()), await outcome(client.connect()))
    return told
  }))

it('end while something runs and more waits', () =>
  same(async (side) => {
    const client = await side.client()
    await client.query(READ)
    const asked = ['SELECT pg_sleep(0.1)', READ, 'UPDATE posts SET views = 1'].map((text) =>
      outcome(client.query(text)),
    )
    await sleep(30)
    await within(20_000, client.end())
    return Promise.all(asked)
  }))

it('a client that was never connected', () =>
  same(async (side) => {
    const client = new side.pg.Client({ connectionString: side.url })
    const asked = client.query(READ)
    await sleep(10)
    await client.connect()
    const all = [await outcome(asked), await outcome(client.connect())]
    await client.end()
    return all
  }))
