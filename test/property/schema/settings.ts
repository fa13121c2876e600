import type { Choices } from '../choices.js'
import { type Draft, insertOf } from './model.js'

/** What a session sets for itself, that changes what the same text gives: formats, the path, tables of its own. */
export function addSettings(c: Choices, draft: Draft): void {
  const { ddl, settings, tables } = draft
  const table = c.pick(tables.filter((one) => !one.part))
  const { name } = table
  const column = c.pick(table.columns).name
  // A table of the same name elsewhere.
  ddl.push(`CREATE SCHEMA side`, `CREATE TABLE side.${name} (LIKE public.${name})`)
  draft.rows.push(insertOf(c, { ...table, name: `side.${name}` }, 1))
  settings.push(
    () => `SET search_path = side, public`,
    () => `SET search_path = public`,
    () => `SET LOCAL search_path = side, public`,
    () => `RESET search_path`,
    (own) => `SET timezone = '${own.pick(['UTC', 'Asia/Tokyo', 'America/New_York'])}'`,
    (own) => `SET datestyle = '${own.pick(['ISO, MDY', 'German', 'SQL, DMY'])}'`,
    (own) => `SET LOCAL timezone = '${own.pick(['UTC', 'Asia/Tokyo'])}'`,
    () => `SET enable_seqscan = off`,
    () => `SET extra_float_digits = 0`,
    () => `SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED`,
    () => `CREATE TEMP TABLE ${name} AS SELECT * FROM public.${name} WHERE ${column} IS NOT NULL`,
    () => `CREATE TEMP VIEW v_${name} AS SELECT * FROM public.${name}`,
    () => `DROP TABLE IF EXISTS pg_temp.${name}`,
    () => `SELECT pg_advisory_lock_shared(1)`,
    () => `SELECT pg_advisory_unlock_shared(1)`,
    () => `DISCARD TEMP`,
    () => `RESET ALL`,
  )
}
