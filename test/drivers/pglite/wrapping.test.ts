import { PGlite } from '@electric-sql/pglite'
import { live } from '@electric-sql/pglite/live'
import { type Cacheops, ConfigError, memory } from 'cacheops'
import { cachedPGlite } from 'cacheops/pglite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPGlite } from '../../support/pglite.js'
import { allCached, outcome, readsOf } from './support.js'

const open: PGlite[] = []

async function plain(): Promise<PGlite> {
  const db = await createPGlite()
  open.push(db)
  return db
}

async function wrap(cacheops: Cacheops = allCached(), options?: { database: string }) {
  const raw = await plain()
  const db = cachedPGlite(cacheops, raw, options)
  await db.exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
  const one = async (on: Pick<PGlite, 'query'> = db) => {
    const { rows } = await on.query<{ v: string }>('SELECT v FROM t WHERE id = $1', [1])
    return rows[0]?.v
  }
  return { db, raw, cacheops, one, seen: readsOf(cacheops) }
}

afterEach(async () => {
  for (const db of open.splice(0)) if (!db.closed) await db.close()
})

describe('what is wrapped', () => {
  it('is refused where it is no PGlite', async () => {
    const cacheops = allCached()
    const wrong = (db: unknown, options?: object) => () => cachedPGlite(cacheops, db as PGlite, options as never)
    expect(wrong({})).toThrow(ConfigError)
    expect(wrong(undefined)).toThrow(/expected a PGlite instance as the second argument, with the functions query/)
    expect(wrong(PGlite)).toThrow(/new PGlite\(\)/)
    expect(wrong(Promise.resolve())).toThrow(/await PGlite\.create\(\)/)
    expect(wrong({ query() {}, exec() {}, transaction() {} })).toThrow(/which lacks sql, execProtocol/)
    const db = await plain()
    expect(wrong(db, { name: 'x' })).toThrow("there is no option 'name'")
    expect(wrong(db, { database: '' })).toThrow(/database: expected a name/)
    expect(wrong(db, { database: 5 })).toThrow(/database: expected a name/)
    expect(() => cachedPGlite({}, db)).toThrow(/what createCacheops\(\) returned/)
  })

  it('is the instance in all else', async () => {
    const { db, raw } = await wrap()
    expect(db).toBeInstanceOf(PGlite)
    expect(db.constructor).toBe(PGlite)
    expect([db.ready, db.closed, db.debug, db.dataDir]).toEqual([raw.ready, raw.closed, raw.debug, raw.dataDir])
    expect(db.parsers).toBe(raw.parsers)
    expect(db.query).toBe(db.query)
    expect(db.dumpDataDir).toBe(db.dumpDataDir)
    expect(Object.keys(db)).toEqual(Object.keys(raw))
    expect('query' in db).toBe(true)
    await db.waitReady
    expect((await db.dumpDataDir('none')).size).toBeGreaterThan(1000)
    db.parsers[25] = (text: string) => text.toUpperCase()
    expect((await db.query('SELECT v FROM t WHERE id = 1')).rows).toEqual([{ v: 'ONE' }])
  })

  it('may be wrapped before it is ready', async () => {
    const raw = new PGlite()
    open.push(raw)
    const db = cachedPGlite(allCached(), raw)
    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    expect(await db.transaction((tx) => tx.query('SELECT $1::int[] AS many', [[1, 2]]))).toMatchObject({
      rows: [{ many: [1, 2] }],
    })
  }, 60_000)

  it('is the same where it is wrapped again', async () => {
    const { db, raw, cacheops } = await wrap()
    expect(cachedPGlite(cacheops, raw)).toBe(db)
    expect(cachedPGlite(cacheops, db)).toBe(db)
    expect(() => cachedPGlite(cacheops, raw, { database: 'other' })).toThrow(/cannot be 'other' as well/)
  })

  it('may be wrapped for another cacheops, over the wrapper too', async () => {
    const store = memory()
    const first = await wrap(allCached({ store }))
    const cacheops = allCached({ store })
    const second = cachedPGlite(cacheops, first.db)
    expect(second).not.toBe(first.db)
    expect([await first.one(), await first.one(second)]).toEqual(['one', 'one'])
    await second.query("UPDATE t SET v = 'changed' WHERE id = 1")
    expect([await first.one(), await first.one(second)]).toEqual(['changed', 'changed'])
    await first.db.query("UPDATE t SET v = 'again' WHERE id = 1")
    expect([await first.one(), await first.one(second)]).toEqual(['again', 'again'])
  })

  it('never shares entries with another instance, unless told that the data are the same', async () => {
    const store = memory()
    const [first, second] = [await wrap(allCached({ store })), await wrap(allCached({ store }))]
    await second.db.exec("UPDATE t SET v = 'of the second'")
    for (let round = 0; round < 2; round++) {
      expect([await first.one(), await second.one()]).toEqual(['one', 'of the second'])
    }
    await first.db.exec("UPDATE t SET v = 'of the first'")
    expect([await first.one(), await second.one()]).toEqual(['of the first', 'of the second'])
    expect(second.seen).toEqual(['miss', 'hit', 'hit'])

    const [third, fourth] = [
      await wrap(allCached({ store }), { database: 'app' }),
      await wrap(allCached({ store }), { database: 'app' }),
    ]
    expect([await third.one(), await fourth.one()]).toEqual(['one', 'one'])
    expect(fourth.seen).toEqual(['hit'])
  })

  it('ends as PGlite ends, after what was called before', async () => {
    const { db, raw, cacheops, one } = await wrap()
    await one()
    const last = db.query("UPDATE t SET v = 'last' RETURNING v")
    const closed = db.close()
    expect((await last).rows).toHaveLength(2)
    await closed
    expect([db.closed, raw.closed]).toEqual([true, true])
    const now = await outcome(() => one())
    expect(now).toEqual(await outcome(() => one(raw)))
    expect(now).toMatchObject({ error: { message: 'PGlite is closed' } })
    expect(await outcome(() => db.exec('SELECT 1'))).toEqual(await outcome(() => raw.exec('SELECT 1')))
    expect(await outcome(() => db.transaction(async () => 1))).toEqual(
      await outcome(() => raw.transaction(async () => 1)),
    )
    expect(await outcome(() => db.close())).toEqual(await outcome(() => raw.close()))
    await expect(cacheops.ready()).rejects.toThrow(/nothing is wrapped/)
  })

  it('is ready when its catalog is read', async () => {
    const { db, cacheops } = await wrap()
    await cacheops.ready()
    await db.exec('CREATE SCHEMA a; CREATE TABLE a.t (id int PRIMARY KEY)')
    await cacheops.ready()
    await expect(
      (async () => {
        const misnamed = allCached({ models: { post: { ops: 'all', ttl: '1h' } } })
        cachedPGlite(misnamed, await plain())
        await misnamed.ready()
      })(),
    ).rejects.toThrow(/'post'/)
  })

  it('hits again where the catalog had to be read anew', async () => {
    const { db, one, seen } = await wrap()
    await one()
    await db.exec('CREATE TABLE other (id int)')
    seen.length = 0
    expect([await one(), await one()]).toEqual(['one', 'one'])
    expect(seen).toEqual(['miss', 'hit'])
  })
})

describe('what goes past it', () => {
  const simple = (text: string) => {
    const body = Buffer.from(`${text}\0`)
    const head = Buffer.alloc(5)
    head.write('Q')
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }

  it('drops everything after messages of the wire protocol', async () => {
    const { db, one } = await wrap()
    expect(await one()).toBe('one')
    await db.execProtocol(simple("UPDATE t SET v = 'a' WHERE id = 1"))
    expect(await one()).toBe('a')
    await db.execProtocolRaw(simple("UPDATE t SET v = 'b' WHERE id = 1"))
    expect(await one()).toBe('b')
    db.execProtocolRawSync(simple("UPDATE t SET v = 'c' WHERE id = 1"))
    expect(await one()).toBe('c')
    await db.runExclusive(() => db.execProtocolStream(simple("UPDATE t SET v = 'd' WHERE id = 1")))
    expect(await one()).toBe('d')
    await db.execProtocolRawStream(simple("UPDATE t SET v = 'e' WHERE id = 1"), { onRawData: () => undefined })
    expect(await one()).toBe('e')
    await expect(db.execProtocol(simple("UPDATE t SET v = 'f' WHERE id = 1; SELECT 1/0"))).rejects.toThrow('division')
    expect(await one()).toBe('e')
  })

  it('keeps nothing of a transaction that the wire protocol began', async () => {
    const { db, one, seen } = await wrap()
    await one()
    await db.execProtocol(simple('BEGIN'))
    await db.execProtocol(simple("UPDATE t SET v = 'never' WHERE id = 1"))
    expect(await one()).toBe('never')
    await db.query('ROLLBACK')
    expect(await one()).toBe('one')
    await db.execProtocol(simple('BEGIN'))
    await db.query("UPDATE t SET v = 'kept' WHERE id = 1")
    await db.execProtocol(simple('COMMIT'))
    expect(await one()).toBe('kept')
    expect(await one()).toBe('kept')
    expect(seen.at(-1)).toBe('hit')
  })

  it('keeps nothing of a transaction() in which the wire protocol wrote', async () => {
    const { db, one } = await wrap()
    await db.transaction(async (tx) => {
      await db.execProtocol(simple("UPDATE t SET v = 'never' WHERE id = 1"))
      expect(await one(tx)).toBe('never')
      await tx.rollback()
    })
    expect(await one()).toBe('one')
    await db.transaction(async (tx) => {
      await one(tx)
      await db.execProtocol(simple("UPDATE t SET v = 'kept' WHERE id = 1"))
    })
    expect(await one()).toBe('kept')
  })

  it('sees settings that the wire protocol changed', async () => {
    const { db, one } = await wrap()
    await db.exec(
      "CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY, v text); INSERT INTO other.t VALUES (1, 'of other')",
    )
    expect(await one()).toBe('one')
    await db.execProtocol(simple('SET search_path = other, public'))
    expect(await one()).toBe('of other')
    await db.exec('RESET search_path')
    expect(await one()).toBe('one')
  })

  it('does not cache with serializers of the instance, and drops more', async () => {
    const raw = await createPGlite({ serializers: { 25: (value: string) => value.toLowerCase() } })
    open.push(raw)
    const cacheops = allCached()
    const db = cachedPGlite(cacheops, raw)
    await db.exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')")
    const seen = readsOf(cacheops)
    const by = (v: string) => db.query('SELECT id FROM t WHERE v = $1', [v]).then(({ rows }) => rows)
    const ids = () => db.query('SELECT id, v FROM t').then(({ rows }) => rows)
    expect(await by('ONE')).toEqual([{ id: 1 }])
    expect(seen).toEqual([])
    await ids()
    await db.query('UPDATE t SET v = $1 WHERE v = $2', ['two', 'ONE'])
    expect(await ids()).toEqual([{ id: 1, v: 'two' }])
    expect(await by('TWO')).toEqual([{ id: 1 }])
  })

  it('works beside live queries, which run on the instance itself', async () => {
    const raw = await createPGlite({ extensions: { live } })
    open.push(raw)
    const db = cachedPGlite(allCached(), raw as PGlite & { live: unknown }) as typeof raw & {
      live: {
        query(
          text: string,
          params: unknown[],
          heard: (result: { rows: unknown[] }) => void,
        ): Promise<{ unsubscribe(): Promise<void> }>
      }
    }
    await db.exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')")
    const heard: unknown[] = []
    const { unsubscribe } = await db.live.query('SELECT * FROM t', [], ({ rows }) => heard.push(rows))
    await db.query("UPDATE t SET v = 'two' WHERE id = 1")
    await vi.waitFor(() => expect(heard.at(-1)).toEqual([{ id: 1, v: 'two' }]))
    expect((await db.query('SELECT * FROM t')).rows).toEqual([{ id: 1, v: 'two' }])
    await unsubscribe()
  })

  it('delivers before it answers, while others use the instance itself', async () => {
    const { db, raw } = await wrap()
    let over = false
    const others = Promise.all(
      [1, 2].map(async (id) => {
        while (!over) {
          await raw.transaction(async (tx) => {
            await tx.query('SELECT v FROM t WHERE id = $1', [id])
            await tx.query('SELECT 1')
          })
        }
      }),
    )
    for (let round = 0; round < 200; round++) {
      await db.query('UPDATE t SET v = $1 WHERE id = 1', [String(round)])
      expect((await db.query('SELECT v FROM t WHERE id = 1')).rows).toEqual([{ v: String(round) }])
      if (round % 20 === 0) await db.exec('CREATE OR REPLACE VIEW w AS SELECT 1')
    }
    over = true
    await others
  })
})
