import type { CatalogRows } from './rows.js'

/** The first oid that is given to an object made after initdb. */
export const FIRST_USER_OID = 16384

/** Relations that users made; temporary ones of every session are among them. TOAST tables have a kind of their own. */
const RELATION = `pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`

const RELATIONS = `
SELECT c.oid AS place, ${line(
  'c.oid::bigint',
  'n.nspname',
  'c.relname',
  'c.relkind',
  "c.relpersistence = 't'",
  'c.relrowsecurity',
  `c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1')`,
)}
FROM ${RELATION}`

const COLUMNS = `
SELECT (a.attrelid, a.attnum) AS place, ${line(
  'a.attrelid::bigint',
  'a.attname',
  'a.attnum',
  't.oid::bigint',
  'pg_catalog.format_type(t.oid, NULL)',
  't.typname',
  'tn.nspname',
  't.typtype',
  'a.atttypmod',
  'a.attcollation::bigint',
  'coalesce(l.collisdeterministic, false)',
  'a.attnotnull',
  'a.attgenerated',
  'a.attidentity',
)}
FROM ${RELATION}
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation`

/** What a generated column reads is recorded for the column to 14, for its default later. */
const GENERATED = `
SELECT (a.attrelid, a.attnum, d.refobjsubid) AS place, ${line('a.attrelid::bigint', 'a.attnum', 'd.refobjsubid')}
FROM ${RELATION}
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
CROSS JOIN LATERAL (VALUES
  (${classOf('pg_attrdef')}, ad.oid, 0),
  (${classOf('pg_class')}, a.attrelid, a.attnum::integer)) AS s (classid, objid, objsubid)
JOIN pg_catalog.pg_depend d ON d.classid = s.classid AND d.objid = s.objid AND d.objsubid = s.objsubid
WHERE a.attgenerated <> '' AND d.refclassid = ${classOf('pg_class')} AND d.refobjid = a.attrelid
  AND d.refobjsubid > 0 AND d.refobjsubid <> a.attnum
GROUP BY a.attrelid, a.attnum, d.refobjsubid`

/**
 * User functions that are called unseen: what the objects that stand behind a table (or a domain) depend on, directly, by an
 * operator, or by the operator class of an index. Dependencies on what is built in are not recorded.
 */
const calledBy = (owners: string) => `(${owners}) s
JOIN pg_catalog.pg_depend d ON d.classid = s.classid AND d.objid = s.objid
LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = ${classOf('pg_operator')} AND o.oid = d.refobjid
LEFT JOIN pg_catalog.pg_opclass oc ON d.refclassid = ${classOf('pg_opclass')} AND oc.oid = d.refobjid
LEFT JOIN pg_catalog.pg_amproc ap ON ap.amprocfamily = oc.opcfamily
JOIN pg_catalog.pg_proc f ON f.oid = CASE d.refclassid
  WHEN ${classOf('pg_proc')} THEN d.refobjid
  WHEN ${classOf('pg_operator')} THEN o.oprcode::pg_catalog.oid
  WHEN ${classOf('pg_opclass')} THEN ap.amproc::pg_catalog.oid END
WHERE f.oid >= ${FIRST_USER_OID}`

/** A generated column's are recorded for the column to 14, for its default later; a partition key's for the table. */
const CALLS = `
SELECT (s.owner, f.oid, s.moment) AS place, ${line('s.owner::bigint', 'f.oid::bigint', 's.moment')}
FROM ${calledBy(`
  SELECT c.oid AS owner, ${classOf('pg_class')} AS classid, c.oid AS objid, 'write' AS moment FROM ${RELATION}
  UNION ALL SELECT ad.adrelid, ${classOf('pg_attrdef')}, ad.oid, 'write' FROM pg_catalog.pg_attrdef ad
  UNION ALL SELECT i.indrelid, ${classOf('pg_class')}, i.indexrelid, 'write' FROM pg_catalog.pg_index i
  UNION ALL SELECT k.conrelid, ${classOf('pg_constraint')}, k.oid, 'write' FROM pg_catalog.pg_constraint k WHERE k.conrelid <> 0
  UNION ALL SELECT p.polrelid, ${classOf('pg_policy')}, p.oid, 'read' FROM pg_catalog.pg_policy p
  UNION ALL SELECT r.ev_class, ${classOf('pg_rewrite')}, r.oid, 'read' FROM pg_catalog.pg_rewrite r WHERE r.ev_type = '1'`)}
GROUP BY s.owner, f.oid, s.moment`

const DOMAIN_CALLS = `
SELECT (s.owner, f.oid) AS place, ${line('s.owner::bigint', 'f.oid::bigint')}
FROM ${calledBy(`
  SELECT t.oid AS owner, ${classOf('pg_type')} AS classid, t.oid AS objid FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
  UNION ALL SELECT k.contypid, ${classOf('pg_constraint')}, k.oid FROM pg_catalog.pg_constraint k WHERE k.contypid <> 0`)}
GROUP BY s.owner, f.oid`

const POLICIES = `
SELECT p.oid AS place, ${line(
  'p.polrelid::bigint',
  'p.polname',
  'p.polcmd',
  "coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '')",
  "coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')",
)}
FROM pg_catalog.pg_policy p`

const keys = (version: number) => `
SELECT i.indexrelid AS place, ${line(
  'i.indrelid::bigint',
  'i.indisprimary',
  'i.indkey::smallint[]',
  'i.indnkeyatts',
  version >= 150000 ? 'i.indnullsnotdistinct' : 'false',
)}
FROM ${RELATION}
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND NOT i.indisexclusion
  AND i.indpred IS NULL AND i.indexprs IS NULL`

const foreignKeys = (version: number) => `
SELECT k.oid AS place, ${line(
  'k.conrelid::bigint',
  'k.confrelid::bigint',
  'k.conkey',
  'k.confkey',
  'k.confdeltype',
  'k.confupdtype',
  version >= 150000 ? 'k.confdelsetcols' : 'NULL',
)}
FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'`

/** Before 15 a partition's copy of a trigger counts as internal, so those of constraints are told by their functions. */
const TRIGGERS = `
SELECT t.oid AS place, ${line('t.tgrelid::bigint', 't.tgname', 't.tgtype', 't.tgfoid::bigint')}
FROM ${RELATION}
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
WHERE NOT t.tgisinternal OR pg_catalog.left(f.proname, 8) <> 'RI_FKey_' AND f.proname <> 'unique_key_recheck'`

const INHERITS = `
SELECT (i.inhrelid, i.inhparent) AS place, ${line('i.inhrelid::bigint', 'i.inhparent::bigint')}
FROM ${RELATION}
JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid`

/**
 * What a view is made of is read from its rule's tree: pg_depend leaves out what is built in, such as pg_class or now().
 * A quoted name cannot pass for a field, as the tree escapes the space in it; if it could, more would be read.
 */
const VIEW_TREES = `
tree AS MATERIALIZED (
  SELECT c.oid, r.ev_action::pg_catalog.text AS tree FROM ${RELATION}
  JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.ev_type = '1' WHERE c.relkind IN ('v', 'm')),
field AS MATERIALIZED (
  SELECT DISTINCT v.oid AS view, pg_catalog.split_part(p.part, ' ', 1) AS name,
    pg_catalog.substring(p.part, '^[^ ]+ ([0-9]+)')::pg_catalog.oid AS value
  FROM tree v, pg_catalog.unnest(pg_catalog.string_to_array(v.tree, ':')) AS p (part)
  WHERE pg_catalog.split_part(p.part, ' ', 1) IN ('relid', 'funcid', 'opno', 'aggfnoid', 'winfnoid', 'tsmhandler')
    OR pg_catalog.left(p.part, 17) = 'hasForUpdate true')`

const VIEWS = `
SELECT v.oid AS place, ${line(
  'v.oid::bigint',
  'pg_catalog.pg_get_viewdef(v.oid)',
  `(SELECT pg_catalog.json_agg(DISTINCT pg_catalog.split_part(p.part, ' ', 1))
    FROM pg_catalog.unnest(pg_catalog.string_to_array(v.tree, '{')) AS p (part) WHERE p.part ~ '^[A-Z]')`,
  `(SELECT pg_catalog.json_agg(DISTINCT p.value::bigint) FROM field p WHERE p.view = v.oid AND p.name = 'relid' AND p.value <> 0)`,
  `NOT EXISTS (SELECT FROM field p
    LEFT JOIN pg_catalog.pg_operator o ON p.name = 'opno' AND o.oid = p.value
    LEFT JOIN pg_catalog.pg_proc f
      ON f.oid = CASE p.name WHEN 'opno' THEN o.oprcode::pg_catalog.oid ELSE p.value END
    WHERE p.view = v.oid AND p.name <> 'relid' AND (f.provolatile = 'i' AND f.oid < ${FIRST_USER_OID}) IS NOT TRUE)`,
)}
FROM tree v`

const AGGREGATE_PARTS = ['trans', 'final', 'combine', 'serial', 'deserial', 'mtrans', 'minvtrans', 'mfinal']

const functions = (version: number) => `
SELECT f.oid AS place, ${line(
  'f.oid::bigint',
  'n.nspname',
  'f.proname',
  'f.prokind',
  'l.lanname',
  'f.provolatile',
  version >= 140000 ? 'coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), f.prosrc)' : 'f.prosrc',
  `(SELECT pg_catalog.json_agg(${array('pn.nspname', 'p.proname', 'p.provolatile')} ORDER BY p.oid)
    FROM pg_catalog.pg_aggregate a
    JOIN pg_catalog.pg_proc p ON p.oid IN (${AGGREGATE_PARTS.map((part) => `a.agg${part}fn`).join(', ')})
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace WHERE a.aggfnoid = f.oid)`,
)}
FROM pg_catalog.pg_proc f
JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = f.prolang
WHERE f.oid >= ${FIRST_USER_OID} OR n.nspname <> 'pg_catalog'`

const OPERATORS = `
SELECT o.oid AS place, ${line(
  'o.oprname',
  "coalesce(f.provolatile = 'i', false)",
  'o.oprleft::bigint',
  'o.oprright::bigint',
  "EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid IN (o.oprleft, o.oprright) AND t.typtype = 'p')",
  'o.oprcode::pg_catalog.oid::bigint',
)}
FROM pg_catalog.pg_operator o LEFT JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode
WHERE o.oid >= ${FIRST_USER_OID}`

/** A cast WITH INOUT calls the types' own functions, which are known between enums and built-in strings alone. */
const CASTS = `
SELECT k.oid AS place, ${line(
  'k.castsource::bigint',
  'k.casttarget::bigint',
  'k.castcontext',
  't.typname',
  'pg_catalog.format_type(k.castsource, NULL)',
  'pg_catalog.format_type(k.casttarget, NULL)',
  `CASE k.castmethod WHEN 'b' THEN true WHEN 'f' THEN coalesce(f.provolatile = 'i', false)
    ELSE s.typtype = 'e' AND t.typcategory = 'S' AND t.oid < ${FIRST_USER_OID}
      OR t.typtype = 'e' AND s.typcategory = 'S' AND s.oid < ${FIRST_USER_OID} END`,
  'k.castfunc::bigint',
)}
FROM pg_catalog.pg_cast k
JOIN pg_catalog.pg_type s ON s.oid = k.castsource
JOIN pg_catalog.pg_type t ON t.oid = k.casttarget
LEFT JOIN pg_catalog.pg_proc f ON f.oid = k.castfunc
WHERE k.oid >= ${FIRST_USER_OID}`

const TYPES = `
SELECT t.oid AS place, ${line(
  't.oid::bigint',
  'n.nspname',
  't.typname',
  't.typtype',
  't.typbasetype::bigint',
  `(SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
    FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)`,
  "CASE t.typcategory WHEN 'A' THEN t.typelem::bigint ELSE 0 END",
)}
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid >= ${FIRST_USER_OID}`

const EVENT_TRIGGERS = `
SELECT e.evtname AS place, ${line('e.evtname', 'e.evtevent')}
FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D'`

const SYSTEM_RELATIONS = `
SELECT (n.nspname, c.relname) AS place, ${line('n.nspname', 'c.relname')}
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`

/**
 * One statement for the whole catalog, so that all of it is from one snapshot and costs one round trip. It gives one row:
 * the search path under which it ran, and `CatalogRows` as JSON. Operators are looked up by name, and names are printed
 * as seen from the search path: it has to be empty.
 */
export function catalogQuery(serverVersion: number): string {
  const parts: Record<keyof CatalogRows, string> = {
    relations: RELATIONS,
    columns: COLUMNS,
    generated: GENERATED,
    calls: CALLS,
    domainCalls: DOMAIN_CALLS,
    keys: keys(serverVersion),
    foreignKeys: foreignKeys(serverVersion),
    triggers: TRIGGERS,
    policies: POLICIES,
    inherits: INHERITS,
    views: VIEWS,
    functions: functions(serverVersion),
    operators: OPERATORS,
    casts: CASTS,
    types: TYPES,
    eventTriggers: EVENT_TRIGGERS,
    systemRelations: SYSTEM_RELATIONS,
  }
  const fields = Object.entries(parts).map(
    ([name, sql]) => `'${name}', (SELECT coalesce(pg_catalog.json_agg(x.line ORDER BY x.place), '[]') FROM (${sql}) x)`,
  )
  return `WITH ${VIEW_TREES}
SELECT pg_catalog.current_setting('search_path'), pg_catalog.json_build_object(${fields.join(',\n')})`
}

function array(...expressions: readonly string[]): string {
  return `pg_catalog.json_build_array(${expressions.join(', ')})`
}

function line(...expressions: readonly string[]): string {
  return `${array(...expressions)} AS line`
}

function classOf(catalog: string): string {
  return `'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid`
}
