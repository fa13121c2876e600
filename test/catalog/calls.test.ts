import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { SERVERS, type TestDatabase } from './support.js'

const bool = (name: string) =>
  `CREATE FUNCTION ${name}(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 > 0; END';`
const int = (name: string, type = 'int') =>
  `CREATE FUNCTION ${name}(${type}) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';`

/** One table for each place where a function can be called from without being named. */
const SCHEMA = `
${['by_check', 'by_predicate', 'by_domain', 'by_base', 'by_using', 'by_with_check', 'by_view', 'by_deeper'].map(bool).join('')}
${['by_default', 'by_generated', 'by_index', 'by_partition', 'by_element', 'by_frozen', 'by_domain_default'].map((name) => int(name)).join('')}
CREATE FUNCTION by_operator(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 = $2; END';
CREATE OPERATOR === (FUNCTION = by_operator, LEFTARG = int, RIGHTARG = int, COMMUTATOR = ===);
CREATE FUNCTION by_class(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 - $2; END';
CREATE OPERATOR CLASS odd FOR TYPE int USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 by_class(int, int);
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION by_assignment(pair) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
CREATE CAST (pair AS int) WITH FUNCTION by_assignment(pair) AS ASSIGNMENT;
CREATE FUNCTION by_implicit(int) RETURNS pair LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (1, 2); END';
CREATE CAST (int AS pair) WITH FUNCTION by_implicit(int) AS IMPLICIT;
CREATE DOMAIN base AS text CHECK (by_base(length(VALUE)));
CREATE DOMAIN over AS base CHECK (by_domain(length(VALUE))) DEFAULT by_domain_default(1)::text;
CREATE DOMAIN element AS text CHECK (by_element(length(VALUE)) > 0);

CREATE TABLE nothing (t text, at timestamptz DEFAULT now(), CHECK (length(t) < 9));
CREATE TABLE checked (t bigint, n bigint CHECK (by_check(n::int)));
CREATE TABLE defaulted (n bigint DEFAULT by_default(1));
CREATE TABLE generated (b bigint, n bigint GENERATED ALWAYS AS (b * 2) STORED CHECK (by_generated(b::int) > 0));
CREATE TABLE indexed (n bigint, b bigint);
CREATE INDEX ON indexed (by_index(n::int)) WHERE by_predicate(b::int);
CREATE TABLE sorted (t text);
CREATE INDEX ON sorted ((length(t)) odd);
CREATE TABLE excluded (t text, EXCLUDE USING hash ((length(t)) WITH =));
CREATE TABLE operated (t text, CHECK (length(t) === 1));
CREATE TABLE domained (o over);
CREATE TABLE listed (o element[]);
CREATE TABLE assigned (n int);
CREATE TABLE paired (p pair);
CREATE TABLE split (n bigint) PARTITION BY RANGE (by_partition(n::int));
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (9);
CREATE TABLE secret (n bigint, m bigint);
CREATE POLICY one ON secret FOR UPDATE USING (by_using(n::int) AND n IN (SELECT n FROM checked)) WITH CHECK (by_with_check(n::int));
CREATE POLICY two ON secret TO PUBLIC USING (m = 1);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE VIEW seen AS SELECT n FROM checked WHERE by_view(n::int);
CREATE VIEW deeper AS SELECT n FROM seen WHERE by_deeper(n::int);
CREATE MATERIALIZED VIEW frozen AS SELECT by_frozen(n::int) AS n FROM deeper;
CREATE MATERIALIZED VIEW upon AS SELECT n FROM frozen;
`

describe.each(SERVERS)('functions that are called unseen, on $name', ({ open }) => {
  let db: TestDatabase
  let catalog: Catalog
  const names = (oids: readonly number[]) => oids.map((oid) => catalog.functionByOid.get(oid)?.name).sort()
  const table = (name: string) => {
    const found = catalog.byId.get(`public.${name}`)
    if (!found) throw new Error(`no table ${name}`)
    return found
  }

  beforeAll(async () => {
    db = await open()
    await db.exec(SCHEMA)
    catalog = await loadCatalog(db.query, 'd')
  })
  afterAll(() => db.close())

  test.each([
    ['nothing', []],
    ['checked', ['by_check']],
    ['defaulted', ['by_default']],
    ['generated', ['by_generated']],
    ['indexed', ['by_index', 'by_predicate']],
    ['sorted', ['by_class']],
    ['excluded', []],
    ['operated', ['by_operator']],
    ['domained', ['by_base', 'by_domain', 'by_domain_default']],
    ['listed', ['by_element']],
    ['assigned', ['by_assignment']],
    ['split', ['by_partition']],
    ['split_1', ['by_partition']],
    ['secret', []],
    // Refreshed, it calls what the views that it reads call.
    ['frozen', ['by_deeper', 'by_frozen', 'by_view']],
    ['upon', []],
  ])('S1: a write to %s calls %j', (name, expected) => {
    expect(names(table(name).writeCalls)).toEqual(expected)
  })

  test('S1: a composite may hold any domain', () => {
    const calls = names(table('paired').writeCalls)
    expect(calls).toEqual(['by_base', 'by_domain', 'by_domain_default', 'by_element', 'by_implicit'])
  })

  test.each([
    ['nothing', []],
    ['checked', []],
    ['secret', ['by_using', 'by_with_check']],
    ['seen', ['by_view']],
    ['deeper', ['by_deeper']],
    ['frozen', []],
  ])('S1: whoever names %s calls %j', (name, expected) => {
    expect(names(table(name).readCalls)).toEqual(expected)
  })

  test('S1: operators and casts', () => {
    expect(names(catalog.operatorCalls.get('===') ?? [])).toEqual(['by_operator'])
    expect(catalog.operatorCalls.get('=')).toBeUndefined()
    expect(names(catalog.castCalls.get('int4') ?? [])).toEqual(['by_assignment'])
    expect(names(catalog.castCalls.get('base') ?? [])).toEqual(['by_base'])
    expect(names(catalog.castCalls.get('over') ?? [])).toEqual(['by_base', 'by_domain', 'by_domain_default'])
    expect(names(catalog.implicitCalls)).toEqual(['by_implicit'])
  })

  test('A6: policies', () => {
    expect(table('secret').policies).toEqual([
      {
        name: 'one',
        command: 'update',
        using: expect.stringMatching(
          /^\(public\.by_using\(\(n\)::integer\) AND \(n IN \( SELECT checked\.n\s+FROM public\.checked\)\)\)$/,
        ),
        check: 'public.by_with_check((n)::integer)',
      },
      { name: 'two', command: 'all', using: '(m = 1)', check: '' },
    ])
    expect(table('checked').policies).toEqual([])
  })

  test('S8: custom settings that definitions read, by the names that stand there', async () => {
    expect(catalog.customSettings).toEqual([])
    await db.exec(`BEGIN;
      CREATE VIEW own AS SELECT n FROM checked WHERE n = current_setting('App.Tenant', true)::int;
      CREATE POLICY three ON secret USING (n = current_setting ('my_app.user.id')::int);
      CREATE FUNCTION who() RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.current_setting( 'request.jwt' , true) $$;
      CREATE FUNCTION zone() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('TimeZone') || current_setting('a' || 'b.c') $$`)
    const { customSettings } = await loadCatalog(db.query, 'd', { snapshot: false })
    await db.exec('ROLLBACK')
    expect(customSettings).toEqual(['app.tenant', 'my_app.user.id', 'request.jwt'])
  })
})
