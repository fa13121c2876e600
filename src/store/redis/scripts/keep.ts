import { script } from './script.js'

/** Lets stamps live as long as the entry that recorded them. */
export const keepScript = script(
  'keep',
  `
-- A stamp that goes before its entry makes a miss. Stamps that are there for ever, or longer, are left alone.
-- KEYS   conj stamps
-- ARGV   1 milliseconds
-- Reply  0
-- Cost   O(keys)
local life = tonumber(ARGV[1])
for i = 1, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  if left >= 0 and left < life then redis.call('PEXPIRE', KEYS[i], life) end
end
return 0
`,
)
