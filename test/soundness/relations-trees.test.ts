import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, World } from './world.js'

const SCHEMA = `
  CREATE TABLE parts (id integer, at integer, v integer) PARTITION BY RANGE (at);
  CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY LIST (id);
  CREATE TABLE low_one (v integer, at integer, id integer);
  ALTER TABLE low ATTACH PARTITION low_one FOR VALUES IN (1);
  CREATE TABLE low_rest PARTITION OF low DEFAULT;
  CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20);
  INSERT INTO parts VALUES (1, 1, 1), (2, 2, 2), (3, 12, 3);
  CREATE TABLE animals (id integer, v integer);
  CREATE TABLE dogs (size integer) INHERITS (animals);
  CREATE TABLE cats (size text) INHERITS (animals);
  CREATE TABLE puppies () INHERITS (dogs);
  INSERT INTO animals VALUES (1, 1); INSERT INTO dogs VALUES (2, 2, 20); INSERT INTO cats VALUES (3, 3, 'small');
  INSERT INTO puppies VALUES (4, 4, 5);
  CREATE TABLE owners (id integer PRIMARY KEY);
  CREATE TABLE owned (id integer, owner integer REFERENCES owners ON DELETE CASCADE) PARTITION BY LIST (id);
  CREATE TABLE owned_one PARTITION OF owned FOR VALUES IN (1);
  INSERT INTO owners VALUES (1); INSERT INTO owned VALUES (1, 1);
  CREATE VIEW seen AS SELECT id, v FROM parts WHERE v > 0;
`
const READS = [
  ...['parts', 'ONLY parts', 'low', 'low_one', 'low_rest', 'high', 'seen'].map(
    (name) => `SELECT id, v FROM ${name} ORDER BY id, v`,
  ),
  ...['parts', 'low', 'low_one', 'low_rest', 'high'].flatMap((name) => [
    `SELECT v FROM ${name} WHERE id = 1 ORDER BY v`,
    `SELECT id FROM ${name} WHERE at = 2 ORDER BY id`,
  ]),
  ...['animals', 'ONLY animals', 'dogs', 'cats', 'puppies'].flatMap((name) => [
    `SELECT id, v FROM ${name} ORDER BY id, v`,
    `SELECT v FROM ${name} WHERE id = 4 ORDER BY v`,
  ]),
  'SELECT id FROM dogs WHERE size = 5 ORDER BY id',
  `SELECT id FROM cats WHERE size = 'small' ORDER BY id`,
  'SELECT id FROM owned_one ORDER BY id',
  'SELECT count(*)::int FROM owned WHERE owner = 1',
]

describe('relations: partitions and inheritance', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('relations_trees')
  })
  beforeEach(async () => {
    await world.reset(SCHEMA)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it.each([
    ['the root', 'UPDATE parts SET v = 10 WHERE id = 1'],
    ['the root, of every row', 'UPDATE parts SET v = v + 1'],
    ['a partition', 'UPDATE low_one SET v = 10'],
    ['a partition that has partitions', 'UPDATE low SET v = 10 WHERE id = 2'],
    ['a row that moves to another partition', 'UPDATE parts SET at = 15 WHERE id = 2'],
    ['a row that moves below a partition', 'UPDATE low SET id = 1 WHERE id = 2'],
    ['a new row, by the root', 'INSERT INTO parts VALUES (4, 2, 4)'],
    ['a new row, by a partition', 'INSERT INTO low_one (id, at, v) VALUES (1, 2, 7)'],
    ['a row that goes, by the root', 'DELETE FROM parts WHERE at = 2'],
    ['a row that goes, by a partition', 'DELETE FROM high'],
    ['TRUNCATE of the root', 'TRUNCATE parts'],
    ['TRUNCATE of a partition', 'TRUNCATE low'],
    ['DETACH', 'ALTER TABLE parts DETACH PARTITION high'],
    ['a parent', 'UPDATE animals SET v = 10 WHERE id = 4'],
    ['a parent alone', 'UPDATE ONLY animals SET v = 10'],
    ['a child', 'UPDATE dogs SET v = 10 WHERE id = 4'],
    ['a grandchild', 'UPDATE puppies SET size = 6'],
    ['a column that only children have', 'UPDATE dogs SET size = 5 WHERE id = 2'],
    ['a new child row', 'INSERT INTO puppies VALUES (5, 5, 5)'],
    ['a child row that goes, by its parent', 'DELETE FROM animals WHERE id = 3'],
    ['a child row that goes', `DELETE FROM cats WHERE size = 'small'`],
    ['a cascade into partitions', 'DELETE FROM owners WHERE id = 1'],
    ['a write through a view', 'UPDATE seen SET v = 9 WHERE id = 1'],
    ['a CTE that writes to a partition', 'WITH w AS (UPDATE high SET v = 9 RETURNING id) SELECT * FROM w'],
    ['MERGE', 'MERGE INTO parts p USING owners o ON p.id = o.id WHEN MATCHED THEN UPDATE SET v = 33'],
  ])('B8: %s drops what reads any member of the tree', async (_, write) => {
    for (const read of READS) await world.expectCached(app, read)
    const before = await Promise.all(READS.map((read) => world.truth(read)))
    await other.pool.query(write)
    const after = await Promise.all(READS.map((read) => world.truth(read)))
    expect(after, 'the write changes an answer').not.toEqual(before)
    for (const read of READS) await world.expectRight(app, read)
  })

  it('B8: a table that becomes a partition is known by its root from then on', async () => {
    await world.plain.query(
      'CREATE TABLE later (id integer, at integer, v integer); INSERT INTO later VALUES (8, 25, 8)',
    )
    const one = await world.ready()
    const [reads, write] = [['SELECT v FROM later', 'SELECT id, v FROM parts ORDER BY id'], 'UPDATE later SET v = 9']
    for (const read of reads) await world.expectCached(one, read)
    await other.pool.query('ALTER TABLE parts ATTACH PARTITION later FOR VALUES FROM (20) TO (30)')
    for (const read of reads) await world.expectRight(one, read)
    await other.pool.query(write)
    for (const read of reads) await world.expectRight(one, read)
  })

  it.each(['low_one', 'parts'])('B8: by hand, %s is its tree', async (model) => {
    const read = 'SELECT v FROM low WHERE id = 1'
    for (const drop of ['invalidateModel', 'invalidateObj'] as const) {
      await world.expectCached(app, read)
      await world.plain.query('UPDATE low_one SET v = v + 1')
      if (drop === 'invalidateModel') await other.cacheops.invalidateModel(model)
      else await other.cacheops.invalidateObj(model, { id: 1, at: 1 })
      await world.expectRight(app, read)
    }
  })

  it('B8: what inherits from several tables passes by', async () => {
    await world.plain.query(`CREATE TABLE float (id integer); CREATE TABLE wheel (id integer);
      CREATE TABLE seaplane () INHERITS (float, wheel); INSERT INTO seaplane VALUES (1)`)
    const one = await world.ready()
    for (const table of ['float', 'wheel', 'seaplane']) {
      await world.expectPast(one, `SELECT id FROM ${table}`, [], /inherits from several tables/)
    }
  })

  it('B8, A16: a foreign partition is not seen to change, so its tree passes by', async () => {
    await world.plain.query(`CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw;
      CREATE TABLE lines (line text, kind integer) PARTITION BY LIST (kind);
      CREATE TABLE own PARTITION OF lines FOR VALUES IN (1);
      CREATE FOREIGN TABLE far PARTITION OF lines FOR VALUES IN (2) SERVER files OPTIONS (filename '/dev/null')`)
    const one = await world.ready()
    await world.expectPast(one, 'SELECT line FROM lines WHERE kind = 1', [], /foreign table in its tree/)
    await world.expectPast(one, 'SELECT line FROM own', [], /foreign table in its tree/)
    await world.expectPast(one, 'SELECT count(*) FROM far', [], /is a foreign table/)
  })

  it('a table that is never cached is not cached as a partition, nor through one', async () => {
    const part = await world.ready({ models: { '*': { ops: 'all', ttl: '1h' }, low_one: false } })
    await world.expectPast(part, 'SELECT v FROM parts', [], /low_one is configured as never cached/)
    await world.expectPast(part, 'SELECT v FROM seen', [], /low_one is configured as never cached/)
    await world.expectCached(part, 'SELECT v FROM high')
    const root = await world.ready({ models: { '*': { ops: 'all', ttl: '1h' }, parts: false } })
    await world.expectPast(root, 'SELECT v FROM low_one', [], /parts is configured as never cached/)
  })
})

describe('relations: materialized views', () => {
  let world: World
  let app: App
  let other: App
  beforeAll(async () => {
    world = await World.open('relations_kept')
  })
  beforeEach(async () => {
    await world.reset(`
      CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text);
      INSERT INTO posts SELECT i, i % 4, 'title ' || i FROM generate_series(1, 9) i;
      CREATE TABLE logs (line text);
      CREATE FUNCTION fresh() RETURNS void LANGUAGE plpgsql AS 'BEGIN REFRESH MATERIALIZED VIEW kept; END';
      CREATE MATERIALIZED VIEW kept AS SELECT id, author, title, now() AS at FROM posts; CREATE UNIQUE INDEX ON kept (id);
      CREATE VIEW through AS SELECT k.id, k.title FROM kept k WHERE author = 1`)
    app = await world.ready()
    other = await world.ready()
  })
  afterAll(() => world.end())

  it.each([
    ['REFRESH', 'REFRESH MATERIALIZED VIEW kept'],
    ['REFRESH CONCURRENTLY', 'REFRESH MATERIALIZED VIEW CONCURRENTLY kept'],
    ['REFRESH by a function', 'SELECT fresh()'],
  ])('A16: a materialized view is cached until %s, whatever happens to what it was made of', async (_, refresh) => {
    const reads = [
      'SELECT title FROM kept WHERE id = 1',
      'SELECT title FROM through WHERE id = 1',
      'SELECT at FROM kept WHERE id = 1',
    ]
    for (const read of reads) await world.expectCached(app, read)
    await other.pool.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
    for (const read of reads) expect((await app.ask(read)).how).toBe('hit')
    for (const read of reads) await world.expectRight(app, read)
    await other.pool.query(refresh)
    for (const read of reads) await world.expectRight(app, read)
    expect((await app.ask(reads[0] as string)).rows).toEqual([{ title: 'new' }])
  })

  it('A16: a REFRESH that is rolled back drops nothing, and one in a transaction drops at its commit', async () => {
    const read = 'SELECT title FROM kept WHERE id = 1'
    await world.expectCached(app, read)
    await world.plain.query(`UPDATE posts SET title = 'new' WHERE id = 1`)
    const client = await world.client(other)
    for (const end of ['ROLLBACK', 'COMMIT']) {
      await client.query('BEGIN')
      await client.query('REFRESH MATERIALIZED VIEW kept')
      expect((await app.ask(read)).how).toBe('hit')
      await client.query(end)
      await world.expectRight(app, read)
    }
    expect((await app.ask(read)).rows).toEqual([{ title: 'new' }])
  })

  it('A16, A17: REFRESH calls the functions of its definition', async () => {
    await world.plain.query(`
      CREATE FUNCTION noted(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.logs VALUES ($1); RETURN $1; END $$;
      CREATE VIEW inner_view AS SELECT id, noted(title) AS title FROM posts WHERE id = 1;
      CREATE MATERIALIZED VIEW talks AS SELECT title FROM inner_view WITH NO DATA`)
    const [one, two] = [await world.ready(), await world.ready()]
    await world.expectDropped([one], 'SELECT count(*)::int AS n FROM logs', [], () =>
      two.pool.query('REFRESH MATERIALIZED VIEW talks'),
    )
  })
})
