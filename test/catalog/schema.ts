/** One of everything that the catalog tells apart. */
export const SCHEMA = `
CREATE SCHEMA "odd.one";
CREATE TABLE log (n int);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
CREATE TYPE pair AS (a int, b int);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION strict (provider = icu, locale = 'und');
CREATE FUNCTION next_code() RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN random()::text; END $$;
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION add_one(bigint) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT $1 + 1';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); RETURN NEW; END $$;
CREATE PROCEDURE tidy() LANGUAGE sql AS 'DELETE FROM log';
CREATE FUNCTION grow(int, int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN $1 + $2; END $$;
CREATE AGGREGATE growth(int) (SFUNC = grow, STYPE = int, INITCOND = '0');
CREATE DOMAIN coded AS text DEFAULT next_code();

CREATE TABLE kinds (
  i2 smallint, i4 integer NOT NULL, i8 bigint, b boolean, u uuid, m mood, t text, v varchar(3), c char(3), n name,
  tl text COLLATE loose, ts text COLLATE strict, d short, f float8, num numeric, at timestamptz, p pair, a int[], ma mood[],
  one "char", j jsonb
);
CREATE TABLE made (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  a int, b text, dropped int,
  total int GENERATED ALWAYS AS (a + length(b)) STORED,
  constant int GENERATED ALWAYS AS (1) STORED,
  code text DEFAULT next_code(),
  code2 coded,
  plain int DEFAULT 5,
  at timestamptz DEFAULT now()
);
ALTER TABLE made DROP COLUMN dropped;
CREATE UNIQUE INDEX ON made (a, b);
CREATE UNIQUE INDEX ON made (lower(b));
CREATE UNIQUE INDEX ON made (plain) WHERE a > 1;
CREATE UNIQUE INDEX ON made (id, a) INCLUDE (b);
ALTER TABLE made ADD CONSTRAINT later UNIQUE (at) DEFERRABLE;
CREATE UNIQUE INDEX ON made (a) NULLS NOT DISTINCT;

CREATE TABLE parent (id int, sub int, PRIMARY KEY (id, sub), UNIQUE (sub));
CREATE TABLE child_cascade (id int, p int REFERENCES parent (sub) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE child_restrict (p int REFERENCES parent (sub) ON DELETE RESTRICT ON UPDATE RESTRICT);
CREATE TABLE child_none (p int REFERENCES parent (sub));
CREATE TABLE child_null (a int, b int, FOREIGN KEY (a, b) REFERENCES parent (id, sub) ON DELETE SET NULL (b) ON UPDATE SET NULL);
CREATE TABLE child_default (a int, b int, FOREIGN KEY (b, a) REFERENCES parent (sub, id) ON DELETE SET DEFAULT);
CREATE TABLE "odd.one"."t.x" (id int PRIMARY KEY, up int REFERENCES "odd.one"."t.x");

CREATE TABLE watched (id int PRIMARY KEY);
CREATE TRIGGER one BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER two AFTER DELETE OR TRUNCATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE CONSTRAINT TRIGGER three AFTER UPDATE ON watched DEFERRABLE FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER four BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE watched DISABLE TRIGGER two;
CREATE TABLE watched_child (id int REFERENCES watched);
CREATE VIEW watched_view AS SELECT * FROM watched;
CREATE TRIGGER five INSTEAD OF INSERT ON watched_view FOR EACH ROW EXECUTE FUNCTION note();

CREATE TABLE ruled (id int);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO log VALUES (2);
CREATE TABLE split (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (10);
CREATE TRIGGER copied AFTER INSERT ON split FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE split_child (id int, at int, FOREIGN KEY (id, at) REFERENCES split ON DELETE CASCADE);
CREATE TABLE animal (id int);
CREATE TABLE dog (name text) INHERITS (animal);
CREATE TABLE secret (id int, owner name);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (owner = current_user);
CREATE MATERIALIZED VIEW frozen AS SELECT id FROM watched;
CREATE SEQUENCE counter;
CREATE TEMP TABLE passing (id int);
`
