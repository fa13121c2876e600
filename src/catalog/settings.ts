import { createHash } from 'node:crypto'
import { CacheopsError } from '../base/errors.js'
import type { WireRow } from '../base/vocabulary.js'

/** What a session is set to, as far as it can change an answer or what may be done with one (A5, S8). */
export interface Settings {
  /**
   * A hash of all that can change an answer: search path, roles, settings of time, formats and parsing, and `custom`. Not of
   * `isolation`, `readOnly` and `inRecovery`, which say whether a read may be cached, or filled, at all.
   */
  readonly fingerprint: string
  /** The custom settings (`app.tenant`) whose values are in the fingerprint. */
  readonly custom: readonly string[]
  /** The effective path, as `current_schemas(true)` gives it: with pg_catalog, and pg_temp_N once there is one. */
  readonly searchPath: readonly string[]
  /** `current_user`. */
  readonly role: string
  /** `session_user`. */
  readonly sessionRole: string
  /** `default_transaction_isolation`. */
  readonly isolation: string
  /** The isolation of the transaction that the settings were read in. */
  readonly transactionIsolation: string
  /** `default_transaction_read_only`. */
  readonly readOnly: boolean
  readonly inRecovery: boolean
  /** A24: literals may be lifted, as `standard_conforming_strings` is on. */
  readonly liftable: boolean
  /** `transform_null_equals`: `x = NULL` means `x IS NULL`. */
  readonly nullEquals: boolean
  readonly replicationRole: string
  /** `client_encoding` is UTF8: what JavaScript compares is what the server compares. */
  readonly utf8: boolean
  /** The process that serves the session: another one the next time tells of a transaction pooler (A5). */
  readonly pid: number
  /** When the server was started: another time tells of a crash, a failover, or another server (A15). */
  readonly started: string
  /** The session has a temporary schema, so a name may mean a temporary table that no catalog knows. */
  readonly temporary: boolean
}

/** When the server was started, in words that no setting changes. */
export const SERVER_START =
  "pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), 'YYYYMMDDHH24MISSUS')"

const COLUMNS = {
  // What can change an answer.
  searchPath: 'pg_catalog.to_json(pg_catalog.current_schemas(true))',
  role: 'current_user',
  sessionRole: 'session_user',
  timeZone: setting('TimeZone'),
  timeZoneAbbreviations: setting('timezone_abbreviations'),
  dateStyle: setting('DateStyle'),
  intervalStyle: setting('IntervalStyle'),
  extraFloatDigits: setting('extra_float_digits'),
  byteaOutput: setting('bytea_output'),
  monetary: setting('lc_monetary'),
  numeric: setting('lc_numeric'),
  time: setting('lc_time'),
  clientEncoding: setting('client_encoding'),
  standardConformingStrings: setting('standard_conforming_strings'),
  backslashQuote: setting('backslash_quote'),
  arrayNulls: setting('array_nulls'),
  transformNullEquals: setting('transform_null_equals'),
  textSearch: setting('default_text_search_config'),
  xmlBinary: setting('xmlbinary'),
  xmlOption: setting('xmloption'),
  quoteAllIdentifiers: setting('quote_all_identifiers'),
  rowSecurity: setting('row_security'),
  ginFuzzySearchLimit: setting('gin_fuzzy_search_limit'),
  replicationRole: setting('session_replication_role'),
  custom: 'NULL',
  // What cannot.
  isolation: setting('default_transaction_isolation'),
  transactionIsolation: setting('transaction_isolation'),
  readOnly: setting('default_transaction_read_only'),
  inRecovery: 'pg_catalog.pg_is_in_recovery()',
  pid: 'pg_catalog.pg_backend_pid()',
  started: SERVER_START,
  temporarySchema: 'pg_catalog.pg_my_temp_schema()',
}
type Column = keyof typeof COLUMNS

const NAMES = Object.keys(COLUMNS) as readonly Column[]
const ANSWERS = NAMES.indexOf('isolation')

/**
 * One row with what identifies a session's settings, for `parseSettings`. Custom settings cannot be listed: `custom` names
 * those to ask for, as `Catalog.customSettings` gives them.
 */
export function settingsQuery(custom: readonly string[]): string {
  const values = `pg_catalog.json_build_array(${custom.map(setting).join(', ')})`
  return `SELECT ${Object.values({ ...COLUMNS, custom: values }).join(', ')}`
}

/**
 * One row, `t` or `f`: the session holds an advisory lock. Not among the settings, as it walks all locks of the server:
 * ask where an opaque statement may have taken one.
 */
export const advisoryLockQuery = `SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0::bigint FROM pg_catalog.pg_locks l
  WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'::pg_catalog.text
    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()`

/**
 * Reads the row that `settingsQuery(custom)` gives, as wire text.
 *
 * @throws CacheopsError where it is not such a row
 */
export function parseSettings(row: WireRow, custom: readonly string[]): Settings {
  if (row.length !== NAMES.length) {
    throw new CacheopsError(
      'CACHEOPS_SETTINGS',
      `The session's settings came as ${row.length} values, expected ${NAMES.length}: the row of \`settingsQuery\` as text by position.`,
    )
  }
  const value = (name: Column) => row[NAMES.indexOf(name)] ?? ''
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify([custom, row.slice(0, ANSWERS)]))
      .digest('base64url'),
    custom,
    searchPath: JSON.parse(value('searchPath')) as string[],
    role: value('role'),
    sessionRole: value('sessionRole'),
    isolation: value('isolation'),
    transactionIsolation: value('transactionIsolation'),
    readOnly: value('readOnly') === 'on',
    inRecovery: value('inRecovery') === 't',
    liftable: value('standardConformingStrings') === 'on',
    nullEquals: value('transformNullEquals') === 'on',
    replicationRole: value('replicationRole'),
    utf8: value('clientEncoding') === 'UTF8',
    pid: Number(value('pid')),
    started: value('started'),
    temporary: value('temporarySchema') !== '0',
  }
}

function setting(name: string): string {
  return `pg_catalog.current_setting('${name}', true)`
}
