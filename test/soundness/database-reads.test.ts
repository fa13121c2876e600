import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Runs, World } from './world.js'

const SCHEMA = `
  CREATE TABLE posts (id integer PRIMARY KEY, title text, day date, at timestamptz, big bigint, small smallint, tags text[]);
  CREATE TABLE hours (id integer PRIMARY KEY, opens timetz);
  CREATE TABLE words (word varchar(20) COLLATE "C", id bigint, n numeric);
  INSERT INTO posts SELECT i, 'Title ' || i, current_date, now(), i, i, ARRAY['a'] FROM generate_series(1, 5) i;
  INSERT INTO words VALUES ('Title 1', 1, 1.0), ('Title 2', 2, 2.0);`
const POST = 'SELECT title FROM posts WHERE id = $1'

describe('what the database does behind the text: reads', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open('database_reads')
  })
  beforeEach(() => world.reset(SCHEMA))
  afterAll(() => world.end())

  describe("A10: impurity without a function's name", () => {
    it.each([
      ['a literal', `SELECT id FROM posts WHERE day = 'today'`, []],
      ['a typed literal', `SELECT id FROM posts WHERE day = date 'today'`, []],
      ['a cast', `SELECT id FROM posts WHERE day = 'tomorrow'::date`, []],
      ['a parameter', 'SELECT id FROM posts WHERE day <= $1', ['today']],
      ['a cast parameter', 'SELECT id FROM posts WHERE day <= $1::date', [' Yesterday ']],
      [
        'a parameter with more space than anyone needs',
        'SELECT id FROM posts WHERE day <= $1',
        [`today${' '.repeat(300)}`],
      ],
      ['a parameter of IN', 'SELECT id FROM posts WHERE day IN ($1, $2)', ['2020-01-01', 'today']],
      ['an array', 'SELECT id FROM posts WHERE day = ANY ($1)', ['{2020-01-01,today}']],
      ['a long array', 'SELECT id FROM posts WHERE day = ANY ($1)', [`{${'2020-01-01,'.repeat(30)}t\\oday}`]],
      ['a range', `SELECT id FROM posts WHERE day <@ '[today,)'::daterange`, []],
      ['BETWEEN', 'SELECT id FROM posts WHERE at BETWEEN $1 AND $2', ['yesterday', 'now']],
      ['COALESCE', 'SELECT id FROM posts WHERE at >= COALESCE($1, at)', ['now']],
      ['CASE', `SELECT CASE WHEN at > 'now' THEN 1 END AS c FROM posts WHERE id = 1`, []],
      ['text that is cast', `SELECT (title || 'x')::date FROM posts WHERE id = 0`, []],
      ['CURRENT_DATE', 'SELECT id FROM posts WHERE day = CURRENT_DATE', []],
      ['LOCALTIMESTAMP', 'SELECT LOCALTIMESTAMP(0) > at AS l FROM posts WHERE id = 1', []],
      ['CURRENT_CATALOG', 'SELECT CURRENT_CATALOG FROM posts WHERE id = 1', []],
      ['a name in regclass', `SELECT 'posts'::regclass::int AS r FROM posts WHERE id = 1`, []],
      ['table_to_xml', `SELECT table_to_xml('words', true, false, '')::text AS x FROM posts WHERE id = 1`, []],
      ['age of now', 'SELECT age(at) FROM posts WHERE id = 1', []],
      ['a time of day with a time zone', `SELECT '12:00'::timetz::text AS t FROM posts WHERE id = 1`, []],
      ['a column of such times', 'SELECT id FROM hours WHERE opens = $1', ['12:00']],
    ])('A10: %s passes by', async (_, text, values) => {
      const app = await world.ready()
      await world.expectPast(app, text, values)
    })

    it.each([
      ['a text column', 'SELECT id FROM posts WHERE title = $1', ['today']],
      ['a literal for a text column', `SELECT id FROM posts WHERE title = 'now'`, []],
      ['LIKE', `SELECT id FROM posts WHERE title LIKE '%today%'`, []],
      ['a day', 'SELECT id FROM posts WHERE day = $1', ['2024-01-01']],
    ])('A10: such words where they are only text are cached: %s', async (_, text, values) => {
      await world.expectCached(await world.ready(), text, values)
    })

    it.each([
      ['a STABLE function that reads a table', 'SELECT count_words() AS n FROM posts WHERE id = 1'],
      ['an IMMUTABLE function that lies', 'SELECT liar() AS n FROM posts WHERE id = 1'],
      ['a function in ORDER BY', 'SELECT id FROM posts ORDER BY count_words(), id'],
      ['a function in a subquery of LIMIT', 'SELECT id FROM posts ORDER BY id LIMIT (SELECT count_words())'],
      ['an operator that a function backs', 'SELECT id FROM posts WHERE id ### 1'],
      ['a qualified operator', 'SELECT id FROM posts WHERE id OPERATOR(public.###) 1'],
      ['an overload that shadows a builtin', 'SELECT lower(title) AS l FROM posts WHERE id = 1'],
      ['a user-defined aggregate', 'SELECT summed(id) AS s FROM posts'],
      ['a domain with a check that reads', `SELECT '1'::checked AS c FROM posts WHERE id = 1`],
      ['a view with now() in it', 'SELECT n FROM clock'],
      ['a view of a view with a user function', 'SELECT n FROM deep'],
    ])('A10: %s passes by', async (_, text) => {
      await world.plain.query(`
        CREATE FUNCTION count_words() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM words';
        CREATE FUNCTION liar() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT count(*) FROM words';
        CREATE FUNCTION more(integer, integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 1 FROM words';
        CREATE OPERATOR ### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = more);
        CREATE FUNCTION lower(text) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT random()::text';
        CREATE FUNCTION add(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2 + count(*) FROM words';
        CREATE AGGREGATE summed(integer) (SFUNC = add, STYPE = bigint, INITCOND = 0);
        CREATE FUNCTION is_word(text) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 0 FROM words';
        CREATE DOMAIN checked AS text CHECK (is_word(VALUE));
        CREATE VIEW clock AS SELECT count(*) AS n FROM posts WHERE at < now();
        CREATE VIEW inner_view AS SELECT id, count_words() AS n FROM posts; CREATE VIEW deep AS SELECT n FROM inner_view WHERE id = 1`)
      const app = await world.ready()
      await world.expectPast(app, text)
      const shadowing = await world.ready({ pool: { options: '-c search_path=public,pg_catalog' } })
      await world.expectPast(shadowing, text)
    })
  })

  describe('A23: constants', () => {
    it.each([
      [
        'a constant with a cast to another type',
        `SELECT count(*) FROM posts WHERE id = '7'::numeric`,
        'UPDATE posts SET id = 7 WHERE id = 1',
      ],
      [
        'a constant that is cut by its cast',
        `SELECT count(*) FROM posts WHERE title = 'abcdef'::varchar(3)`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
      [
        'a column with a cast',
        `SELECT count(*) FROM posts WHERE id::text = '7'`,
        'UPDATE posts SET id = 7 WHERE id = 1',
      ],
      [
        'COLLATE',
        `SELECT count(*) FROM posts WHERE title = 'title 9' COLLATE nocase`,
        `UPDATE posts SET title = 'TITLE 9' WHERE id = 1`,
      ],
      ['a float for an integer', 'SELECT count(*) FROM posts WHERE id = 7.0', 'UPDATE posts SET id = 7 WHERE id = 1'],
      ['an exponent', 'SELECT count(*) FROM posts WHERE id = 7e0', 'UPDATE posts SET id = 7 WHERE id = 1'],
      [
        'a parenthesis and a minus',
        'SELECT count(*) FROM posts WHERE id = -(7)',
        'UPDATE posts SET id = -7 WHERE id = 1',
      ],
      ['two minuses', 'SELECT count(*) FROM posts WHERE id = - -7', 'UPDATE posts SET id = 7 WHERE id = 1'],
      [
        'a Unicode escape',
        `SELECT count(*) FROM posts WHERE title = U&'\\0061bc'`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
      [
        'an E-string',
        `SELECT count(*) FROM posts WHERE title = E'a\\x62c'`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
      [
        'a constant that loses its spaces',
        `SELECT count(*) FROM posts WHERE title = 'abc  '::bpchar`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
      [
        'a dollar-quoted string',
        `SELECT count(*) FROM posts WHERE title = $q$abc$q$`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
      [
        'strings that continue',
        `SELECT count(*) FROM posts WHERE title = 'a'\n'bc'`,
        `UPDATE posts SET title = 'abc' WHERE id = 1`,
      ],
    ])('A23: %s', async (_, read, write) => {
      await world.plain.query(`CREATE EXTENSION IF NOT EXISTS citext;
        CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
      const app = await world.ready()
      await world.expectDropped([app], read, [], () => app.pool.query(write))
    })

    it.each([
      [
        'over integer and bigint',
        'SELECT w.n FROM words w JOIN posts p ON w.id = p.id WHERE p.id = 1',
        `UPDATE words SET n = 9 WHERE id = 1`,
      ],
      [
        'over integer and numeric',
        'SELECT w.word FROM words w JOIN posts p ON w.n = p.id WHERE p.id = 1',
        `UPDATE words SET word = 'x' WHERE n = 1`,
      ],
      [
        'over text and varchar',
        `SELECT p.id FROM posts p JOIN words w ON w.word = p.title WHERE w.word = 'Title 1'`,
        `UPDATE posts SET id = 100 WHERE title = 'Title 1'`,
      ],
      [
        'over smallint and integer',
        'SELECT q.title FROM posts p JOIN posts q ON q.small = p.id WHERE p.id = 1',
        `UPDATE posts SET title = 'x' WHERE small = 1`,
      ],
      [
        'into a derived table',
        'SELECT d.word FROM (SELECT word, id FROM words) d WHERE d.id = 1',
        `UPDATE words SET word = 'x' WHERE id = 1`,
      ],
      [
        'through a set operation',
        `SELECT * FROM (SELECT id FROM words UNION SELECT big FROM posts) u WHERE u.id = 3`,
        'DELETE FROM posts WHERE big = 3',
      ],
    ])('A23: a constant travels %s without losing a row', async (_, read, write) => {
      const app = await world.ready()
      await world.expectDropped([app], read, [], () => app.pool.query(write))
    })
  })

  describe('A24: keys', () => {
    it('A24: SELECT 1 and SELECT $1 are two, and so are the kinds of a literal', async () => {
      const app = await world.ready()
      const one = [
        ['SELECT 1 AS x, title FROM posts WHERE id = 1', []],
        [`SELECT '1' AS x, title FROM posts WHERE id = 1`, []],
        ['SELECT 1.0 AS x, title FROM posts WHERE id = 1', []],
        ['SELECT $1 AS x, title FROM posts WHERE id = 1', ['1']],
        ['SELECT 01 AS x, title FROM posts WHERE id = 1', []],
      ] as const
      for (const [text, values] of one) {
        const answer = await app.ask(text, [...values])
        expect([text, answer.rows]).toEqual([text, await world.truth(text, [...values])])
        expect(answer.how).toBe('miss')
      }
    })

    it('A24: values are told from each other whatever they contain', async () => {
      const app = await world.ready()
      const text = 'SELECT $1::text || $2::text AS x, title FROM posts WHERE id = 1'
      const pairs = [
        ['a', 'bc'],
        ['ab', 'c'],
        ['a|s2:bc', ''],
        ['', 'abc'],
        [null, 'n'],
        ['n', null],
        ['null', 'x'],
      ]
      for (const pair of pairs) {
        const answer = await app.ask(text, pair)
        expect([pair, answer.how, answer.rows]).toEqual([pair, 'miss', await world.truth(text, pair)])
      }
    })

    it('A24: a Buffer is not its text', async () => {
      await world.plain.query(
        `CREATE TABLE blobs (id integer PRIMARY KEY, b bytea); INSERT INTO blobs VALUES (1, '\\x3031'), (2, '\\x01')`,
      )
      const app = await world.ready()
      const text = 'SELECT id FROM blobs WHERE b = $1'
      for (const value of [Buffer.from('01'), '01', Buffer.from([1]), '\\x01', new Uint8Array([0x30, 0x31])]) {
        expect((await app.ask(text, [value])).rows).toEqual(await world.truth(text, [value]))
      }
      await world.expectDropped([app], text, [Buffer.from([1])], () => app.pool.query('DELETE FROM blobs WHERE id = 2'))
    })

    it.each([
      ['ORDER BY', 'SELECT id, -id AS m FROM posts ORDER BY 1', 'SELECT id, -id AS m FROM posts ORDER BY 2'],
      ['LIMIT', 'SELECT id FROM posts ORDER BY id LIMIT 1', 'SELECT id FROM posts ORDER BY id LIMIT 2'],
      [
        'GROUP BY',
        'SELECT id % 2 AS a, id % 3 AS b FROM posts GROUP BY 1, 2 ORDER BY 1, 2',
        'SELECT id % 2 AS a, id % 3 AS b FROM posts GROUP BY 2, 1 ORDER BY 2, 1',
      ],
      [
        'a cast',
        `SELECT id FROM posts WHERE day > date '2001-01-01' ORDER BY id`,
        `SELECT id FROM posts WHERE day > date '2991-01-01' ORDER BY id`,
      ],
      ['an alias', `SELECT id AS "1" FROM posts WHERE id = 1`, `SELECT id AS "2" FROM posts WHERE id = 1`],
      ['an E-string', `SELECT E'\\t' AS x FROM posts WHERE id = 1`, `SELECT '\\t' AS x FROM posts WHERE id = 1`],
      ['spaces in a string', `SELECT 'a  b' AS x FROM posts WHERE id = 1`, `SELECT 'a b' AS x FROM posts WHERE id = 1`],
      [
        'a comment in a string',
        `SELECT '/* a */' AS x FROM posts WHERE id = 1`,
        `SELECT '' AS x FROM posts WHERE id = 1`,
      ],
    ])('A24: texts that differ in %s are two', async (_, one, two) => {
      const app = await world.ready()
      for (const text of [one, two, one]) {
        expect((await app.ask(text)).rows).toEqual(await world.truth(text))
      }
    })

    it('A24: with standard_conforming_strings off nothing is lifted, and a backslash hides nothing', async () => {
      const app = await world.ready()
      const client = await world.client(app)
      await world.expectCached(app, POST, [1])
      await client.query('SET standard_conforming_strings = off')
      const text = `SELECT 'a\\'' AS x, title FROM posts WHERE id = 1 -- '`
      expect((await app.ask(text, [], client)).rows).toEqual([{ x: `a'`, title: 'Title 1' }])
      await client.query(`SELECT 'a\\''; UPDATE posts SET title = 'hidden' WHERE id = 1 --'`)
      expect((await app.ask(POST, [1])).rows).toEqual(await world.truth(POST, [1]))
      await world.expectCached(app, POST, [2])
      await client.query(`SET application_name = 'a\\''; UPDATE posts SET title = 'hidden' WHERE id = 2 --'`)
      expect(await world.truth(POST, [2])).toEqual([{ title: 'hidden' }])
      expect((await app.ask(POST, [2])).rows).toEqual([{ title: 'hidden' }])
      await new Promise((end) =>
        client
          .query(new app.pg.Query(`SELECT 'a\\''; UPDATE posts SET title = 'more' WHERE id = 2 --'`))
          .on('end', end),
      )
      expect((await app.ask(POST, [2])).rows).toEqual([{ title: 'more' }])
    })

    it('A24: binary results pass by', async () => {
      const app = await world.ready()
      await world.expectCached(app, POST, [1])
      const client = await world.client(app)
      const config = { text: POST, values: [1], binary: true } as never
      for (let time = 0; time < 2; time++) expect((await (client as Runs).query(config)).rows).toHaveLength(1)
      expect((await app.ask(POST, [1])).rows).toEqual([{ title: 'Title 1' }])
    })

    it('A24: a DateStyle by which a parameter means another day is part of the key', async () => {
      const app = await world.ready()
      const text = 'SELECT $1::date::text AS d, title FROM posts WHERE id = 1'
      const client = await world.client(app)
      const seen = []
      for (const style of ['ISO, DMY', 'ISO, MDY', 'ISO, DMY']) {
        await client.query(`SET DateStyle = '${style}'`)
        seen.push((await app.ask(text, ['01/02/2003'], client)).rows[0]?.d)
      }
      expect(seen).toEqual(['2003-02-01', '2003-01-02', '2003-02-01'])
    })
  })
})
