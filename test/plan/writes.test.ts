import { beforeAll, describe, expect, it } from 'vitest'
import { type PlanRoom, planRoom } from './support.js'

let room: PlanRoom

beforeAll(async () => {
  room = await planRoom(`
    CREATE TABLE t (id integer PRIMARY KEY, a integer, s text, f real, g integer GENERATED ALWAYS AS (a * 2) STORED);
    CREATE TABLE r (id integer PRIMARY KEY, t_id integer REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, s text);
    CREATE TABLE rr (id integer PRIMARY KEY, r_id integer REFERENCES r ON DELETE SET NULL);
    CREATE TABLE wide (id integer PRIMARY KEY, t_id bigint REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE pair (a integer, b integer, PRIMARY KEY (a, b));
    CREATE TABLE pairs (id integer PRIMARY KEY, a integer, b integer,
      FOREIGN KEY (a, b) REFERENCES pair ON DELETE SET NULL (b) ON UPDATE SET NULL);
    CREATE TABLE watched (id integer PRIMARY KEY, a integer, b integer);
    CREATE FUNCTION set_b() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.b := 1; RETURN NEW; END';
    CREATE TRIGGER before_it BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION set_b();
    CREATE TABLE logged (id integer PRIMARY KEY);
    CREATE TABLE log (id integer PRIMARY KEY);
    CREATE TABLE log_line (log_id integer REFERENCES log);
    CREATE FUNCTION clear_log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE log CASCADE; RETURN NULL; END';
    CREATE TRIGGER after_it AFTER INSERT OR TRUNCATE ON logged EXECUTE FUNCTION clear_log();
    CREATE TABLE moved (id integer PRIMARY KEY, t_id integer REFERENCES t ON UPDATE CASCADE, code integer UNIQUE);
    CREATE FUNCTION set_code() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.code := NEW.t_id; RETURN NEW; END';
    CREATE TRIGGER before_it BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION set_code();
    CREATE TABLE follower (id integer PRIMARY KEY, code integer REFERENCES moved (code) ON UPDATE CASCADE);
    CREATE TABLE parts (id integer, t_id integer REFERENCES t ON DELETE CASCADE) PARTITION BY RANGE (id);
    CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
    CREATE FUNCTION touch(integer) RETURNS integer LANGUAGE sql AS 'UPDATE log SET id = id; SELECT $1';
    CREATE TABLE defaulted (id integer PRIMARY KEY, s text);
    CREATE TRIGGER before_it BEFORE INSERT ON defaulted FOR EACH ROW EXECUTE FUNCTION set_b();
    CREATE TABLE node (id integer PRIMARY KEY, parent integer REFERENCES node ON DELETE CASCADE);
    CREATE TABLE loose (id integer PRIMARY KEY, parent integer REFERENCES loose ON DELETE SET NULL);
    CREATE TABLE c1 (id integer PRIMARY KEY);
    CREATE TABLE c2 (id integer PRIMARY KEY, up integer REFERENCES c1 ON DELETE CASCADE);
    CREATE TABLE c3 (id integer PRIMARY KEY, up integer REFERENCES c2 ON DELETE CASCADE);
    CREATE TABLE c4 (id integer PRIMARY KEY, up integer REFERENCES c3 ON DELETE CASCADE);
    CREATE TABLE c5 (id integer PRIMARY KEY, up integer REFERENCES c4 ON DELETE CASCADE);
    CREATE FUNCTION touch_row(t) RETURNS integer LANGUAGE sql AS 'UPDATE log SET id = id; SELECT 1';
    CREATE VIEW acting AS SELECT id, touch(id) AS touched FROM t;
    CREATE VIEW over_acting AS SELECT * FROM acting;
    CREATE VIEW v AS SELECT id, a FROM t;
    CREATE VIEW over_v AS SELECT a + 1 AS more, id AS key FROM v WHERE a > 0;
    CREATE VIEW grouped AS SELECT a FROM t GROUP BY a;
    CREATE VIEW pure AS SELECT id FROM r;
  `)
})

describe('what WHERE says of the rows that a write meets', () => {
  it.each([
    ['UPDATE t SET s = $1 WHERE id = $2', ['id value']],
    ['DELETE FROM t WHERE id = $1 AND a IN (1, 2)', ['a list, id value']],
    ['DELETE FROM t WHERE id = $1 OR a IS NULL', ['id value', 'a null']],
    ['UPDATE t SET s = $1 FROM r WHERE r.t_id = t.id AND r.t_id = 5', ['id value']],
    ['DELETE FROM t USING r WHERE r.t_id = t.id AND r.id = 5', ['']],
    ['UPDATE t SET s = $1', ['']],
    ['UPDATE t SET s = $1 WHERE a > 5', ['']],
    ['UPDATE t SET s = now()::text WHERE id = $1', ['id value']],
    ['UPDATE t SET s = $1 WHERE id = $2 AND random() > 0.5', ['']],
  ])('%s', (sql, wanted) => {
    expect(room.pins(sql)).toEqual(wanted)
  })

  it('A23: says nothing by a parameter whose type another place may decide', () => {
    expect(room.pins('DELETE FROM t WHERE f = $1 AND id = $1')).toEqual([''])
    expect(room.pins('UPDATE t SET a = 1 FROM r WHERE r.t_id = t.id AND $1 < f AND t.id = $1')).toEqual([''])
    // The server reads WHERE before SET.
    expect(room.pins('UPDATE t SET f = $1 WHERE id = $1')).toEqual(['id value'])
  })

  it('is read beforehand only where it stands alone', () => {
    const preRead = (sql: string) => room.write(sql).rows?.preRead
    expect(preRead('UPDATE t SET a = $1 WHERE s = $2')).toEqual(['id'])
    expect(preRead('UPDATE t SET a = a + 1')).toEqual(['id'])
    expect(preRead('UPDATE t SET a = $1 WHERE random() > 0.5')).toBeUndefined()
    expect(preRead('UPDATE t SET a = 1, s = now()::text WHERE id = 5')).toEqual(['id'])
    expect(preRead('UPDATE t SET a = r.id FROM r WHERE r.t_id = t.id')).toEqual(['id'])
    expect(preRead('UPDATE t SET a = r.id FROM acting r WHERE r.id = t.id')).toBeUndefined()
    // Without SET the server would not know the parameter's type.
    expect(preRead('UPDATE t SET a = $1 WHERE $1 IS NULL')).toBeUndefined()
    expect(preRead('UPDATE t SET a = $1 WHERE a = $1')).toEqual(['id'])
    expect(preRead('WITH w AS (SELECT 1) UPDATE t SET a = 1 WHERE id IN (SELECT * FROM w)')).toBeUndefined()
  })
})

describe('A9: the columns that a write may change', () => {
  const changed = (sql: string) => room.write(sql).rows?.changed
  it('are those of SET and what is generated of them', () => {
    expect(changed('UPDATE t SET a = 1')).toEqual(['a', 'g'])
    expect(changed('UPDATE t SET s = $1')).toEqual(['s'])
    expect(changed('INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET (a, s) = (1, $1)')).toEqual([
      'a',
      's',
      'g',
    ])
  })
  it('are any where a trigger runs before', () => {
    expect(changed('UPDATE watched SET a = 1')).toBeUndefined()
  })
})

describe('B8: foreign keys carry a change on', () => {
  it('by row to the next table, and on to those that refer to it', () => {
    const plan = room.write('DELETE FROM t WHERE id = 5')
    expect(plan.rows?.cascades).toMatchObject([
      {
        on: 'delete',
        child: 'public.r',
        action: 'cascade',
        columns: [{ parent: 'id', child: 't_id' }],
        next: [{ on: 'delete', child: 'public.rr', action: 'set null', changed: ['r_id'] }],
        reaches: ['public.r', 'public.rr'],
      },
      // An integer and a bigint are not keyed alike.
      { on: 'delete', child: 'public.wide', action: 'cascade', columns: [] },
      // Partitions have the stamps of their root.
      { on: 'delete', child: 'public.parts', columns: [{ parent: 'id', child: 't_id' }] },
    ])
    expect(plan.tables).toEqual([])
  })

  it('as a whole where the chain leads back to a table, or is long', () => {
    const plan = room.write('DELETE FROM node WHERE id = 5')
    expect(plan.rows?.cascades).toMatchObject([{ child: 'public.node', columns: [{ child: 'parent' }], next: [] }])
    expect(plan.tables).toEqual(['public.node'])
    expect(room.write('DELETE FROM loose WHERE id = 5')).toMatchObject({
      rows: { cascades: [{ child: 'public.loose', changed: ['parent'], next: [] }] },
      tables: [],
    })
    expect(room.write('DELETE FROM c1 WHERE id = 5').tables).toEqual(['public.c5'])
  })

  it('only where the key is touched', () => {
    expect(room.write('UPDATE t SET s = $1').rows?.cascades).toEqual([])
    const children = room
      .write('UPDATE t SET id = 6 WHERE id = 5')
      .rows?.cascades.map(({ on, child }) => `${on} ${child}`)
    expect(children).toEqual(['update public.r', 'update public.wide', 'update public.moved'])
  })

  it('also from an upsert', () => {
    const sql = 'INSERT INTO t (id) VALUES (5) ON CONFLICT (id) DO UPDATE SET id = 6'
    expect(room.write(sql).rows?.cascades.map(({ child }) => child)).toEqual([
      'public.r',
      'public.wide',
      'public.moved',
    ])
  })

  it('SET NULL (b) is what a delete does; an update sets all columns of the key', () => {
    expect(room.write('DELETE FROM pair WHERE a = 1').rows?.cascades).toMatchObject([{ on: 'delete', sets: ['b'] }])
    expect(room.write('UPDATE pair SET a = 2 WHERE a = 1').rows?.cascades).toMatchObject([
      { on: 'update', sets: ['a', 'b'] },
    ])
  })

  it('and on, where a trigger of the child changes a key of its own', () => {
    const plan = room.write('UPDATE t SET id = 6 WHERE id = 5')
    expect(plan.rows?.cascades.find(({ child }) => child === 'public.moved')).toMatchObject({
      changed: undefined,
      next: [{ child: 'public.follower', on: 'update' }],
    })
  })
})

/** Writes whose rows do not come back: `update t(a) where id value`. */
function unseen(sql: string): string[] {
  return room.write(sql).unseen.map(({ operation, table, changed, pins, added }) => {
    const said = (operation === 'insert' ? (added ?? [[]]) : pins)
      .map((conj) => conj.map(({ column, kind }) => `${column} ${kind}`).join(', '))
      .join(' or ')
    return `${operation} ${table.name}(${changed?.join() ?? '*'})${said === '' ? '' : ` where ${said}`}`
  })
}

describe('what a statement changes beyond its own rows', () => {
  it('a trigger that truncates reaches the tables that refer', () => {
    expect(room.write('INSERT INTO logged VALUES (1)').tables).toEqual(['public.log', 'public.log_line'])
  })

  it('TRUNCATE … CASCADE reaches them also from a table that is known to change already', () => {
    expect(room.write('TRUNCATE logged, log CASCADE').tables).toEqual([
      'public.logged',
      'public.log',
      'public.log_line',
    ])
    expect(room.write('TRUNCATE log').tables).toEqual(['public.log'])
  })

  it('a function that is called writes', () => {
    expect(unseen('SELECT touch(1)')).toEqual(['update log(id)'])
    expect(unseen('SELECT 1 FROM t WHERE touch(id) = 1')).toEqual(['update log(id)'])
  })

  it('a function that is called by a dot writes, and one of the session may do anything', () => {
    expect(room.write('SELECT t.touch_row FROM t').unseen).toMatchObject([{ table: { name: 'log' } }])
    expect(room.write('SELECT (t).touch_row FROM t').unseen).toMatchObject([{ table: { name: 'log' } }])
    expect(room.write('UPDATE r SET s = (t).touch_row FROM t').unseen).toMatchObject([{ table: { name: 'log' } }])
    expect(room.write('SELECT (t).touch_row FROM t TABLESAMPLE SYSTEM (1)').unseen).toMatchObject([
      { table: { name: 'log' } },
    ])
    expect(room.write('SELECT t.a, (t).a FROM t')).toMatchObject({ unseen: [], database: false })
    expect(room.write('SELECT * FROM pg_temp.f()')).toMatchObject({ database: true })
  })

  it('a view that is read runs what its definition calls, to any depth', () => {
    expect(unseen('SELECT * FROM acting')).toEqual(['update log(id)'])
    expect(unseen('SELECT 1 FROM r WHERE id IN (SELECT id FROM over_acting)')).toEqual(['update log(id)'])
    expect(unseen('INSERT INTO r SELECT id FROM acting')).toEqual(['update log(id)'])
    expect(unseen('EXPLAIN ANALYZE SELECT * FROM acting')).toEqual(['update log(id)'])
    expect(unseen('SELECT * FROM pure')).toEqual([])
  })

  it('B8: a write through a view changes the rows that it shows', () => {
    expect(room.pins('UPDATE v SET a = 1 WHERE id = 5')).toEqual(['id value'])
    expect(room.write('UPDATE v SET a = 1 WHERE id = 5').rows).toMatchObject({
      table: { name: 't' },
      changed: ['a', 'g'],
      returning: false,
    })
    expect(room.pins('DELETE FROM over_v WHERE key = $1')).toEqual(['id value'])
    expect(room.write('DELETE FROM over_v WHERE key = $1').rows?.cascades.length).toBe(3)
    expect(room.write("INSERT INTO over_v (key) VALUES ('5')").rows?.added).toMatchObject([[{ column: 'id' }]])
    const grouped = room.write('DELETE FROM grouped')
    expect(grouped.rows).toBeUndefined()
    expect(grouped.tables).toEqual(expect.arrayContaining(['public.grouped', 'public.t', 'public.r']))
  })

  it('a CTE that writes, or a statement inside another, changes what WHERE says', () => {
    const plan = room.write(
      'WITH w AS (DELETE FROM log WHERE id = 7 RETURNING id) UPDATE t SET a = 1 WHERE id IN (SELECT id FROM w)',
    )
    expect(plan.rows?.table.name).toBe('t')
    expect(plan.tables).toEqual([])
    expect(unseen('WITH w AS (DELETE FROM log WHERE id = 7 RETURNING id) SELECT * FROM w')).toEqual([
      'delete log(*) where id value',
    ])
    expect(
      unseen('WITH w AS (UPDATE t SET a = $1 WHERE id = $2 RETURNING *) INSERT INTO r SELECT id, a FROM w'),
    ).toEqual(['update t(a,g) where id value'])
    expect(unseen('EXPLAIN ANALYZE UPDATE t SET s = $1 WHERE id = 5')).toEqual(['update t(s) where id value'])
    expect(unseen('COPY (DELETE FROM log WHERE id = 5 RETURNING *) TO STDOUT')).toEqual([
      'delete log(*) where id value',
    ])
    expect(unseen('DECLARE c CURSOR FOR SELECT touch(1)')).toEqual(['update log(id)'])
  })

  it('A23: a name that may be a CTE, or a parameter that another place may decide, pins nothing', () => {
    expect(
      unseen('WITH r AS (SELECT 5 AS t_id), w AS (UPDATE t SET a = 1 FROM r WHERE r.t_id = id AND t_id = 5) SELECT 1'),
    ).toEqual(['update t(a,g)'])
    expect(
      unseen('WITH x AS (SELECT 1 FROM t WHERE f = $1), w AS (UPDATE t SET s = NULL WHERE id = $1) SELECT 1'),
    ).toEqual(['update t(s)'])
  })

  it('VALUES says what is added, as far as nothing else has a say', () => {
    expect(unseen("WITH w AS (INSERT INTO t (id, s) VALUES (1, 'a'), ($1, $2)) SELECT 1")).toEqual([
      'insert t(*) where id value, s value or id value, s value',
    ])
    expect(unseen("WITH w AS (INSERT INTO t VALUES (1, DEFAULT, lower('A'))) SELECT 1")).toEqual([
      'insert t(*) where id value',
    ])
    expect(unseen('WITH w AS (INSERT INTO t (id) SELECT 1) SELECT 1')).toEqual(['insert t(*)'])
    expect(unseen('WITH w AS (INSERT INTO defaulted (id) VALUES (1)) SELECT 1')).toEqual(['insert defaulted(*)'])
  })
})
