/** One of the processes: reads and writes the hot rows through cacheops, and writes down what it saw. Started by processes.ts. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { pathToFileURL } from 'node:url'
import { debuglog } from 'node:util'
import pgModule from 'pg'
import type { Store } from '../../src/store/store.js'
import { faultyStore, withInvalidate } from './faulty-store.js'
import { Journal } from './journal.js'
import { randomOf } from './random.js'
import { everyRead, read, someRead } from './reads.js'
import { now, type What } from './records.js'
import type { Order, Report, Settings } from './worker-messages.js'
import { type Rules, someWrite } from './writes.js'

// NODE_DEBUG=chaos-worker tells every failure, where a process is shown that did not do as it was told.
const debug = debuglog('chaos-worker')
const READERS = 3
// So that there is something left to be hit.
const READER_PAUSE_MS = 3
const WRITER_PAUSE_MS = 40
const PROGRESS_MS = 50

const settings = JSON.parse(process.env.CACHEOPS_CHAOS ?? '') as Settings
const random = randomOf(settings.seed)
const rules: Rules = { ids: settings.ids, groups: settings.groups, random }

// Of the version that this process is to be, which may be another than the others'.
const load = (file: string) => import(pathToFileURL(`${settings.source}/${file}`).href)
const { createCacheops, memory } = (await load('index.ts')) as typeof import('../../src/index.js')
const { cachedPg } = (await load('drivers/pg/index.ts')) as typeof import('../../src/drivers/pg/index.js')
const { engineOf } = (await load('engine/engine.ts')) as typeof import('../../src/engine/engine.js')

let dying = false
const store = await makeStore()
const cacheops = createCacheops({
  store,
  models: { hot: { ops: 'all', ttl: '10m' }, echo: { ops: 'all', ttl: '10m' } },
})
const pool = new (cachedPg(cacheops, pgModule).Pool)({ connectionString: settings.database, max: READERS + 2 })
const { delivery } = engineOf(cacheops, 'chaos')
const journal = new Journal(settings.log, () => delivery.undelivered)

/** Whether the cache answered, told to the read that asked. */
const asking = new AsyncLocalStorage<{ hit: boolean }>()
cacheops.on('read', ({ hit }) => {
  const asked = asking.getStore()
  if (asked) asked.hit = hit
})

const counts = { reads: 0, hits: 0, writes: 0, storeErrors: 0 }
cacheops.on('failure', ({ what, message, error }) => {
  if (what === 'store') counts.storeErrors++
  debug('%s (%s)', message, error instanceof Error ? error.message : error)
})

async function makeStore(): Promise<Store> {
  const { store: how, faulty } = settings
  let made: Store = memory()
  if (how !== 'memory') {
    const { redis } = await load('store/redis/index.ts')
    made = redis(how.connection, { prefix: how.prefix })
  }
  const inner = faulty === undefined ? made : faultyStore(made, faulty, random)
  return withInvalidate(inner, (database, changes) => {
    if (dying) process.kill(process.pid, 'SIGKILL')
    return inner.invalidate(database, changes)
  })
}

async function readOnce({ what, of }: { readonly what: What; readonly of: number }): Promise<void> {
  const asked = { hit: false }
  const start = now()
  const seen = await asking.run(asked, () => read(pool, what, of))
  journal.add({ kind: 'read', what, of, start, end: now(), hit: asked.hit, ...seen })
  counts.reads++
  if (asked.hit) counts.hits++
}

let ops = 0

async function writeOnce(): Promise<void> {
  const op = `${settings.name}:${++ops}`
  const write = someWrite(rules)
  journal.add({ kind: 'intent', op, start: now(), ids: write.ids })
  try {
    const written = await write.run(pool, op)
    journal.add({ kind: 'acknowledged', op, end: now(), rows: written ?? [] })
    counts.writes++
  } catch (error) {
    // A deadlock, say: the server has taken it back.
    if (!/^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code))) throw error
    journal.add({ kind: 'refused', op })
  }
}

let running: Promise<unknown> | undefined
let resting = true

function start(): void {
  resting = false
  const loop = async (work: () => Promise<void>, milliseconds: number) => {
    while (!resting) {
      await work()
      await pause(random() * milliseconds)
    }
  }
  const readers = Array.from({ length: READERS }, () => loop(() => readOnce(someRead(rules)), READER_PAUSE_MS))
  running = Promise.all([...readers, loop(writeOnce, WRITER_PAUSE_MS)])
}

async function rest(): Promise<void> {
  resting = true
  await running
  while (delivery.undelivered > 0) await pause(10)
  journal.settle()
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'start':
      return start()
    case 'rest':
      return rest()
    case 'look':
      for (let round = 0; round < 2; round++) for (const one of everyRead(rules)) await readOnce(one)
      return journal.flush()
    case 'define':
      await pool.query(order.sql)
      while (delivery.undelivered > 0) await pause(10)
      return journal.add({ kind: 'defined', at: now(), columns: order.columns, echo: order.echo })
    case 'die':
      dying = true
      return
    case 'end':
      resting = true
      await running
      await cacheops.close()
      await pool.end()
      await store.close()
      journal.close()
  }
}

function tell(report: Report): void {
  process.send?.(report)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

process.on('message', (order: Order) => {
  obey(order).then(
    () => {
      tell({ kind: 'done', id: order.id })
      if (order.kind === 'end') process.disconnect()
    },
    (error: Error) => tell({ kind: 'failed', id: order.id, message: error.stack ?? String(error) }),
  )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())
setInterval(() => {
  journal.settle()
  tell({ kind: 'progress', ...counts, undelivered: delivery.undelivered })
}, PROGRESS_MS).unref()
await cacheops.ready().catch((error: Error) => {
  // A store that is down at the start is one of the faults; what is wrong otherwise shows in the reads.
  process.stderr.write(`${settings.name}: ${error.message}\n`)
})
tell({ kind: 'ready' })
