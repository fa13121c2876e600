/** The tables of the tests of plans. */
export const SCHEMA = `
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TYPE pair AS (a integer, b integer);
  CREATE TABLE t (
    id integer PRIMARY KEY, a integer, b bigint, s text, v varchar(8), c char(3), f real, n numeric(9,2), d date, x boolean,
    u uuid, m mood, p pair, name name
  );
  CREATE TABLE r (id integer PRIMARY KEY, t_id integer REFERENCES t ON DELETE CASCADE, a integer, s text, x boolean, only_r integer);
  CREATE TABLE q (id integer PRIMARY KEY, a integer, s text, only_q integer);
`
