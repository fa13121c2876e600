import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { SERVERS, type TestDatabase } from './support.js'

const SCHEMA = `
CREATE SCHEMA aside;
CREATE TABLE plain (id int);
CREATE TABLE parts (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE aside.low PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY LIST (id);
CREATE TABLE low_one (at int, id int);
ALTER TABLE aside.low ATTACH PARTITION low_one FOR VALUES IN (1);
CREATE TABLE rest PARTITION OF parts DEFAULT;
CREATE TABLE animal (id int);
CREATE TABLE dog (size int) INHERITS (animal);
CREATE TABLE cat (size int) INHERITS (animal);
CREATE TABLE cog () INHERITS (dog, cat);
CREATE TABLE float (v int);
CREATE TABLE wheel (w int);
CREATE TABLE seaplane () INHERITS (float, wheel);
CREATE TABLE far (id int);
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE farther () INHERITS (far) SERVER elsewhere;
CREATE VIEW seen AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain;
CREATE SEQUENCE counter;
CREATE TABLE shared (id int);
CREATE TEMP TABLE passing () INHERITS (shared);
`

describe.each(SERVERS)('B8: the ids of rows on $name', ({ open }) => {
  let db: TestDatabase
  let catalog: Catalog
  beforeAll(async () => {
    db = await open()
    await db.exec(SCHEMA)
    catalog = await loadCatalog(db.query, 'd')
  })
  afterAll(() => db.close())

  test.each([
    ['public.plain', 'public.plain'],
    ['public.parts', 'public.parts'],
    ['aside.low', 'public.parts'],
    ['public.low_one', 'public.parts'],
    ['public.rest', 'public.parts'],
    ['public.animal', 'public.animal'],
    ['public.dog', 'public.animal'],
    ['public.cog', 'public.animal'],
    ['public.kept', 'public.kept'],
    // A process that does not see another session's temporary child names the same stamps.
    ['public.shared', 'public.shared'],
  ])('those of %s are known as %s', (id, expected) => {
    expect(catalog.byId.get(id)?.stampId).toBe(expected)
  })

  test.each([
    'public.float',
    'public.wheel',
    'public.seaplane',
    'public.far',
    'public.farther',
    'public.seen',
    'public.counter',
  ])('those of %s cannot be followed', (id) => {
    expect(catalog.byId.get(id)).toMatchObject({ id, stampId: undefined })
  })

  test('A16: nor those of a temporary table', () => {
    const passing = [...catalog.tables.values()].find((table) => table.name === 'passing')
    expect(passing).toMatchObject({ temporary: true, stampId: undefined })
  })
})
