import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PostgresCluster } from '../../scripts/servers/postgres-cluster.js'
import { type App, until, World } from '../soundness/world.js'
import { TcpProxy } from './proxy.js'
import { directly, privateCluster } from './servers.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text);
  CREATE TABLE audit (post integer);
  INSERT INTO posts SELECT i, 'title ' || i FROM generate_series(1, 5) i;`
const POST = 'SELECT title FROM posts WHERE id = $1'
const AUDIT = 'SELECT count(*)::int AS n FROM audit'
const SET = 'UPDATE posts SET title = $2 WHERE id = $1'

describe('A3: a streaming replica', () => {
  let primary: PostgresCluster
  let standby: PostgresCluster
  let world: World
  let app: App
  beforeAll(async () => {
    primary = await privateCluster()
    standby = await primary.standby()
    world = new World(primary.url, async () => undefined)
  })
  beforeEach(async () => {
    await directly(standby.url, 'SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery() AND pg_is_wal_replay_paused()')
    await world.reset(SCHEMA)
    await caughtUp()
    app = await world.ready()
  })
  afterAll(async () => {
    await world?.end()
    standby?.remove()
    primary?.remove()
  })

  /** A process that reads from the replica. */
  const reader = (declared: boolean): Promise<App> =>
    world.ready({ pool: { connectionString: standby.url }, driver: declared ? { replica: true } : {} })

  async function caughtUp(): Promise<void> {
    const [{ at }] = (await directly(primary.url, 'SELECT pg_current_wal_lsn()::text AS at')) as [{ at: string }]
    await until(
      'the replica has replayed it all',
      async () =>
        (await directly(standby.url, 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there', [at]))[0]?.there ===
        true,
    )
  }

  /** The replica stays behind from here on. */
  async function pause(): Promise<void> {
    await directly(standby.url, 'SELECT pg_wal_replay_pause()')
    await until(
      'it is paused',
      async () =>
        (await directly(standby.url, 'SELECT pg_get_wal_replay_pause_state() AS state'))[0]?.state === 'paused',
    )
  }

  it.each([
    ['declared', true],
    ['that nobody declared', false],
  ])('A3: one %s serves hits and stores nothing', async (_, declared) => {
    const replica = await reader(declared)
    for (let time = 0; time < 3; time++) expect((await replica.ask(POST, [1])).how).toBe('miss')
    expect((await app.ask(POST, [1])).how).toBe('miss')
    expect(await replica.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'title 1' }] })
  })

  it.each([
    ['declared', true],
    ['that nobody declared', false],
  ])('A3: one %s that lags behind poisons nobody', async (_, declared) => {
    const replica = await reader(declared)
    await world.expectCached(app, POST, [1])
    await pause()
    await app.pool.query(SET, [1, 'new'])
    // It may be behind in what it says, but what it says is not kept.
    expect(await replica.ask(POST, [1])).toMatchObject({ how: 'miss', rows: [{ title: 'title 1' }] })
    expect(await app.ask(POST, [1])).toMatchObject({ how: 'miss', rows: [{ title: 'new' }] })
    expect(await replica.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'new' }] })
  })

  it('A3: in a process with two pools nobody joins what the replica is asked', async () => {
    const pool = new app.pg.Pool({ connectionString: standby.url })
    await pool.query('SELECT 1')
    await pause()
    await app.pool.query(SET, [1, 'new'])
    const [old, now] = await Promise.all([pool.query(POST, [1]), app.pool.query(POST, [1])])
    expect([old.rows, now.rows]).toEqual([[{ title: 'title 1' }], [{ title: 'new' }]])
    expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'new' }])
    await pool.end()
  })

  it('A3, A7: definitions as the replica still has them are good for its own reads only', async () => {
    const pool = new app.pg.Pool({ connectionString: standby.url })
    await pool.query(POST, [1])
    await world.expectCached(app, AUDIT)
    await pause()
    await app.pool.query(`
      CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TRIGGER audited AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION audited()`)
    // The replica's pool is the first to read the catalog again, and knows of no trigger.
    await pool.query(POST, [1])
    await world.expectDropped([app], AUDIT, [], () => app.pool.query(SET, [1, 'new']))
    await pool.end()
  })

  it('A3, A15: after a failover what was lost with the old primary is not served any longer', async () => {
    const way = await TcpProxy.before(primary.url)
    const here = await world.ready({ pool: { connectionString: way.url } })
    const replica = await reader(false)
    // From here on nothing of the primary's reaches the replica.
    await directly(standby.url, `ALTER SYSTEM SET primary_conninfo = ''`)
    await directly(standby.url, 'SELECT pg_reload_conf()')
    await until(
      'the replica receives nothing',
      async () => (await directly(standby.url, 'SELECT FROM pg_stat_wal_receiver')).length === 0,
    )
    await here.pool.query(SET, [1, 'lost'])
    await world.expectCached(here, POST, [1])
    expect(await replica.ask(POST, [1])).toMatchObject({ how: 'hit', rows: [{ title: 'lost' }] })
    primary.stop('fast')
    standby.promote()
    way.retarget(standby.url)
    await until('its connections are gone', () => here.pool.totalCount === 0)
    for (const one of [here, replica]) {
      expect((await one.ask(POST, [1])).rows).toEqual([{ title: 'title 1' }])
      await one.pool.query(SET, [2, 'on the new primary'])
      expect((await one.ask(POST, [2])).rows).toEqual([{ title: 'on the new primary' }])
    }
    await way.close()
    await primary.start()
    await until('the old primary is there', () => world.truth('SELECT 1').then(Boolean, () => false))
  })
})
