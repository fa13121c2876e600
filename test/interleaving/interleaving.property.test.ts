import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisStandalone, startRedis } from '../../scripts/redis.js'
import { memory } from '../../src/index.js'
import { redis } from '../../src/store/redis/index.js'
import type { Store } from '../../src/store/store.js'
import { sum } from '../property/counts.js'
import { App, until, World } from '../soundness/world.js'
import { budget } from '../support/property.js'
import { WrappedStore } from '../support/wrapped-store.js'
import {
  type Action,
  act,
  actor,
  type Breakable,
  GET,
  GROUPS,
  ITEMS,
  JOIN,
  LIST,
  PAIR,
  SCHEMA,
  type Stage,
  SUM,
} from './actions.js'
import { History, type Item } from './history.js'
import { Scheduler } from './scheduler.js'

/** A machine that is busy is no server that is gone. */
const PATIENT = { readTimeout: '20s', writeTimeout: '20s' } as const

interface Innards {
  readonly connection: { readonly stream: { destroy(): void; write(...args: unknown[]): boolean } }
}

/** Three processes over one store, each with its own way to it. */
class Cluster {
  readonly stores: readonly Store[]
  readonly apps: readonly App[]

  constructor(world: World, store: () => Store) {
    const pool = { max: 8, options: '-c deadlock_timeout=20ms' }
    this.stores = Array.from({ length: 3 }, store)
    this.apps = this.stores.map((each) => new App(each, world.url, { pool }))
  }

  async ready(): Promise<this> {
    for (const app of this.apps) await app.cacheops.ready()
    return this
  }

  schedule(scheduler: Scheduler | undefined): void {
    this.apps.forEach((app, index) => {
      app.engine.onPause = scheduler && ((point, what) => scheduler.stop(`${index}: ${point} ${what.slice(0, 40)}`))
    })
    for (const store of this.stores) {
      if (!(store instanceof WrappedStore)) continue
      store.hook =
        scheduler && ((step, moment, what) => scheduler.stop(`store: ${moment} ${step} ${what.slice(0, 40)}`))
    }
  }

  async end(): Promise<void> {
    for (const app of this.apps) await app.pool.end()
    for (const store of this.stores) await store.close()
  }
}

describe('interleaving', () => {
  let world: World
  let clusters: readonly Cluster[]
  let servers: RedisStandalone
  beforeAll(async () => {
    servers = await startRedis()
    world = await World.open('interleaving')
    await world.reset(SCHEMA)
    const [inMemory, networked] = [memory(), new WrappedStore(memory())]
    clusters = await Promise.all([
      new Cluster(world, () => inMemory).ready(),
      new Cluster(world, () => networked).ready(),
      new Cluster(world, () => new WrappedStore(redis(servers.server.url, PATIENT))).ready(),
    ])
  })
  afterAll(async () => {
    for (const cluster of clusters ?? []) await cluster.end()
    await servers?.stop()
    await world?.end()
  })

  async function play(
    cluster: Cluster,
    actors: readonly { app: number; actions: readonly Action[] }[],
    choices: readonly number[],
  ) {
    const { apps } = cluster
    await world.plain.query(
      `TRUNCATE items; INSERT INTO items SELECT i, i % ${GROUPS}, 1 FROM generate_series(1, ${ITEMS}) i`,
    )
    await apps[0]?.cacheops.invalidateAll()
    let key = 1000
    const stage: Stage = {
      history: new History((await world.truth('SELECT id, grp, v FROM items')) as unknown as Item[]),
      wrong: [],
      client: (app) => breakable(app, world.url),
      fresh: () => ++key,
    }
    const scheduler = new Scheduler(choices)
    cluster.schedule(scheduler)
    try {
      await scheduler.run(
        actors.map(({ app, actions }) => async () => {
          for (const action of actions) await act(stage, apps[app] as App, action)
        }),
      )
    } finally {
      cluster.schedule(undefined)
    }
    expect(stage.wrong, scheduler.trace.join('\n')).toEqual([])
    await atRest(apps, [...stage.history.items.map((item) => item.id)], scheduler)
  }

  /** Everything delivered: each cached read equals the database. */
  async function atRest(apps: readonly App[], ids: readonly number[], scheduler: Scheduler): Promise<void> {
    const groups = Array.from({ length: GROUPS }, (_, index) => index)
    const reads: [string, unknown[]][] = [
      ...ids.map((id): [string, unknown[]] => [GET, [id]]),
      ...ids.slice(1).map((id, index): [string, unknown[]] => [PAIR, [ids[index], id]]),
      ...groups.flatMap((grp): [string, unknown[]][] => [
        [LIST, [grp]],
        [SUM, [grp]],
        [JOIN, [`group ${grp}`]],
      ]),
    ]
    // The outcomes of lost commits are known when nothing is blocked.
    for (const app of apps) {
      await until('nothing is blocked', async () => !/outcome/.test((await app.ask(GET, [ITEMS])).reason ?? ''), 10_000)
    }
    for (const [text, values] of reads) {
      const truth = await world.truth(text, values)
      for (const app of apps) {
        const { rows, how } = await app.ask(text, values)
        expect(rows, `at rest: ${text} [${values}] is a ${how}\n${scheduler.trace.join('\n')}`).toEqual(truth)
      }
    }
  }

  it('after a write was acknowledged nobody reads what was before it, and at rest every cached read is right', async () => {
    // Without a bias to what is small: much has to happen at once.
    const actors = fc.noBias(fc.array(actor, { minLength: 2, maxLength: 5, size: 'max' }))
    const choices = fc.noBias(fc.array(fc.nat(12), { minLength: 50, maxLength: 250, size: 'max' }))
    const property = fc.asyncProperty(fc.nat(2), actors, choices, async (which, cast, order) => {
      await play(clusters[which] as Cluster, cast, order)
    })
    const result = await fc.check(property, budget({ runs: 250, seconds: 60 }))
    console.log(`interleaving, seed ${result.seed}: ${result.numRuns} schedules; ${await counted(clusters)}`)
    if (result.failed) throw new Error(await fc.asyncDefaultReportMessage(result), { cause: result.errorInstance })
  }, 120_000)
})

async function counted(clusters: readonly Cluster[]): Promise<string> {
  const { hits, misses, invalidations, bypasses } = await sum(
    clusters.flatMap(({ apps }) => apps.map((app) => app.cacheops)),
  )
  const reasons = Object.entries(bypasses).sort((a, b) => b[1] - a[1])
  const past = reasons.reduce((total, [, count]) => total + count, 0)
  const top = reasons.slice(0, 6).map(([reason, count]) => `\n  ${count} times: ${reason}`)
  return `${hits} hits, ${misses} misses, ${past} reads past the cache, ${invalidations} invalidations${top.join('')}`
}

async function breakable(app: App, url: string): Promise<Breakable> {
  const client = new app.pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return {
    query: (text, values) => client.query(text, values),
    breakAt(text, sent) {
      const { stream } = (client as unknown as Innards).connection
      const write = stream.write
      stream.write = (...args) => {
        if (!String(args[0]).includes(text)) return write.apply(stream, args)
        const result = sent && write.apply(stream, args)
        setImmediate(() => stream.destroy())
        return result
      }
    },
    end: () => client.end().catch(() => undefined),
  }
}
