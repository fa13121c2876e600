import { citext } from '@electric-sql/pglite/contrib/citext'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { openPGlite, openPostgres, type TestDatabase } from './support.js'

const SERVERS = [
  { name: 'PostgreSQL', open: () => openPostgres('equality') },
  { name: 'PGlite', open: () => openPGlite({ extensions: { citext } }) },
]

describe.each(SERVERS)('S3: equality that users replaced, on $name', ({ open }) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await open()
    await db.exec(`
      CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE TYPE pair AS (a int, b int);
      CREATE SCHEMA mine;
      CREATE TABLE kinds (i4 int, i8 bigint, b boolean, u uuid, m mood, t text, v varchar(9));
      CREATE FUNCTION mine.same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower($1) OPERATOR(pg_catalog.=) lower($2)';
      CREATE FUNCTION mine.same(anyelement, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
      CREATE FUNCTION mine.same(pair, int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT ($1).a = $2';
      CREATE FUNCTION mine.words(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
      CREATE FUNCTION mine.to_pair(text) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW(1, 2)::pair';
      CREATE FUNCTION mine.to_pair_now(text) RETURNS pair LANGUAGE sql STABLE AS 'SELECT ROW(1, 2)::pair'`)
  })
  afterAll(() => db.close())

  /** What `sql` makes `other`, by column; everything is undone afterwards. */
  async function replaced(sql: string, check?: (catalog: Catalog) => void): Promise<readonly string[]> {
    await db.exec(`BEGIN; ${sql}`)
    try {
      const catalog = await loadCatalog(db.query, 'd', { snapshot: false })
      check?.(catalog)
      const columns = catalog.byId.get('public.kinds')?.columns ?? []
      for (const { typeOid, keyType } of columns) expect(catalog.overloadedTypes.has(typeOid)).toBe(keyType === 'other')
      return columns.filter(({ keyType }) => keyType === 'other').map(({ name }) => name)
    } finally {
      await db.exec('ROLLBACK')
    }
  }

  const operator = (left: string, right: string, name = '=') =>
    `CREATE OPERATOR mine.${name} (FUNCTION = mine.same, LEFTARG = ${left}, RIGHTARG = ${right})`

  test('nothing was replaced', async () => {
    expect(await replaced('')).toEqual([])
  })

  test('an operator = on text is also that of varchar', async () => {
    expect(await replaced(operator('text', 'text'))).toEqual(['t', 'v'])
  })

  test('an operator = over a pseudo-type takes what has none of its own', async () => {
    expect(await replaced(operator('anyelement', 'text'))).toEqual(['m', 't', 'v'])
  })

  test('an operator = with an integer on a side', async () => {
    expect(await replaced(operator('pair', 'int'))).toEqual(['i4'])
  })

  test('an operator of another name replaces nothing, and is known by name', async () => {
    const check = ({ userOperators }: Catalog) => {
      expect(userOperators.get('<=>')).toEqual({ immutable: false })
      expect(userOperators.get('<~>')).toEqual({ immutable: true })
      expect(userOperators.has('=')).toBe(false)
    }
    const sql = [operator('text', 'text', '<=>'), operator('pair', 'int', '<=>'), operator('text', 'text', '<~>')]
    expect(await replaced(sql.join(';'), check)).toEqual([])
  })

  test('an implicit cast between built-in types', async () => {
    expect(await replaced('CREATE CAST (int AS text) WITH FUNCTION mine.words(int) AS IMPLICIT')).toHaveLength(7)
    const explicit = 'CREATE CAST (pair AS text) WITH INOUT; CREATE CAST (mood AS text) WITH INOUT AS ASSIGNMENT'
    expect(await replaced(explicit, ({ userCasts }) => expect([...userCasts]).toEqual(['text']))).toEqual([])
  })

  test('an implicit cast from an enum', async () => {
    const check = ({ userCasts, opaque }: Catalog) => expect([[...userCasts], opaque]).toEqual([[], undefined])
    expect(await replaced('CREATE CAST (mood AS text) WITH INOUT AS IMPLICIT', check)).toEqual(['m'])
  })

  test('an implicit cast from text to a type of a user', async () => {
    const cast = 'CREATE CAST (text AS pair) WITH FUNCTION mine.to_pair(text) AS IMPLICIT'
    expect(await replaced(cast)).toEqual([])
    // … where text_column = 5 then finds pair = int.
    expect(await replaced(`${cast}; ${operator('pair', 'int')}`)).toEqual(['i4', 't'])
  })

  test('A10: an implicit cast that is not immutable may happen in any statement', async () => {
    const cast = 'CREATE CAST (text AS pair) WITH FUNCTION mine.to_pair_now(text)'
    await replaced(`${cast} AS IMPLICIT`, ({ opaque, userCasts }) => {
      expect(opaque).toBe('implicit casts that are not immutable: text to public.pair')
      expect([...userCasts]).toEqual(['pair'])
    })
    await replaced(cast, ({ opaque, userCasts }) => {
      expect(opaque).toBeUndefined()
      expect([...userCasts]).toEqual(['pair'])
    })
  })

  test('with citext, only citext is compared otherwise', async () => {
    const sql = 'CREATE EXTENSION citext; CREATE TABLE mail (address citext, t text)'
    const check = ({ byId, userTypes, userCasts, userOperators }: Catalog) => {
      expect(byId.get('public.mail')?.columns.map(({ keyType }) => keyType)).toEqual(['other', 'text'])
      expect(userTypes).toContain('citext')
      expect(userOperators.get('=')).toEqual({ immutable: true })
      expect([...userCasts]).toEqual([])
    }
    expect(await replaced(sql, check)).toEqual([])
  })

  // The rule says that the built-in equality is still the one used: the server is asked.
  test('with citext and casts to it, the server compares text as text', async () => {
    await db.exec(`BEGIN; CREATE EXTENSION citext; INSERT INTO kinds (t, v, m) VALUES ('A', 'A', 'ok')`)
    try {
      const [row] = await db.query(`SELECT count(*) FILTER (WHERE t = 'a'), count(*) FILTER (WHERE v = 'a'),
        count(*) FILTER (WHERE v IN ('a', 'b')), count(*) FILTER (WHERE t = ANY ('{a}')), count(*) FILTER (WHERE m = 'ok') FROM kinds`)
      expect(row).toEqual(['0', '0', '0', '0', '1'])
      expect((await db.query('SELECT count(*) FROM kinds WHERE t = $1', ['a']))[0]).toEqual(['0'])
      expect((await db.query('SELECT count(*) FROM kinds WHERE v = $1', ['a']))[0]).toEqual(['0'])
    } finally {
      await db.exec('ROLLBACK')
    }
  })
})
