import { script } from './script.js'

/** A stamp of its own, created where missing. */
export const ownScript = script(
  'own',
  `
-- S4: what is begun before a drop is not stored after it.
-- KEYS   1 the stamp of a key
-- ARGV   1 a new stamp, 2 milliseconds that it lives
-- Reply  the stamp
-- Cost   O(1)
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`,
)
