import type { Choices } from '../choices.js'
import { anyValue, literal } from '../kinds.js'
import { changeOf, type Draft, settable, type TableModel } from './model.js'

/** Triggers that rewrite columns before, and that write to another table after. Those written to have none of the latter. */
export function addTriggers(c: Choices, draft: Draft): void {
  const tables = draft.tables.filter((table) => !table.part || c.chance(30))
  for (const [index, table] of tables.entries()) {
    if (c.chance(45)) rewriting(c, table, draft)
    const other = tables[index + 1 + c.int(tables.length - index - 1)]
    if (other && c.chance(50)) writing(c, table, other, draft)
  }
}

function rewriting(c: Choices, table: TableModel, { ddl, followed, definitions }: Draft): void {
  const free = settable(table).filter(({ name }) => name !== 'id' || c.chance(20))
  const target = free[c.int(free.length)]
  if (!target) return
  const fn = `before_${table.name}`
  const value = literal(target.kind, anyValue(target.kind, c))
  const like = settable(table).find((column) => column !== target && column.kind === target.kind)
  followed.push({ table: table.name, column: target.name })
  const when = c.pick(settable(table))
  const body = c.weighted<() => string>([
    [4, () => `IF NEW.${when.name} IS NOT NULL THEN NEW.${target.name} := ${value}; END IF; RETURN NEW`],
    [2, () => `NEW.${target.name} := ${like ? `NEW.${like.name}` : value}; RETURN NEW`],
    [1, () => `IF NEW.${target.name} IS NULL THEN RETURN NULL; END IF; RETURN NEW`],
  ])()
  ddl.push(
    `CREATE FUNCTION ${fn}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$`,
    `CREATE TRIGGER ${fn} BEFORE ${c.pick(['UPDATE', 'INSERT OR UPDATE'])} ON ${table.name} FOR EACH ROW EXECUTE FUNCTION ${fn}()`,
  )
  definitions.push(
    () => `ALTER TABLE ${table.name} DISABLE TRIGGER ${fn}`,
    () => `ALTER TABLE ${table.name} ENABLE TRIGGER ${fn}`,
    () => `DROP TRIGGER IF EXISTS ${fn} ON ${table.name}`,
    () => `CREATE OR REPLACE TRIGGER ${fn} BEFORE UPDATE ON ${table.name} FOR EACH ROW EXECUTE FUNCTION ${fn}()`,
  )
}

function writing(c: Choices, table: TableModel, other: TableModel, { ddl, definitions }: Draft): void {
  const fn = `after_${table.name}`
  const change = changeOf(c, other)
  const perRow = c.chance(50)
  const words = c.chance(15) ? `EXECUTE '${change.replaceAll("'", "''")}'` : change
  const create = (replace: string, events: string): string =>
    `CREATE ${replace}TRIGGER ${fn} ${perRow || c.chance(70) ? 'AFTER' : 'BEFORE'} ${events} ON ${table.name} ` +
    `FOR EACH ${perRow ? 'ROW' : 'STATEMENT'} EXECUTE FUNCTION ${fn}()`
  const events = c.pick(['INSERT OR UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE', 'UPDATE'])
  ddl.push(
    `CREATE FUNCTION ${fn}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${words}; RETURN NULL; END $$`,
    create('', events),
  )
  const again = create('OR REPLACE ', 'UPDATE OR DELETE')
  definitions.push(
    () => `DROP TRIGGER IF EXISTS ${fn} ON ${table.name}`,
    () => again,
  )
}
