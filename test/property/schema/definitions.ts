import type { Choices } from '../choices.js'
import { anyValue, declared, KINDS, literal } from '../kinds.js'
import { type Draft, settable } from './model.js'
import { actions } from './tables.js'

/** Tables that change while they are read and written. What fails, as a name that is gone, fails everywhere. */
export function addDefinitions(c: Choices, draft: Draft): void {
  const { definitions, tables } = draft
  const table = c.pick(tables)
  const { name } = table
  const column = c.pick(table.columns)
  const free = c.pick(settable(table).filter((one) => one.name !== 'id')) ?? column
  const value = (own: Choices) => literal(free.kind, anyValue(free.kind, own))
  definitions.push(
    () => `ALTER TABLE ${name} ADD COLUMN z integer DEFAULT 7`,
    () => `UPDATE ${name} SET z = 8`,
    () => `ALTER TABLE ${name} DROP COLUMN IF EXISTS z`,
    () => `ALTER TABLE ${name} RENAME COLUMN ${column.name} TO renamed`,
    () => `ALTER TABLE ${name} RENAME COLUMN renamed TO ${column.name}`,
    () => `ALTER TABLE ${name} RENAME COLUMN renamed TO ${column.name}`,
    () => `ALTER TABLE ${name} RENAME TO other_name`,
    () => `ALTER TABLE other_name RENAME TO ${name}`,
    () => `ALTER TABLE IF EXISTS other_name RENAME TO ${name}`,
    () => `ALTER TABLE ${name} ALTER COLUMN ${free.name} TYPE text USING ${free.name}::text`,
    () =>
      `ALTER TABLE ${name} ALTER COLUMN ${free.name} DROP DEFAULT, ALTER COLUMN ${free.name} TYPE ${declared(free.kind)} USING ${free.name}::text::${KINDS[free.kind].type}`,
    (own) => `ALTER TABLE ${name} ALTER COLUMN ${free.name} SET DEFAULT ${value(own)}`,
    (own) => `ALTER TABLE ${name} ALTER COLUMN ${free.name} TYPE ${declared(free.kind)} USING ${value(own)}`,
    () => `ALTER TABLE ${name} ALTER COLUMN ${free.name} DROP NOT NULL`,
    () => `CREATE INDEX by_${free.name} ON ${name} (${free.name})`,
    () => `CREATE UNIQUE INDEX ON ${name} (${free.name})`,
    () => `DROP INDEX IF EXISTS by_${free.name}`,
    () => `ANALYZE ${name}`,
    () => `COMMENT ON TABLE ${name} IS 'changed'`,
    () => `CREATE TABLE IF NOT EXISTS aside AS SELECT * FROM ${name}`,
    () => `CREATE RULE quiet AS ON DELETE TO ${name} DO INSTEAD NOTHING`,
    () => `DROP RULE IF EXISTS quiet ON ${name}`,
  )
  const parent = tables.find((one) => one.unique.includes('id') && one !== table)
  const key = parent?.columns.find((one) => one.name === 'id')
  const like = key && settable(table).find((one) => one.kind === key.kind && one.name !== 'id')
  if (!parent || !like) return
  const words = actions(c)
  definitions.push(
    () =>
      `ALTER TABLE ${name} ADD CONSTRAINT added FOREIGN KEY (${like.name}) REFERENCES ${parent.name} (id) ${words} NOT VALID`,
    () => `ALTER TABLE ${name} DROP CONSTRAINT IF EXISTS added`,
  )
}
