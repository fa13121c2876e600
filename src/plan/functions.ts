/**
 * Functions of pg_catalog whose value depends on nothing but their arguments and settings that are in the key (S1, A10). A
 * name is here only if all functions of that name are so, in PostgreSQL 15 to 18; `test/plan/functions.test.ts` asks a server.
 */

const AGGREGATE_NAMES =
  'count sum avg min max bool_and bool_or every array_agg string_agg ' +
  'bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp ' +
  'percentile_cont percentile_disc mode any_value regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope ' +
  'regr_sxx regr_sxy regr_syy range_agg range_intersect_agg xmlagg'

const JSON_AGGREGATE_NAMES =
  'json_agg jsonb_agg json_object_agg jsonb_object_agg json_agg_strict jsonb_agg_strict json_object_agg_strict ' +
  'jsonb_object_agg_strict json_object_agg_unique jsonb_object_agg_unique json_object_agg_unique_strict ' +
  'jsonb_object_agg_unique_strict json_objectagg json_arrayagg'

const TEXT_NAMES =
  'lower upper initcap casefold char_length character_length octet_length bit_length bit_count substr substring left ' +
  'right btrim ltrim rtrim lpad rpad replace translate reverse repeat split_part strpos position overlay ascii chr ' +
  'md5 starts_with regexp_match regexp_matches regexp_replace regexp_count regexp_like regexp_substr regexp_instr ' +
  'regexp_split_to_array regexp_split_to_table string_to_table to_hex to_oct to_bin quote_ident unistr normalize ' +
  'is_normalized unicode_assigned like_escape similar_to_escape similar_escape to_ascii parse_ident encode decode sha224 ' +
  'sha256 sha384 sha512 crc32 crc32c get_bit get_byte set_bit set_byte num_nulls num_nonnulls hashtext hashtextextended ' +
  'pg_size_pretty pg_size_bytes'

const MATH_NAMES =
  'abs ceil ceiling floor round trunc mod div power pow sqrt cbrt exp ln log log10 sign gcd lcm width_bucket scale ' +
  'min_scale trim_scale factorial degrees radians pi acos acosd acosh asin asind asinh atan atand atanh atan2 atan2d cos ' +
  'cosd cosh cot cotd sin sind sinh tan tand tanh erf erfc gamma lgamma generate_subscripts'

const TIME_NAMES =
  'make_date make_time make_timestamp make_interval justify_days justify_hours justify_interval isfinite date_bin ' +
  'uuid_extract_timestamp uuid_extract_version'

const ARRAY_NAMES =
  'array_length array_lower array_upper array_ndims array_dims array_position array_positions array_append array_prepend ' +
  'array_cat array_remove array_replace array_fill array_reverse array_sort trim_array string_to_array cardinality unnest'

const JSON_NAMES =
  'json_array_length jsonb_array_length json_typeof jsonb_typeof jsonb_set jsonb_set_lax jsonb_insert jsonb_strip_nulls ' +
  'json_strip_nulls jsonb_pretty json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text ' +
  'json_object jsonb_object json_each json_each_text jsonb_each jsonb_each_text json_object_keys jsonb_object_keys ' +
  'json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text jsonb_exists ' +
  'jsonb_exists_any jsonb_exists_all jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array ' +
  'jsonb_path_query_first'

const RANGE_NAMES =
  'int4range int8range numrange daterange tsrange tstzrange int4multirange int8multirange nummultirange datemultirange ' +
  'tsmultirange tstzmultirange multirange lower_inc upper_inc lower_inf upper_inf isempty range_merge'

const NETWORK_NAMES =
  'abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network set_masklen'

const GEOMETRY_NAMES =
  'area bound_box box center circle diagonal diameter height isclosed isopen line lseg npoints path pclose point polygon ' +
  'popen radius slope width'

const TEXT_SEARCH_NAMES =
  'ts_rank ts_rank_cd setweight numnode querytree strip ts_delete ts_filter tsquery_phrase tsvector_to_array array_to_tsvector'

/** XMLELEMENT and its like are words of the grammar. */
const XML_NAMES =
  'xmlcomment xmltext xmlconcat xmlelement xmlforest xmlparse xmlpi xmlroot xmltable xmlexists xpath xpath_exists ' +
  'xml_is_well_formed_document xml_is_well_formed_content'

/** SQL/JSON, of which the server makes functions of its own. */
const SQL_JSON_NAMES = 'json json_array json_scalar json_serialize json_exists json_query json_value json_table'

/** Stable: they follow TimeZone, DateStyle, IntervalStyle or lc_time, which are in the key. */
const TIME_SETTING_NAMES =
  'generate_series date_trunc date_part extract date_add date_subtract timezone overlaps to_char to_date to_timestamp make_timestamptz ' +
  'jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz jsonb_path_query_array_tz jsonb_path_query_first_tz'

/** Stable: they follow lc_numeric, lc_monetary, default_text_search_config, xmloption or client_encoding, which are in the key. */
const OTHER_SETTING_NAMES =
  'to_number to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_headline json_to_tsvector ' +
  'jsonb_to_tsvector get_current_ts_config xml_is_well_formed'

/** Stable: they write any type as text, as the settings of formats say, which are in the key. */
const OUTPUT_NAMES = 'concat concat_ws format array_to_string quote_literal quote_nullable'

/** Stable as the ones above; besides, a user's cast to json would be called. */
const JSON_OUTPUT_NAMES =
  'json_build_object json_build_array jsonb_build_object jsonb_build_array to_json to_jsonb row_to_json array_to_json'

/** Stable: what they read of the catalog only definitions change, which drop everything. */
const CATALOG_NAMES = 'enum_first enum_last enum_range length convert convert_from convert_to'

/** Stable: they read a text as the columns that the statement defines, which is looked at as a cast is. */
const RECORD_NAMES = 'json_to_record json_to_recordset jsonb_to_record jsonb_to_recordset'

const WINDOW_NAMES = 'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value'

export const AGGREGATES: ReadonlySet<string> = new Set(`${AGGREGATE_NAMES} ${JSON_AGGREGATE_NAMES}`.split(' '))

const IMMUTABLE_NAMES = [
  ...[AGGREGATE_NAMES, TEXT_NAMES, MATH_NAMES, TIME_NAMES, ARRAY_NAMES, JSON_NAMES, RANGE_NAMES, NETWORK_NAMES],
  ...[GEOMETRY_NAMES, TEXT_SEARCH_NAMES, XML_NAMES, SQL_JSON_NAMES, WINDOW_NAMES],
].join(' ')

/** Those that PostgreSQL calls stable, each for a reason that is told above. */
export const STABLE_FUNCTIONS: ReadonlySet<string> = new Set(
  [
    ...[TIME_SETTING_NAMES, OTHER_SETTING_NAMES, OUTPUT_NAMES, JSON_OUTPUT_NAMES, JSON_AGGREGATE_NAMES, CATALOG_NAMES],
    RECORD_NAMES,
  ].flatMap((names) => names.split(' ')),
)

export const PURE_FUNCTIONS: ReadonlySet<string> = new Set([...IMMUTABLE_NAMES.split(' '), ...STABLE_FUNCTIONS])

/** They turn any type into JSON, and call a user's cast to json where a type has one. */
export const JSON_CASTING: ReadonlySet<string> = new Set(`${JSON_AGGREGATE_NAMES} ${JSON_OUTPUT_NAMES}`.split(' '))

/** Their value is a date or a time, never text. */
export const TEMPORAL_RESULTS: ReadonlySet<string> = new Set(
  (
    'date_trunc date_bin date_add date_subtract timezone to_date to_timestamp make_date make_time make_timestamp ' +
    'make_timestamptz make_interval'
  ).split(' '),
)

const CHANGING: ReadonlySet<string> = new Set(
  (
    'now clock_timestamp statement_timestamp transaction_timestamp timeofday random random_normal gen_random_uuid uuidv4 ' +
    'uuidv7 uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes nextval array_sample array_shuffle'
  ).split(' '),
)

const OF_THE_SESSION: ReadonlySet<string> = new Set(
  (
    'currval lastval setval current_setting pg_backend_pid pg_current_xact_id txid_current txid_current_if_assigned ' +
    'pg_is_in_recovery version current_database current_schema current_schemas inet_client_addr inet_client_port inet_server_addr inet_server_port'
  ).split(' '),
)

/** Why a read that calls the function is not cached. */
export function whyImpure(name: string): string {
  if (CHANGING.has(name)) return `${name}() gives another answer each time`
  if (OF_THE_SESSION.has(name)) return `${name}() tells of the session or the server, not of tables`
  return `function ${name}() is not known to be pure`
}

const CLOCK: ReadonlySet<string> = new Set([
  ...['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp'],
])

/** Why a read that has CURRENT_DATE or its like is not cached. */
export function whyEnvironment(name: string): string {
  const word = name.toUpperCase()
  return CLOCK.has(name) ? `${word} gives another answer each time` : `${word} tells of the session, not of tables`
}

/** Functions of pg_catalog that take a session's locks: who holds one may decide by what it reads (S6). */
export function isLockFunction(name: string): boolean {
  return /^pg_(try_)?advisory_/.test(name)
}

/** Functions of pg_catalog that change settings (A5). */
export function isSettingFunction(name: string): boolean {
  return name === 'set_config' || name === 'pg_reload_conf'
}

/** Type names by which a string can mean another instant each day, as `'today'` does (A10). */
export const TEMPORAL_TYPES: ReadonlySet<string> = new Set([
  ...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'daterange', 'tsrange', 'tstzrange'],
  ...['datemultirange', 'tsmultirange', 'tstzmultirange'],
])

/** Full names that the catalog gives for the temporal types. */
export const TEMPORAL_TYPE_NAMES: ReadonlySet<string> = new Set([
  'date',
  'time without time zone',
  'time with time zone',
  'timestamp without time zone',
  'timestamp with time zone',
])

/**
 * Whether a string could be, or hold, one of the input words that read the clock, wherever a date is expected. However
 * long it is: spaces do not count, and arrays hold many. Backslashes in arrays and ranges are taken off before the word is read.
 */
export function readsClock(text: string): boolean {
  return /(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])/i.test(text.replaceAll('\\', ''))
}
