import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog, Table } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { catalogQuery } from '../../src/catalog/statements.js'
import { SCHEMA } from './schema.js'
import { SERVERS, type TestDatabase } from './support.js'

/** Roles are shared by the databases of a server. */
const ROLE = `catalog_reader_${process.pid}`

describe.each(SERVERS)('loadCatalog on $name', ({ open }) => {
  let db: TestDatabase
  let catalog: Catalog
  const table = (id: string): Table => {
    const found = catalog.byId.get(id)
    if (!found) throw new Error(`no ${id} in the catalog`)
    return found
  }
  const column = (id: string, name: string) => {
    const found = table(id).column.get(name)
    if (!found) throw new Error(`no ${name} in ${id}`)
    return found
  }

  beforeAll(async () => {
    db = await open()
    await db.exec(SCHEMA)
    catalog = await loadCatalog(db.query, 'the data')
  })
  afterAll(() => db.close())

  test('relations, their kinds, and nothing of the system', () => {
    expect(catalog.database).toBe('the data')
    expect(catalog.serverVersion).toBeGreaterThanOrEqual(120000)
    const kinds = Object.fromEntries([...catalog.byId].map(([id, found]) => [id, found.kind]))
    expect(kinds).toMatchObject({
      'public.kinds': 'table',
      'public.watched_view': 'view',
      'public.frozen': 'materialized view',
      'public.split': 'partitioned table',
      'public.split_1': 'table',
      'public.counter': 'other',
      '"odd.one"."t.x"': 'table',
    })
    expect(
      [...catalog.tables.values()].filter((found) => /^pg_(?!temp)|^information_schema/.test(found.schema)),
    ).toEqual([])
    expect(catalog.tables.get(table('public.kinds').oid)).toBe(table('public.kinds'))
    const passing = [...catalog.tables.values()].find((found) => found.name === 'passing')
    expect(passing).toMatchObject({ temporary: true, schema: expect.stringMatching(/^pg_temp_\d+$/) })
    expect(table('public.kinds').temporary).toBe(false)
    expect(catalog.systemRelations.has('pg_class')).toBe(true)
    expect(catalog.systemRelations.has('information_schema.tables')).toBe(true)
  })

  test('S3: types, and which of them are compared by key', () => {
    const types = Object.fromEntries(table('public.kinds').columns.map((found) => [found.name, found.keyType]))
    expect(types).toEqual({
      ...{ i2: 'integer', i4: 'integer', i8: 'integer', b: 'boolean', u: 'uuid', m: 'enum', t: 'text', v: 'text' },
      ...{ c: 'other', n: 'other', tl: 'other', ts: 'text', d: 'other', f: 'other', num: 'other', at: 'other' },
      ...{ p: 'other', a: 'other', ma: 'other', one: 'other', j: 'other' },
    })
    expect(column('public.kinds', 'v')).toMatchObject({
      position: 8,
      typeOid: 1043,
      typeName: 'character varying',
      typname: 'varchar',
      typeSchema: 'pg_catalog',
      typeModifier: 7,
      collationOid: 100,
      notNull: false,
    })
    expect(column('public.kinds', 'm')).toMatchObject({
      typeName: 'public.mood',
      typname: 'mood',
      typeSchema: 'public',
    })
    expect(column('public.kinds', 'i4')).toMatchObject({ notNull: true, collationOid: 0, typeModifier: -1 })
    expect(column('public.kinds', 'at').typeName).toBe('timestamp with time zone')
    for (const name of ['mood', 'short', 'pair', 'coded', 'kinds']) expect(catalog.userTypes).toContain(name)
    expect(catalog.overloadedTypes).toEqual(new Set())
  })

  test('generated columns, identity, defaults that call functions', () => {
    expect(column('public.made', 'total')).toMatchObject({ generated: true, identity: false })
    expect([...column('public.made', 'total').generatedFrom].sort()).toEqual(['a', 'b'])
    expect(column('public.made', 'constant')).toMatchObject({ generated: true, generatedFrom: [] })
    expect(column('public.made', 'a')).toMatchObject({ generated: false, generatedFrom: [], identity: false })
    expect(column('public.made', 'id')).toMatchObject({ generated: false, identity: true })
    expect(table('public.made').column.has('dropped')).toBe(false)
    expect(column('public.made', 'total').position).toBe(5)
    const called = table('public.made').writeCalls.map((oid) => catalog.functionByOid.get(oid)?.name)
    expect(called).toEqual(['next_code'])
    expect(table('public.parent').writeCalls).toEqual([])
  })

  test('unique keys: not partial, over expressions or deferrable; INCLUDE does not count', () => {
    expect(table('public.made').keys).toHaveLength(4)
    expect(table('public.made').keys).toEqual(
      expect.arrayContaining([
        { columns: ['id'], primary: true, nullable: false },
        { columns: ['a', 'b'], primary: false, nullable: true },
        { columns: ['id', 'a'], primary: false, nullable: true },
        { columns: ['a'], primary: false, nullable: false },
      ]),
    )
  })

  test('foreign keys are found at their parent', () => {
    const references = Object.fromEntries(
      table('public.parent').references.map(({ child, ...rest }) => [
        child.id,
        { ...rest, sameChild: child === table(child.id) },
      ]),
    )
    const bySub = { childColumns: ['p'], parentColumns: ['sub'], setColumns: ['p'], sameChild: true }
    expect(references).toEqual({
      'public.child_cascade': { ...bySub, onDelete: 'cascade', onUpdate: 'cascade' },
      'public.child_restrict': { ...bySub, onDelete: 'restrict', onUpdate: 'restrict' },
      'public.child_none': { ...bySub, onDelete: 'no action', onUpdate: 'no action' },
      'public.child_null': {
        ...{ childColumns: ['a', 'b'], parentColumns: ['id', 'sub'], setColumns: ['b'], sameChild: true },
        ...{ onDelete: 'set null', onUpdate: 'set null' },
      },
      'public.child_default': {
        ...{ childColumns: ['b', 'a'], parentColumns: ['sub', 'id'], setColumns: ['b', 'a'], sameChild: true },
        ...{ onDelete: 'set default', onUpdate: 'no action' },
      },
    })
    const self = table('"odd.one"."t.x"')
    expect(self.references.map(({ child }) => child)).toEqual([self])
    expect(table('public.split').references.map(({ child }) => child.id)).toContain('public.split_child')
    // A row deleted from the partition cascades as well.
    expect(table('public.split_1').references.map(({ child }) => child.id)).toContain('public.split_child')
    expect(table('public.child_none').references).toEqual([])
  })

  test('triggers, enabled or not, and none of foreign keys', () => {
    const triggers = table('public.watched').triggers.map(({ functionOid, ...rest }) => ({
      ...rest,
      calls: catalog.functionByOid.get(functionOid)?.name,
    }))
    expect(triggers).toHaveLength(4)
    expect(triggers).toEqual(
      expect.arrayContaining([
        { name: 'one', timing: 'before', level: 'row', events: ['insert', 'update'], calls: 'note' },
        { name: 'two', timing: 'after', level: 'statement', events: ['delete', 'truncate'], calls: 'note' },
        { name: 'three', timing: 'after', level: 'row', events: ['update'], calls: 'note' },
        { name: 'four', timing: 'before', level: 'row', events: ['update'], calls: undefined },
      ]),
    )
    expect(table('public.watched_view').triggers).toMatchObject([{ name: 'five', timing: 'instead of', level: 'row' }])
    expect(table('public.split_1').triggers.map(({ name }) => name)).toContain('copied')
    expect(table('public.made').triggers).toEqual([])
  })

  test('A16: rules, inheritance, partitions, row-level security', () => {
    expect(table('public.ruled').rules).toBe(true)
    expect(table('public.watched_view').rules).toBe(false)
    expect(table('public.kinds')).toMatchObject({ rules: false, inherits: false, rowSecurity: false })
    expect(table('public.secret').rowSecurity).toBe(true)
    const family = (id: string) => {
      const { inherits, parents, children } = table(id)
      const ids = (oids: readonly number[]) => oids.map((oid) => catalog.tables.get(oid)?.id)
      return { inherits, parents: ids(parents), children: ids(children) }
    }
    expect(family('public.split')).toEqual({ inherits: true, parents: [], children: ['public.split_1'] })
    expect(family('public.split_1')).toEqual({ inherits: true, parents: ['public.split'], children: [] })
    expect(family('public.dog')).toEqual({ inherits: true, parents: ['public.animal'], children: [] })
    expect(family('public.animal')).toEqual({ inherits: true, parents: [], children: ['public.dog'] })
  })

  test('user functions: overloads, volatility, sources', async () => {
    expect(catalog.functions.get('add_one')).toMatchObject([
      { schema: 'public', kind: 'function', language: 'sql', volatility: 'immutable', source: 'SELECT $1 + 1' },
      { volatility: 'stable' },
    ])
    expect(catalog.functions.get('note')?.[0]).toMatchObject({ language: 'plpgsql', volatility: 'volatile' })
    expect(catalog.functions.get('note')?.[0]?.source).toContain('INSERT INTO log')
    expect(catalog.functions.get('tidy')?.[0]?.kind).toBe('procedure')
    // An aggregate always counts as immutable: what it calls does not.
    expect(catalog.functions.get('growth')).toMatchObject([
      { kind: 'aggregate', volatility: 'volatile', language: 'sql', source: 'SELECT public.grow()' },
    ])
    expect(catalog.functions.has('lower')).toBe(false)
    expect(catalog.opaque).toBeUndefined()
    if (catalog.serverVersion >= 140000) {
      await db.exec(`CREATE FUNCTION modern() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM log; SELECT 1; END`)
      const next = await loadCatalog(db.query, 'the data')
      expect(next.functions.get('modern')?.[0]?.source).toMatch(/DELETE FROM public\.log/)
      await db.exec('DROP FUNCTION modern()')
    }
  })

  test('virtual generated columns', async () => {
    if (catalog.serverVersion < 180000) return
    await db.exec('CREATE TABLE virtual (a int, b int, c int GENERATED ALWAYS AS (a * b) VIRTUAL)')
    const made = (await loadCatalog(db.query, 'the data')).byId.get('public.virtual')?.column.get('c')
    expect(made?.generated).toBe(true)
    expect([...(made?.generatedFrom ?? [])].sort()).toEqual(['a', 'b'])
    await db.exec('DROP TABLE virtual')
  })

  test('event triggers make the database opaque, unless they are disabled', async () => {
    await db.exec(`CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION ddl()`)
    expect((await loadCatalog(db.query, 'the data')).opaque).toBe('event triggers: on_ddl (ddl_command_end)')
    await db.exec('ALTER EVENT TRIGGER on_ddl DISABLE')
    expect((await loadCatalog(db.query, 'the data')).opaque).toBeUndefined()
    await db.exec('DROP EVENT TRIGGER on_ddl; DROP FUNCTION ddl()')
  })

  test('an ordinary role that owns nothing reads the same catalog', async () => {
    await db.exec(`CREATE ROLE ${ROLE} NOSUPERUSER; SET ROLE ${ROLE}`)
    try {
      expect(await loadCatalog(db.query, 'the data')).toEqual(
        await asSuperuser(() => loadCatalog(db.query, 'the data')),
      )
    } finally {
      await db.exec(`RESET ROLE; DROP ROLE ${ROLE}`)
    }
  })

  test.each([120000, 140000, 150000])('the statement for version %d runs on later ones too', async (version) => {
    const [row] = await db.query(catalogQuery(version))
    expect(JSON.parse(row?.[1] ?? '').relations).toHaveLength(catalog.tables.size)
  })

  async function asSuperuser<T>(run: () => Promise<T>): Promise<T> {
    await db.exec('RESET ROLE')
    try {
      return await run()
    } finally {
      await db.exec(`SET ROLE ${ROLE}`)
    }
  }
})
