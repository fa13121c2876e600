import pgModule, { type QueryConfig } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PostgresCluster } from '../../scripts/servers/postgres-cluster.js'
import { type App, until, World } from '../soundness/world.js'
import { type Cut, TcpProxy } from './proxy.js'
import { privateCluster } from './servers.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text);
  CREATE TABLE gates (id integer PRIMARY KEY);
  CREATE TABLE waits (id integer);
  INSERT INTO posts SELECT i, 'title ' || i FROM generate_series(1, 5) i;
  CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE gates IN EXCLUSIVE MODE; RETURN NULL; END $$;
  CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON waits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();`
const POST = 'SELECT title FROM posts WHERE id = $1'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'

describe('outcomes on a server of its own', () => {
  let cluster: PostgresCluster
  let way: TcpProxy
  let world: World
  /** Reaches the server by a way that can be cut; the other goes straight. */
  let app: App
  let other: App
  beforeAll(async () => {
    cluster = await privateCluster({ synchronous_commit: 'off', wal_writer_delay: '10s', bgwriter_delay: '10s' })
    way = await TcpProxy.before(cluster.url)
    world = new World(cluster.url, async () => undefined)
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready({ pool: { connectionString: way.url } })
    other = await world.ready()
    await world.expectCached(other, POST, [1])
  })
  afterAll(async () => {
    await world?.end()
    await way?.close()
    cluster?.remove()
  })

  /** A transaction that has written, and waits at its COMMIT until the gate is opened. */
  async function waiting(): Promise<{ client: pgModule.Client; open(): Promise<void> }> {
    const client = await world.client(app, { connectionString: way.url })
    await client.query('BEGIN')
    await client.query(SET, [1, 'new'])
    await client.query('INSERT INTO waits VALUES (1)')
    const gate = await world.plain.connect()
    await gate.query('BEGIN; LOCK TABLE gates IN ACCESS SHARE MODE')
    await gate.query('LOCK TABLE gates IN SHARE UPDATE EXCLUSIVE MODE')
    const open = async () => {
      await gate.query('COMMIT')
      gate.release()
    }
    return { client, open }
  }

  /** Reads are right at any time, and soon from the cache again. */
  async function freed(): Promise<void> {
    await until('reads are cached again', async () => {
      const before = await world.truth(POST, [1])
      const answers = [await other.ask(POST, [1]), await app.ask(POST, [1])]
      const after = await world.truth(POST, [1])
      for (const { rows } of answers) expect([before, after]).toContainEqual(rows)
      return answers.every(({ how }) => how === 'hit')
    })
    for (const each of [app, other]) await world.expectCached(each, POST, [1])
  }

  it.each<[Cut, string]>([
    ['before', 'title 1'],
    ['after', 'new'],
  ])('A2: the socket is cut during COMMIT, %s the server has it', async (where, title) => {
    const client = await world.client(app, { connectionString: way.url })
    await client.query('BEGIN')
    await client.query(SET, [1, 'new'])
    const cut = way.cut('COMMIT', where)
    await expect(client.query('COMMIT')).rejects.toThrow()
    await cut
    expect(app.failures.map(({ what }) => what)).toContain('outcome')
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title }])
  })

  it('A2: a COMMIT that is still under way when its socket is cut: nobody reads its tables from the cache until it is over', async () => {
    const { client, open } = await waiting()
    const cut = way.cut('COMMIT', 'after')
    await expect(client.query('COMMIT')).rejects.toThrow()
    await cut
    for (const each of [app, other]) await world.expectPast(each, POST, [1], /outcome/)
    await world.expectPast(other, POST, [2], /outcome/)
    await open()
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'new' }])
  })

  it('A2: a COMMIT that outlives its query_timeout', async () => {
    const { client, open } = await waiting()
    await expect(client.query({ text: 'COMMIT', query_timeout: 300 } as QueryConfig)).rejects.toThrow(/timeout/)
    for (const each of [app, other]) await world.expectPast(each, POST, [1], /outcome/)
    await open()
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'new' }])
  })

  it.each<[Cut, string]>([
    ['before', 'title 1'],
    ['after', 'new'],
  ])('A2: an autocommit write, %s the server has it', async (where, title) => {
    const client = await world.client(app, { connectionString: way.url })
    await client.query('SELECT 1')
    const cut = way.cut('UPDATE posts', where)
    await expect(client.query(SET, [1, 'new'])).rejects.toThrow()
    await cut
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title }])
  })

  it('A2: the backend is terminated in the middle of its COMMIT', async () => {
    const { client, open } = await waiting()
    const { processID } = client as unknown as { processID: number }
    const commit = client.query('COMMIT').catch((error: Error) => error)
    await until('it waits', async () => {
      const waits = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`
      return (await world.truth(waits, [processID])).length > 0
    })
    await world.truth('SELECT pg_terminate_backend($1)', [processID])
    expect(await commit).toBeInstanceOf(Error)
    await open()
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'title 1' }])
  })

  /** Stops and starts the server; who was connected notices. */
  async function restart(mode: 'fast' | 'immediate'): Promise<void> {
    cluster.stop(mode)
    await cluster.start()
    await until('everybody has noticed', async () => {
      if ([app, other].some(({ pool }) => pool.idleCount > 0)) return false
      return world.truth('SELECT 1').then(Boolean, () => false)
    })
  }

  it('A2: the server is restarted in the middle of a transaction', async () => {
    const client = await world.client(app, { connectionString: way.url })
    await client.query('BEGIN')
    await client.query(SET, [1, 'new'])
    await restart('fast')
    await expect(client.query('COMMIT')).rejects.toThrow()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'title 1' }])
    await freed()
    await app.pool.query(SET, [1, 'newer'])
    for (const each of [app, other]) await world.expectRight(each, POST, [1])
  })

  it('A2: the server is gone in the middle of a write: its table is not read from the cache before the server is asked', async () => {
    const locker = await world.plain.connect()
    await locker.query('BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE')
    const client = await world.client(app, { connectionString: way.url })
    const write = client.query(SET, [1, 'new']).catch((error: Error) => error)
    await until('it waits', async () => {
      const waits = `SELECT FROM pg_stat_activity WHERE query LIKE 'UPDATE posts%' AND wait_event_type = 'Lock'`
      return (await world.truth(waits)).length > 0
    })
    cluster.stop('immediate')
    expect(await write).toBeInstanceOf(Error)
    locker.release(true)
    await expect(other.pool.query(POST, [1])).rejects.toThrow()
    await cluster.start()
    await until('the server is there', () => world.truth('SELECT 1').then(Boolean, () => false))
    await freed()
    expect(await world.truth(POST, [1])).toEqual([{ title: 'title 1' }])
  })

  /** A commit that a crash takes back, as none is flushed at once here. Gives whether it did. */
  async function lose(crash: () => Promise<void>): Promise<boolean> {
    await world.plain.query('CHECKPOINT')
    await app.pool.query(SET, [1, 'lost'])
    for (const each of [app, other]) {
      await world.expectCached(each, POST, [1])
      expect((await each.ask(POST, [1])).rows).toEqual([{ title: 'lost' }])
    }
    await crash()
    return (await world.truth(POST, [1]))[0]?.title !== 'lost'
  }

  it('A15: a crash takes a commit back: nobody is served it any longer', async () => {
    let lost = false
    for (let attempt = 0; attempt < 5 && !lost; attempt++) {
      lost = await lose(() => restart('immediate'))
      for (const each of [app, other]) await world.expectRight(each, POST, [1])
    }
    expect(lost, 'the crash took nothing back').toBe(true)
  })

  it('A15: a process that was not there before the crash finds out from the store', async () => {
    let lost = false
    for (let attempt = 0; attempt < 5 && !lost; attempt++) {
      lost = await lose(() => restart('immediate'))
      const late = await world.ready()
      await world.expectRight(late, POST, [1])
      for (const each of [app, other]) await world.expectRight(each, POST, [1])
    }
    expect(lost, 'the crash took nothing back').toBe(true)
  })

  it("A15: so does a crash of one of the server's processes", async () => {
    let lost = false
    for (let attempt = 0; attempt < 5 && !lost; attempt++) {
      lost = await lose(async () => {
        const victim = new pgModule.Client({ connectionString: cluster.url })
        victim.on('error', () => undefined)
        await victim.connect()
        process.kill((victim as unknown as { processID: number }).processID, 'SIGKILL')
        await until('everybody has noticed', () => [app, other].every(({ pool }) => pool.idleCount === 0))
        await until('the server has recovered', () => world.truth('SELECT 1').then(Boolean, () => false))
      })
      for (const each of [app, other]) await world.expectRight(each, POST, [1])
    }
    expect(lost, 'the crash took nothing back').toBe(true)
  })

  describe('A14: two-phase commit', () => {
    const prepare = (name: string) =>
      app.on(async (client) => {
        await client.query('BEGIN')
        await client.query(SET, [1, 'prepared'])
        await client.query(`PREPARE TRANSACTION '${name}'`)
        expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'title 1' }])
      })

    it('A14: another session commits what was prepared', async () => {
      await prepare('a')
      expect(await other.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
      await world.expectDropped([app, other], POST, [1], () => other.pool.query(`COMMIT PREPARED 'a'`))
    })

    it('A14: a rollback of it drops nothing', async () => {
      await prepare('b')
      await other.pool.query(`ROLLBACK PREPARED 'b'`)
      expect(await other.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
    })

    it('A14: it waits through a restart', async () => {
      await prepare('c')
      await restart('fast')
      await world.expectDropped([app, other], POST, [1], () => other.pool.query(`COMMIT PREPARED 'c'`))
    })

    it('A2, A14: its COMMIT loses its socket', async () => {
      await prepare('d')
      const client = await world.client(app, { connectionString: way.url })
      await client.query('SELECT 1')
      const cut = way.cut('COMMIT PREPARED', 'after')
      await expect(client.query(`COMMIT PREPARED 'd'`)).rejects.toThrow()
      await cut
      await freed()
      expect(await world.truth(POST, [1])).toEqual([{ title: 'prepared' }])
    })

    it('A14: what cannot be prepared is rolled back, and its session goes on', async () => {
      await app.on(async (client) => {
        await client.query('BEGIN')
        await client.query('CREATE TEMPORARY TABLE t (i integer) ON COMMIT DROP')
        await client.query(SET, [1, 'no'])
        await expect(client.query(`PREPARE TRANSACTION 'e'`)).rejects.toMatchObject({ code: '0A000' })
        expect((await app.ask(POST, [1], client)).rows).toEqual([{ title: 'title 1' }])
      })
      for (const each of [app, other]) await world.expectRight(each, POST, [1])
    })
  })
})
