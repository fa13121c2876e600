import { PGlite } from '@electric-sql/pglite'
import { type Cacheops, type CacheopsOptions, createCacheops, memory, type ReadEvent } from 'cacheops'
import { cachedPGlite } from 'cacheops/pglite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPGlite } from '../../support/pglite.js'

const TABLES = `
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TABLE posts (id int PRIMARY KEY, title text NOT NULL, author int, views int NOT NULL DEFAULT 0);
  CREATE TABLE everything (
    id int PRIMARY KEY, small int2, big int8, exact numeric(20, 4), single float4, double float8, yes bool,
    words text, short varchar(5), fixed char(4), day date, moment timestamptz, naive timestamp, clock time, span interval,
    json json, jsonb jsonb, ints int[], texts text[], grid int[][], moments timestamptz[], flags bool[], bytes bytea,
    uuid uuid, mood mood, moods mood[]
  );`

export const ROWS = `
  TRUNCATE posts, everything;
  INSERT INTO posts VALUES (1, 'first', 1, 3), (2, 'second', 1, 0), (3, 'third', 2, 7);
  INSERT INTO everything VALUES
    (1, 7, 9007199254740993, 12.3400, 1.5, 0.1, true, 'O''Reilly \\ ünï 🐘', 'abc', 'ab', '2024-02-29', '2024-01-01T00:00:00.123Z',
     '2024-01-01T10:00:00', '10:20:30', '1 day 02:00:00', '{"a": [1, null, "x"]}', '{"deep": {"n": 1}}', '{1,NULL,3}', '{a,"b c","d\\"e",NULL}',
     '{{1,2},{3,4}}', '{2024-01-01T00:00:00Z}', '{t,f}', '\\xdeadbeef00', '0123abcd-0000-4000-8000-00000000abcd', 'sad', '{sad,ok}'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL),
    (3, -1, 5, -0.0001, 'NaN', 'Infinity', false, '', '', '', 'infinity', '-infinity', 'infinity', '00:00', '-1 mon', 'null', '"text"', '{}', '{}',
     '{}', '{}', '{}', '\\x', '00000000-0000-0000-0000-000000000000', 'ok', '{}');`

export function allCached(options: Partial<CacheopsOptions> = {}): Cacheops {
  return createCacheops({ store: memory(), models: { '*': { ops: 'all', ttl: '1h' } }, ...options })
}

/** Reads of a cacheops as they happen: `hit`, `joined` or `miss`. */
export function readsOf(cacheops: Cacheops): string[] {
  const seen: string[] = []
  cacheops.on('read', ({ hit, joined }: ReadEvent) => seen.push(joined ? 'joined' : hit ? 'hit' : 'miss'))
  return seen
}

/** A wrapped instance with the tables above, made anew for each file. */
export function useWrapped(options: Partial<CacheopsOptions> = {}) {
  let db!: PGlite
  let raw!: PGlite
  let cacheops!: Cacheops
  beforeAll(async () => {
    raw = await createPGlite()
    cacheops = allCached(options)
    db = cachedPGlite(cacheops, raw)
    await db.exec(TABLES)
    await db.exec(ROWS)
  })
  afterAll(() => db?.close())
  return {
    get db() {
      return db
    },
    /** Past the cache. */
    get raw() {
      return raw
    },
    get cacheops() {
      return cacheops
    },
  }
}

/** What a function gave, or the error with all that it carries. */
export async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { result: await run() }
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error }
    return { error: { ...error, name: error.name, message: error.message, class: error.constructor.name } }
  }
}

/**
 * Defines cases that are run on a plain PGlite and on a wrapped one, several times, so that the cache is cold and warm: what
 * each gives must be the same, to the last property.
 */
export function useBoth() {
  const wrapped = useWrapped()
  let plain!: PGlite
  beforeAll(async () => {
    plain = await createPGlite()
    await plain.exec(TABLES)
    await plain.exec(ROWS)
  })
  afterAll(() => plain?.close())
  const same = (name: string, run: (db: PGlite) => Promise<unknown>, reset: boolean): void => {
    it(name, async () => {
      if (reset) await plain.exec(ROWS)
      const expected = await outcome(() => run(plain))
      for (let round = 0; round < 3; round++) {
        if (reset) await wrapped.db.exec(ROWS)
        expect(await outcome(() => run(wrapped.db))).toStrictEqual(expected)
      }
      if (reset) await wrapped.db.exec(ROWS)
    })
  }
  return {
    wrapped,
    /** The case changes no rows. */
    reads: (name: string, run: (db: PGlite) => Promise<unknown>) => same(name, run, false),
    /** The rows are put back before each round. */
    writes: (name: string, run: (db: PGlite) => Promise<unknown>) => same(name, run, true),
  }
}

export { PGlite }
