/** Functions of pg_catalog whose value depends on nothing but their arguments and settings that are in the key (S1, A10). */

const AGGREGATE_NAMES =
  'count sum avg min max bool_and bool_or every array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg ' +
  'bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp ' +
  'percentile_cont percentile_disc mode any_value regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope ' +
  'regr_sxx regr_sxy regr_syy'

const SCALAR_NAMES =
  'lower upper initcap length char_length character_length octet_length bit_length substr substring left right btrim ltrim rtrim ' +
  'trim lpad rpad replace translate reverse repeat split_part strpos position overlay concat concat_ws ascii chr md5 ' +
  'starts_with regexp_match regexp_replace regexp_count regexp_like regexp_substr regexp_instr regexp_split_to_array ' +
  'to_hex quote_ident quote_literal quote_nullable unistr normalize like_escape similar_to_escape ' +
  'abs ceil ceiling floor round trunc mod div power pow sqrt cbrt exp ln log log10 sign gcd lcm width_bucket scale ' +
  'min_scale trim_scale degrees radians pi acos asin atan atan2 cos cot sin tan cosh sinh tanh ' +
  'date_trunc date_part extract make_date make_time make_timestamp make_interval timezone justify_days justify_hours ' +
  'justify_interval isfinite date_bin to_char to_date to_number to_timestamp overlaps ' +
  'array_length array_lower array_upper array_ndims array_dims array_position array_positions array_append array_prepend ' +
  'array_cat array_remove array_replace array_to_string string_to_array cardinality ' +
  'json_build_object json_build_array jsonb_build_object jsonb_build_array to_json to_jsonb row_to_json array_to_json ' +
  'json_array_length jsonb_array_length json_typeof jsonb_typeof jsonb_set jsonb_insert jsonb_strip_nulls json_strip_nulls ' +
  'jsonb_pretty json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_object jsonb_object ' +
  'jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_path_exists jsonb_path_match jsonb_path_query_array jsonb_path_query_first ' +
  'to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight ' +
  'numnode querytree encode decode sha224 sha256 sha384 sha512 num_nulls num_nonnulls ' +
  'int4range int8range numrange daterange tsrange tstzrange lower_inc upper_inc lower_inf upper_inf isempty range_merge'

const WINDOW_NAMES = 'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value'

export const AGGREGATES: ReadonlySet<string> = new Set(AGGREGATE_NAMES.split(' '))

export const PURE_FUNCTIONS: ReadonlySet<string> = new Set(
  `${AGGREGATE_NAMES} ${SCALAR_NAMES} ${WINDOW_NAMES}`.split(' '),
)

/** Functions of pg_catalog that take a session's locks: who holds one may decide by what it reads (S6). */
export function isLockFunction(name: string): boolean {
  return /^pg_(try_)?advisory_/.test(name)
}

/** Functions of pg_catalog that change settings (A5). */
export function isSettingFunction(name: string): boolean {
  return name === 'set_config' || name === 'pg_reload_conf'
}

/** Type names by which a string can mean another instant each day, as `'today'` does (A10). */
export const TEMPORAL_TYPES: ReadonlySet<string> = new Set(['date', 'time', 'timetz', 'timestamp', 'timestamptz'])

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
