import type { Choices } from '../choices.js'
import { anyValue, KINDS, literal } from '../kinds.js'
import type { Draft, TableModel } from './model.js'

/** The role under which rows are hidden. It belongs to the server, not to a database. */
const ROLE = 'cacheops_tenant'

/** Row-level security: by the tenant that the session names, by another table, by a column. */
export function addPolicies(c: Choices, draft: Draft): void {
  const { ddl, tables, settings, definitions } = draft
  ddl.push(
    `DO $$ BEGIN CREATE ROLE ${ROLE}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    `GRANT USAGE ON SCHEMA public TO ${ROLE}`,
  )
  for (const table of c.some(
    tables.filter((one) => !one.part || c.chance(30)),
    1,
    2,
  ))
    secure(c, table, tables, draft)
  ddl.push(
    `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${ROLE}`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${ROLE}`,
  )
  const tenant = (own: Choices) => own.pick(['1', '2', 'a', ''])
  settings.push(
    () => `SET ROLE ${ROLE}`,
    () => `SET ROLE ${ROLE}`,
    () => 'RESET ROLE',
    (own) => `SET app.tenant = '${tenant(own)}'`,
    (own) => `SET app.tenant = '${tenant(own)}'`,
    (own) => `SELECT set_config('app.tenant', '${tenant(own)}', false)`,
    (own) => `SELECT set_config('app.tenant', '${tenant(own)}', true)`,
    (own) => `SET LOCAL app.tenant = '${tenant(own)}'`,
    () => `SET LOCAL ROLE ${ROLE}`,
    () => 'RESET app.tenant',
  )
  const revoked = c.pick(tables).name
  definitions.push(
    () => `REVOKE SELECT ON ${revoked} FROM ${ROLE}`,
    () => `GRANT SELECT ON ${revoked} TO ${ROLE}`,
  )
}

const SETTING = `current_setting('app.tenant', true)`

function secure(c: Choices, table: TableModel, tables: readonly TableModel[], { ddl, definitions }: Draft): void {
  const { name } = table
  const one = () => {
    const column = c.pick(table.columns)
    const other = c.pick(tables.filter((candidate) => candidate !== table)) ?? table
    const pair = table.columns.flatMap((a) =>
      other.columns.filter((b) => b.kind === a.kind).map((b) => [a, b] as const),
    )
    const [mine, theirs] = c.pick(pair) ?? []
    return c.weighted<() => string>([
      [5, () => `${column.name}::text = ${SETTING}`],
      [2, () => `nullif(${SETTING}, '') IS NULL OR id::text = ${SETTING}`],
      [2, () => `${column.name} IS NOT NULL`],
      [2, () => `${column.name} = ${literal(column.kind, anyValue(column.kind, c))}`],
      [
        other === table || !mine || !theirs ? 0 : 4,
        () =>
          `EXISTS (SELECT 1 FROM ${other.name} o WHERE o.${theirs?.name} = ${name}.${mine?.name} AND ${c.pick(other.columns).name} IS NOT NULL)`,
      ],
      [KINDS[column.kind].type === 'text' ? 2 : 0, () => `${column.name} = ${SETTING}`],
      [1, () => `current_user <> '${ROLE}'`],
    ])()
  }
  ddl.push(
    `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
    `CREATE POLICY one ON ${name} ${c.pick(['', '', 'FOR ALL '])}USING (${one()})${c.chance(50) ? ' WITH CHECK (true)' : ''}`,
  )
  if (c.chance(30))
    ddl.push(`CREATE POLICY two ON ${name} ${c.chance(50) ? 'AS RESTRICTIVE ' : ''}TO ${ROLE} USING (${one()})`)
  // What may be read, and what only written: a row may go where its writer does not see it any more.
  if (c.chance(25)) ddl.push(`CREATE POLICY seen ON ${name} FOR SELECT USING (${one()})`)
  const third = one()
  definitions.push(
    () => `CREATE POLICY three ON ${name} USING (${third})`,
    () => `DROP POLICY IF EXISTS three ON ${name}`,
    () => `DROP POLICY IF EXISTS one ON ${name}`,
    () => `ALTER POLICY one ON ${name} USING (${third})`,
    () => `ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY`,
    () => `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
  )
}
