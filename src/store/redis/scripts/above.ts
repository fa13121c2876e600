import { script } from './script.js'

/** The stamps above the tables, created where missing. */
export const aboveScript = script(
  'above',
  `
-- S4, A7: the stamps that every read holds.
-- KEYS   1 global stamp, 2 database stamp, 3 catalog stamp, 4 the database's blocks
-- ARGV   1, 2, 3 a new value for each stamp, 4 the channel of the news
-- Reply  {global stamp, database stamp, catalog stamp}; the database stamp is '!' where the database is blocked
-- Cost   O(1)
local reply = {}
local made = {}
for i = 1, 3 do
  local value = redis.call('GET', KEYS[i])
  if not value then
    value = ARGV[i]
    local life
    if i == 2 then
      -- A2: who blocks has left a mark in the stamp's place; where that was lost or dropped, it is put back.
      local time = redis.call('TIME')
      redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
      if redis.call('ZCARD', KEYS[4]) > 0 then
        value = '!'
        life = math.max(1, redis.call('PTTL', KEYS[4]))
      end
    end
    if life then redis.call('SET', KEYS[i], value, 'PX', life) else redis.call('SET', KEYS[i], value) end
    made[#made + 1] = KEYS[i]
  end
  reply[i] = value
end
-- A19: what stood under a stamp that was lost may be kept in processes.
if #made > 0 then redis.call('PUBLISH', ARGV[4], 'd' .. cjson.encode(made)) end
return reply
`,
)
