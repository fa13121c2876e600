import { script } from './script.js'

/** The stamps of one table's part of a lease, created and registered where missing. */
export const leaseScript = script(
  'lease',
  `
-- S4, A1: every stamp of a lease stands before the database is asked, and its schemes are registered under its table stamp.
-- KEYS   1 table stamp, 2 registry, 3 blocks, then a scheme stamp for each scheme, then the conj stamps
-- ARGV   1 mark of a layout, 2 a new table stamp, 3 the most schemes, 4 milliseconds that a new conj stamp lives,
--        5 how many schemes; for each: its id, its definition, '1' where it may go over the most, a new stamp;
--        then a new stamp for each conj, and the channel of the news
-- Reply  {table stamp} where it is blocked or of another layout; {table stamp, 'full', index, ...} where schemes found no room;
--        else {table stamp, 'ok', scheme stamps, conj stamps}
-- Cost   O(schemes and conjs of the read)
local stamp = redis.call('GET', KEYS[1])
if stamp and string.sub(stamp, 1, #ARGV[1]) ~= ARGV[1] then return {stamp} end
if not stamp or redis.call('HGET', KEYS[2], 'stamp') ~= stamp then
  -- A2: who blocks has left a mark in the stamp's place; where that was lost or dropped, it is put back.
  local time = redis.call('TIME')
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
  if redis.call('ZCARD', KEYS[3]) > 0 then
    redis.call('SET', KEYS[1], '!', 'PX', math.max(1, redis.call('PTTL', KEYS[3])))
    return {'!'}
  end
  -- A1: a stamp without its registry is no stamp.
  stamp = ARGV[2]
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', KEYS[2], 'stamp', stamp)
  redis.call('SET', KEYS[1], stamp)
  -- A19: what stood under the one that was lost may be kept in processes.
  redis.call('PUBLISH', ARGV[#ARGV], 'd' .. cjson.encode({KEYS[1]}))
end
local schemes = tonumber(ARGV[5])
local full = {stamp, 'full'}
for i = 1, schemes do
  local at = 2 + i * 4
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 then
    if ARGV[at + 2] == '1' or redis.call('HLEN', KEYS[2]) - 1 < tonumber(ARGV[3]) then
      redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
    else
      full[#full + 1] = i
    end
  end
end
if #full > 2 then return full end
local reply = {stamp, 'ok'}
for i = 1, schemes do
  local value = redis.call('GET', KEYS[3 + i])
  if not value then
    value = ARGV[5 + i * 4]
    redis.call('SET', KEYS[3 + i], value)
  end
  reply[#reply + 1] = value
end
for i = 4 + schemes, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if not value then
    value = ARGV[5 + schemes * 4 + i - 3 - schemes]
    redis.call('SET', KEYS[i], value, 'PX', ARGV[4])
  end
  reply[#reply + 1] = value
end
return reply
`,
)
