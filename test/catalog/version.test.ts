import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadCatalog } from '../../src/catalog/load.js'
import { SERVERS, type TestDatabase } from './support.js'

const CHANGES: Readonly<Record<string, string>> = {
  'a new table': 'CREATE TABLE more ()',
  'a dropped table': 'DROP TABLE lone',
  'a new column': 'ALTER TABLE post ADD extra int',
  'a dropped column': 'ALTER TABLE post DROP title',
  'a renamed column': 'ALTER TABLE post RENAME title TO heading',
  'another type': 'ALTER TABLE post ALTER title TYPE varchar',
  'another modifier': 'ALTER TABLE post ALTER short TYPE varchar(5)',
  'another collation': 'ALTER TABLE post ALTER title TYPE text COLLATE "C"',
  'not null': 'ALTER TABLE post ALTER title SET NOT NULL',
  'a renamed table': 'ALTER TABLE post RENAME TO article',
  'another schema': 'CREATE SCHEMA other; ALTER TABLE post SET SCHEMA other',
  'a unique index': 'CREATE UNIQUE INDEX ON post (title)',
  'a foreign key': 'ALTER TABLE lone ADD FOREIGN KEY (post) REFERENCES post',
  'another action': `ALTER TABLE tag DROP CONSTRAINT tag_post_fkey;
    ALTER TABLE tag ADD FOREIGN KEY (post) REFERENCES post ON DELETE SET NULL`,
  'a trigger':
    'CREATE TRIGGER t BEFORE INSERT ON post FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
  'a rule': 'CREATE RULE r AS ON DELETE TO post DO INSTEAD NOTHING',
  'row security': 'ALTER TABLE post ENABLE ROW LEVEL SECURITY',
  'a policy': 'CREATE POLICY p ON post USING (id = 1)',
  'another policy': 'ALTER POLICY own ON lone USING (post = 2)',
  inheritance: 'CREATE TABLE heir () INHERITS (lone)',
  'a view that means something else': 'CREATE OR REPLACE VIEW shown AS SELECT id FROM post WHERE id > 2',
  'a default that calls a function': 'ALTER TABLE post ALTER title SET DEFAULT word()',
  'a check that calls a function': 'ALTER TABLE post ADD CHECK (title <> word())',
  'a domain that calls a function': 'ALTER DOMAIN tiny ADD CHECK (VALUE <> word())',
  'a function': `CREATE OR REPLACE FUNCTION word() RETURNS text LANGUAGE sql AS 'SELECT ''b'''`,
  'its volatility': 'ALTER FUNCTION word() STABLE',
  'an operator': 'CREATE OPERATOR <~> (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)',
  'a cast': 'CREATE CAST (mood AS text) WITH INOUT AS ASSIGNMENT',
  'a type': 'CREATE TYPE color AS ENUM ()',
  'a renamed label': `ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`,
  'the same table anew': 'DROP TABLE lone; CREATE TABLE lone (post int)',
}

describe.each(SERVERS)('the version on $name', ({ open }) => {
  let db: TestDatabase
  let version: string
  const load = async (database = 'd') => (await loadCatalog(db.query, database, { snapshot: false })).version

  beforeAll(async () => {
    db = await open()
    await db.exec(`
      CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE FUNCTION word() RETURNS text LANGUAGE sql AS 'SELECT ''a''';
      CREATE TABLE post (id int PRIMARY KEY, title text, short varchar(3), mood mood);
      CREATE TABLE tag (post int REFERENCES post ON DELETE CASCADE);
      CREATE TABLE lone (post int);
      CREATE DOMAIN tiny AS text;
      CREATE POLICY own ON lone USING (post = 1);
      CREATE VIEW shown AS SELECT id FROM post;
      CREATE VIEW dated AS SELECT timestamptz '2020-02-01 00:00+00' AS at, date '2020-02-01' AS day, interval '1 day 2 hours' AS i,
        0.1::float8 AS f, 'a\\b' AS b`)
    version = (await loadCatalog(db.query, 'd')).version
  })
  afterAll(() => db.close())

  test('it is a hash, and the same every time', async () => {
    expect(version).toMatch(/^[\w-]{43}$/)
    expect((await loadCatalog(db.query, 'another name of the data')).version).toBe(version)
  })

  test.each(Object.entries(CHANGES))('A7: %s is another version', async (_, sql) => {
    await db.exec(`BEGIN; ${sql}`)
    const changed = await load()
    const again = await load()
    await db.exec('ROLLBACK')
    expect(changed).not.toBe(version)
    expect(again).toBe(changed)
    expect((await loadCatalog(db.query, 'd')).version).toBe(version)
  })

  test.each([
    'search_path = mine, public, pg_catalog',
    'quote_all_identifiers = on',
    'standard_conforming_strings = off',
    "DateStyle = 'SQL, DMY'",
    "TimeZone = 'Asia/Tokyo'",
    "IntervalStyle = 'sql_standard'",
    'extra_float_digits = -10',
  ])('it does not depend on the session: %s', async (setting) => {
    await db.exec(`BEGIN; SET ${setting}`)
    const same = await load()
    await db.exec('ROLLBACK')
    expect(same).toBe(version)
  })

  test('rows, statistics, and what is temporary are not part of it', async () => {
    await db.exec(`
      BEGIN;
      INSERT INTO post VALUES (1, 'a');
      ANALYZE post;
      CREATE TEMP TABLE passing (id serial PRIMARY KEY, other int UNIQUE);
      CREATE TEMP VIEW passing_view AS SELECT * FROM passing;
      CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
    const same = await load()
    await db.exec('ROLLBACK')
    expect(same).toBe(version)
  })
})
