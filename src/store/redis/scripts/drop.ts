import { script } from './script.js'

/** Drops stamps above the tables. */
export const dropScript = script(
  'drop',
  `
-- KEYS   the stamps, of one slot
-- ARGV   1 the channel of the news
-- Reply  1
-- Cost   O(keys)
redis.call('UNLINK', unpack(KEYS))
redis.call('PUBLISH', ARGV[1], 'd' .. cjson.encode(KEYS))
return 1
`,
)
