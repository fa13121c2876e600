import type { Choices } from '../choices.js'
import { changeOf, type Draft, insertOf } from './model.js'

/** Functions and procedures that write or read where the text that calls them does not show it. */
export function addFunctions(c: Choices, draft: Draft): void {
  const { ddl, tables, writers, readers, calls, definitions } = draft
  const change = changeOf(c, c.pick(tables))
  const other = changeOf(c, c.pick(tables))
  const body = (what: string) =>
    c.chance(50)
      ? `LANGUAGE sql AS $$ ${what}; SELECT $1 $$`
      : `LANGUAGE plpgsql AS $$ BEGIN ${c.chance(25) ? `EXECUTE '${what.replaceAll("'", "''")}'` : what}; RETURN $1; END $$`
  ddl.push(`CREATE FUNCTION touch(integer) RETURNS integer ${body(change)}`)
  writers.push('touch(1)')
  const anew = `CREATE OR REPLACE FUNCTION touch(integer) RETURNS integer ${body(other)}`
  definitions.push(() => anew)

  const read = c.pick(tables)
  const column = c.pick(read.columns)
  ddl.push(
    `CREATE FUNCTION look() RETURNS bigint ${c.pick(['STABLE', 'VOLATILE', 'IMMUTABLE'])} LANGUAGE sql ` +
      `AS $$ SELECT count(${column.name}) FROM ${read.name} $$`,
  )
  readers.push('look()')

  const ends = c.chance(30) ? 'COMMIT;' : ''
  ddl.push(
    `CREATE PROCEDURE go() LANGUAGE plpgsql AS $$ BEGIN ${changeOf(c, c.pick(tables))}; ${ends} ${changeOf(c, c.pick(tables))}; END $$`,
  )
  calls.push(() => 'CALL go()')
  // A view, a default and a column's check may call as well.
  if (c.chance(40)) {
    ddl.push('CREATE VIEW touching AS SELECT touch(1) AS n')
    calls.push(() => 'SELECT * FROM touching')
  }
  const written = c.pick(tables.filter((table) => !table.part))
  if (c.chance(30)) {
    ddl.push(`ALTER TABLE ${written.name} ADD COLUMN d integer DEFAULT touch(3)`)
    calls.push((own) => insertOf(own, written, 20 + own.int(20)))
  }
}
