import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { loadCatalog } from '../../src/catalog/load.js'
import { SERVERS, type TestDatabase } from './support.js'

const PURE = {
  joined:
    'SELECT p.id, t.name FROM post p LEFT JOIN tag t ON t.post = p.id AND p.id > 3 WHERE t.name IS NULL OR NOT p.hot',
  grouped: `SELECT p.id, count(*) AS n, sum(t.n) FILTER (WHERE t.n > 1), max(lower(t.name)) FROM post p, tag t
    GROUP BY GROUPING SETS ((p.id), ()) HAVING count(*) > 1 ORDER BY n DESC LIMIT 3`,
  shaped: `SELECT ROW(x.*) IS NOT NULL FROM (SELECT CASE WHEN p.hot THEN 'a' ELSE 'b' END, coalesce(p.title, ''), greatest(p.id, 3), ARRAY[p.id, 1] AS a, ROW(p.id, 2) AS r,
    nullif(p.id, 1), p.hot IS TRUE AS t, p.id::bigint AS l, p.id IN (1, 2) AS i,
    p.id = ANY (ARRAY[1, 2]) AS y, p.id IS DISTINCT FROM 2 AS d, (ARRAY[1, 2])[p.id] AS s, p.title COLLATE "C" AS z FROM post p) x`,
  nested: `SELECT id, (SELECT max(n) FROM tag WHERE tag.post = post.id), ARRAY(SELECT name FROM tag) AS names FROM post
    WHERE EXISTS (SELECT FROM tag WHERE tag.post = post.id) AND id NOT IN (SELECT n FROM tag WHERE n IS NOT NULL)`,
  unions: 'WITH a AS (SELECT id FROM post UNION ALL SELECT n FROM tag) SELECT DISTINCT id FROM a EXCEPT SELECT 1',
  windows: 'SELECT id, row_number() OVER w, sum(id) OVER (PARTITION BY hot) FROM post WINDOW w AS (ORDER BY id)',
  lateral: 'SELECT p.id, x.name FROM post p CROSS JOIN LATERAL (SELECT name FROM tag WHERE post = p.id LIMIT 1) x',
  recursed:
    'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r, post WHERE id = n',
}

const IMPURE = {
  clock: 'SELECT id, now() AS at FROM post',
  day: 'SELECT id FROM post WHERE current_date > $$2020-01-01$$',
  chance: 'SELECT id, random() AS r FROM post',
  casted: 'SELECT title::date AS day FROM post',
  sampled: 'SELECT id FROM post TABLESAMPLE system (10)',
  called: 'SELECT own(id) AS o FROM post',
  operated: 'SELECT id <~> 3 AS o FROM post',
  locked: 'SELECT id FROM post FOR UPDATE',
  who: 'SELECT id, current_user AS me FROM post',
  set: `SELECT id, current_setting('TimeZone') AS zone FROM post`,
  zoned: 'SELECT at::date AS day FROM post',
}

describe.each(SERVERS)('views on $name', ({ open }) => {
  let db: TestDatabase
  let catalog: Catalog
  const view = (name: string) => {
    const found = catalog.byId.get(`public.${name}`)
    if (!found) throw new Error(`no view ${name}`)
    return { ...found, names: found.viewReads.map((oid) => catalog.tables.get(oid)?.name) }
  }

  beforeAll(async () => {
    db = await open()
    const views = Object.entries({ ...PURE, ...IMPURE }).map(([name, sql]) => `CREATE VIEW "${name}" AS ${sql};`)
    await db.exec(`
      CREATE TABLE post (id int PRIMARY KEY, title text, hot boolean, at timestamptz);
      CREATE TABLE tag (post int, name text, n int);
      CREATE FUNCTION own(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
      CREATE FUNCTION near(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
      CREATE OPERATOR <~> (FUNCTION = near, LEFTARG = int, RIGHTARG = int);
      ${views.join('\n')}
      CREATE VIEW on_joined AS SELECT id FROM joined;
      CREATE VIEW on_on_joined AS SELECT id FROM on_joined WHERE id > 2;
      CREATE VIEW on_clock AS SELECT id FROM clock;
      CREATE MATERIALIZED VIEW kept AS SELECT id FROM post;
      CREATE VIEW on_kept AS SELECT id FROM kept;
      CREATE VIEW on_system AS SELECT relname FROM pg_catalog.pg_class;
      CREATE VIEW on_schema AS SELECT table_name FROM information_schema.tables;
      CREATE VIEW quoted AS SELECT id AS "x :relid 1259 :opno 1", title AS "{SQLVALUEFUNCTION :a:relid", '{XMLEXPR :funcid 1 ' AS s
        FROM post;`)
    catalog = await loadCatalog(db.query, 'd')
  })
  afterAll(() => db.close())

  test.each(Object.keys(PURE))('A10: %s depends on its rows alone', (name) => {
    expect(view(name)).toMatchObject({ pure: true })
  })

  test.each(Object.keys(IMPURE))('A10: %s does not', (name) => {
    expect(view(name)).toMatchObject({ pure: false, names: ['post'] })
  })

  test('views that read views, to any depth', () => {
    expect(view('joined').names).toEqual(['post', 'tag'])
    expect(view('on_joined').names.sort()).toEqual(['joined', 'post', 'tag'])
    expect(view('on_on_joined').names.sort()).toEqual(['joined', 'on_joined', 'post', 'tag'])
    expect(view('on_on_joined').pure).toBe(true)
    expect(view('on_clock')).toMatchObject({ pure: false, names: ['post', 'clock'] })
  })

  test('A16: a materialized view is where it ends', () => {
    expect(view('on_kept').names).toEqual(['kept'])
    expect(view('kept')).toMatchObject({ viewReads: [], definition: '', pure: true })
  })

  test('relations of the system are among what is read, and no table', () => {
    expect(view('on_system').names).toEqual([undefined])
    expect(view('on_schema').names).toContain(undefined)
  })

  test('quoted names and strings are not taken for parts of the tree', () => {
    expect(view('quoted').names).toEqual(['post'])
  })

  test('all that pg_depend knows is read', async () => {
    const rows = await db.query(`
      SELECT DISTINCT r.ev_class, d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
        AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
      JOIN pg_class c ON c.oid = r.ev_class AND c.relkind = 'v' WHERE r.ev_class >= 16384`)
    expect(rows.length).toBeGreaterThan(20)
    for (const [oid, read] of rows) expect(catalog.tables.get(Number(oid))?.viewReads).toContain(Number(read))
  })

  test('definitions are qualified', () => {
    expect(view('on_joined').definition).toMatch(/^SELECT (joined\.)?id\s+FROM public\.joined$/)
  })
})
