import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from '../soundness/world.js'
import { gate, TABLES, told } from './support.js'

let world: World
let app: App
let events: string[]
beforeAll(async () => {
  world = await World.open('batches')
})
afterAll(() => world.end())
beforeEach(async () => {
  await world.reset(TABLES)
  app = await world.ready()
  events = told(app)
})

type Load = (id: number) => Promise<string>

/** As DataLoader does it: who asks first has the batch sent in his flow, for all who ask until then. */
function loader(schedule: (send: () => void) => void, volatile = false): Load {
  let batch: { id: number; resolve(title: string): void; reject(error: unknown): void }[] = []
  const send = async (): Promise<void> => {
    const asked = batch
    batch = []
    try {
      const sql = `SELECT id, title${volatile ? ', clock_timestamp()' : ''} FROM posts WHERE id = ANY($1)`
      const { rows } = await app.pool.query(sql, [asked.map(({ id }) => id)])
      for (const { id, resolve } of asked) resolve(rows.find((row) => row.id === id)?.title as string)
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
  return (id) =>
    new Promise((resolve, reject) => {
      batch.push({ id, resolve, reject })
      if (batch.length === 1) schedule(() => void send())
    })
}

const inOneTick = (send: () => void) => void Promise.resolve().then(() => process.nextTick(send))
const later = (send: () => void) => void setTimeout(send, 5)

const change = (id: number, title: string) => app.pool.query('UPDATE posts SET title = $2 WHERE id = $1', [id, title])

describe.each([
  ['in one tick', inOneTick],
  ['later', later],
])('S9: rows that a loader has fetched for several callers, %s', (_, schedule) => {
  it('who was answered in the flow of another has nothing kept, and the one who sent it for both is dropped by both', async () => {
    const load = loader(schedule)
    const title = app.cacheops.computed('title', (id: number) => load(id))
    expect(await Promise.all([title(1), title(2)])).toEqual(['Notes', 'Drafts'])
    expect(events.sort()).toEqual(['title miss', 'title(2): unattributed: no statement ran in it'])
    await change(2, 'Finished')
    await change(1, 'Noted')
    expect(await Promise.all([title(1), title(2)])).toEqual(['Noted', 'Finished'])
  })

  it('who ran a statement of his own too depends on what was fetched for him', async () => {
    const load = loader(schedule)
    const page = app.cacheops.computed('page', async (id: number) => {
      const [title, { rows }] = await Promise.all([
        load(id),
        app.pool.query('SELECT name FROM authors WHERE id = $1', [id]),
      ])
      return `${title} by ${rows[0]?.name}`
    })
    expect(await Promise.all([page(1), page(2)])).toEqual(['Notes by Ada', 'Drafts by Grace'])
    expect(events).toEqual(['page miss', 'page miss'])
    await change(2, 'Finished')
    expect(await Promise.all([page(1), page(2)])).toEqual(['Notes by Ada', 'Finished by Grace'])
    await change(1, 'Noted')
    expect(await Promise.all([page(1), page(2)])).toEqual(['Noted by Ada', 'Finished by Grace'])
  })

  it('the same where the first who asked is no function that is cached', async () => {
    const load = loader(schedule)
    const page = app.cacheops.computed('page', async (id: number) => {
      await app.pool.query('SELECT name FROM authors WHERE id = 1')
      return load(id)
    })
    const own = app.cacheops.computed('own', (id: number) => load(id))
    const begun = gate()
    const all = Promise.all([load(3), own(2), begun.opened.then(() => load(1)), page(1)])
    begun.open()
    expect(await all).toEqual(['Compilers', 'Drafts', 'Notes', 'Notes'])
    await change(1, 'Noted')
    await change(2, 'Finished')
    expect(await Promise.all([page(1), own(2)])).toEqual(['Noted', 'Finished'])
  })

  it('where the query for all is not cached, neither is anything that waited for it', async () => {
    const load = loader(schedule, true)
    const page = app.cacheops.computed('page', async (id: number) => {
      const loading = load(id)
      await app.pool.query('SELECT name FROM authors WHERE id = 1')
      return loading
    })
    await Promise.all([page(1), page(2)])
    await change(1, 'Noted')
    await change(2, 'Finished')
    expect(await Promise.all([page(1), page(2)])).toEqual(['Noted', 'Finished'])
    expect(events).toHaveLength(4)
    for (const event of events) expect(event).toMatch(/^page\(.\): a statement ran past the cache: .*clock_timestamp/)
  })
})

describe('S9: what other flows run meanwhile', () => {
  const meanwhile = async (
    options: { batches?: boolean },
    other: () => Promise<unknown>,
  ): Promise<() => Promise<string>> => {
    const begun = gate()
    const go = gate()
    const page = app.cacheops.computed(
      'page',
      async () => {
        const { rows } = await app.pool.query('SELECT title FROM posts WHERE id = 1')
        begun.open()
        await go.opened
        return rows[0]?.title as string
      },
      options,
    )
    const first = page()
    await begun.opened
    await other()
    go.open()
    await first
    events.length = 0
    await page()
    return page
  }
  const read = () => app.pool.query('SELECT line FROM notes')
  const write = () => app.pool.query(`UPDATE notes SET line = 'y'`)

  it('is a part of what a result depends on', async () => {
    const page = await meanwhile({}, read)
    await write()
    await page()
    expect(events).toEqual(['page hit', 'page miss'])
  })

  it('keeps the result out where it is not cached', async () => {
    await meanwhile({}, write)
    expect(events).toEqual(['page miss'])
  })

  it('does not count with batches: false', async () => {
    await meanwhile({ batches: false }, write)
    expect(events).toEqual(['page hit'])
  })

  it('is told as such', async () => {
    const lines = told(app)
    await meanwhile({}, write)
    expect(lines[0]).toBe('page(): a statement ran past the cache: another flow, it writes')
  })
})
