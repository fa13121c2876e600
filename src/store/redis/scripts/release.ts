import { script } from './script.js'

/** Ends a lock that is still the caller's. */
export const releaseScript = script(
  'release',
  `
-- Whoever held it longer than it lives may find another's in its place.
-- KEYS   1 the lock
-- ARGV   1 token
-- Reply  1 where it was the caller's, else 0
-- Cost   O(1)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
`,
)
