import { beforeAll, describe, expect, test } from 'vitest'
import { type PlanRoom, planRoom } from './support.js'

const SCHEMA = `
  CREATE SCHEMA aside;
  CREATE TABLE posts (id integer PRIMARY KEY, author integer, title text, hot boolean, at timestamptz);
  CREATE TABLE tags (post integer, name text);
  CREATE TABLE aside.posts (id integer, other text);
  CREATE VIEW shown AS SELECT id, title, author FROM posts WHERE hot AND author = 3;
  CREATE VIEW named (a, b) AS SELECT id, title FROM posts;
  CREATE VIEW joined AS SELECT p.id, t.name FROM posts p LEFT JOIN tags t ON t.post = p.id;
  CREATE VIEW deeper AS SELECT s.id, s.title FROM shown s JOIN tags t ON t.post = s.id;
  CREATE VIEW last AS SELECT id, title FROM posts ORDER BY id DESC LIMIT 3;
  CREATE VIEW elsewhere AS SELECT other FROM aside.posts;
  CREATE VIEW clock AS SELECT id FROM posts WHERE at < now();
  CREATE VIEW on_clock AS SELECT id FROM clock;
  CREATE VIEW system AS SELECT relname FROM pg_class;
  CREATE VIEW locking AS SELECT id FROM posts FOR UPDATE;
  CREATE VIEW sampled AS SELECT id FROM posts TABLESAMPLE system (10);
  CREATE VIEW mine AS SELECT id FROM posts WHERE title = current_user;
  CREATE VIEW escaped AS SELECT id FROM posts WHERE title = 'a\\b''c';
  CREATE VIEW "Odd.view" AS SELECT id AS "some.column" FROM posts;
  CREATE MATERIALIZED VIEW kept AS SELECT id, now() AS at FROM posts;
  CREATE VIEW on_kept AS SELECT id FROM kept WHERE id = 4;
`

describe('views', () => {
  let room: PlanRoom
  beforeAll(async () => {
    room = await planRoom(SCHEMA)
  })

  test('A10: a view depends on what its definition reads', () => {
    expect(room.deps('SELECT * FROM shown')).toEqual(['posts(author=3, hot=t) reads author,hot,id,title'])
    expect(room.deps('SELECT s.a, named.b FROM named s, public.named')).toEqual(['posts() reads id,title'])
    expect(room.deps('SELECT x FROM named AS n (x, y) WHERE n.y = $1', 'a')).toEqual(['posts(title=a) reads id,title'])
    expect(room.deps('SELECT public.named.a FROM public.named')).toEqual(['posts() reads id,title'])
    expect(room.deps('SELECT "some.column" FROM "Odd.view"')).toEqual(['posts() reads id'])
  })

  test('A10: what a view says of its own rows holds for whoever reads it', () => {
    expect(room.deps('SELECT count(*) FROM joined WHERE name IS NULL')).toEqual([
      'posts() reads id',
      'tags() reads name,post',
    ])
    expect(room.deps('SELECT * FROM deeper')).toEqual([
      'posts(author=3, hot=t) reads author,hot,id,title',
      'tags() reads post',
    ])
    expect(room.deps(`SELECT * FROM escaped`)).toEqual([`posts(title=a\\b'c) reads id,title`])
  })

  test('B3: nothing is pushed through LIMIT', () => {
    expect(room.deps('SELECT * FROM last WHERE id = 3')).toEqual(['posts() reads id,title'])
  })

  test('names in a definition are not those of the session', () => {
    expect(room.deps('SELECT * FROM elsewhere')).toEqual(['aside.posts() reads other'])
    expect(room.deps('WITH posts AS (SELECT 1 AS one) SELECT a FROM named, posts')).toEqual(['posts() reads id,title'])
    expect(room.deps('SELECT other FROM named JOIN aside.posts ON posts.id = named.a')).toEqual([
      'aside.posts() reads id,other',
      'posts() reads id,title',
    ])
    expect(room.deps('SELECT (SELECT b FROM named WHERE a = p.id) FROM posts p')).toEqual([
      'posts() reads id',
      'posts() reads id,title',
    ])
  })

  test.each([
    ['clock', 'now() gives another answer each time'],
    ['on_clock', 'now() gives another answer each time'],
    ['system', 'pg_class belongs to the system'],
    ['locking', 'view public.locking locks rows'],
    ['sampled', 'view public.sampled: TABLESAMPLE gives other rows each time'],
  ])('A10: %s passes by', (view, reason) => {
    expect(room.read(`SELECT * FROM ${view}`)).toMatchObject({ cacheable: false })
    expect(room.deps(`SELECT * FROM ${view}`)).toBe(reason)
  })

  test('S8: who asks is in the key', () => {
    expect(room.deps('SELECT * FROM mine')).toEqual(['posts() reads id,title'])
  })

  test('S6: a view that locks takes locks', () => {
    expect(room.write('SELECT * FROM locking').locks).toBe(true)
    expect(room.write('SELECT * FROM (SELECT id FROM locking) x').locks).toBe(true)
    expect(room.write('SELECT * FROM named').locks).toBe(false)
  })

  test('A16: a materialized view depends on itself', () => {
    expect(room.deps('SELECT * FROM kept WHERE id = 3')).toEqual(['kept(id=3) reads *'])
    expect(room.deps('SELECT * FROM on_kept')).toEqual(['kept(id=4) reads id'])
    expect(room.write('REFRESH MATERIALIZED VIEW CONCURRENTLY kept').tables).toEqual(['public.kept'])
  })

  test.each([
    ['SELECT b FROM named WHERE a = 3', 'get'],
    ['SELECT title FROM shown s WHERE s.id = $1', 'get'],
    ['SELECT b FROM named WHERE b = $1', 'fetch'],
    ['SELECT title FROM last WHERE title = $1', 'fetch'],
    ['SELECT count(*) FROM named', 'count'],
    ['SELECT name FROM joined WHERE id = 3', 'fetch'],
  ])('the operation of %s is %s', (sql, operation) => {
    expect(room.read(sql).operation.base).toBe(operation)
  })

  test('a view has the policy of its main table where it has none of its own', () => {
    const { main, behind, tables } = room.read('SELECT * FROM deeper')
    expect(main?.id).toBe('public.deeper')
    expect(behind.map(({ id }) => id)).toEqual(['public.shown', 'public.posts'])
    expect(tables.map(({ id }) => id)).toEqual(['public.deeper', 'public.shown', 'public.posts', 'public.tags'])
  })
})
