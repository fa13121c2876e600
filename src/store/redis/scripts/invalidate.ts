import { script } from './script.js'

/** Drops stamps of one table, if the caller knows its registry as it is now. */
export const invalidateScript = script(
  'invalidate',
  `
-- B1: the stamps to drop follow from the registry as it is after the commit; a caller who knows an older one is given the new.
-- KEYS   1 table stamp, 2 registry, then the scheme stamps and the conj stamps to drop
-- ARGV   1 mark of a layout, 2 'rows' or 'table', 3 the table stamp that the caller knows or '', 4 how many schemes it knows,
--        5 how many of the keys are scheme stamps, 6 the channel of the news
-- Reply  {'none'}: the table has no stamp, so nothing depends on it, or it is blocked; {'table', schemes}: the table stamp is
--        dropped; {'rows', scheme stamps, conj stamps}: so many were there and are dropped; {'registry', table stamp, id,
--        definition, ...}: nothing is dropped, ask again
-- Cost   O(keys); O(schemes of the table) where the registry is given
-- A12: a write that changes nothing, refused by a replica: what it has not heard of, its master may have.
redis.call('PERSIST', KEYS[2])
-- A19: told by name, whether they are there or not: what they held up may be kept in processes.
local function tell(from, to)
  local names = {}
  for i = from, to do names[#names + 1] = KEYS[i] end
  if #names > 0 then redis.call('PUBLISH', ARGV[6], 'd' .. cjson.encode(names)) end
end
local stamp = redis.call('GET', KEYS[1])
if not stamp or stamp == '!' then
  tell(1, 1)
  return {'none'}
end
-- A22: another layout's registry says nothing to us. A1: a stamp without its registry is no stamp.
if string.sub(stamp, 1, #ARGV[1]) ~= ARGV[1] or redis.call('HGET', KEYS[2], 'stamp') ~= stamp then
  redis.call('UNLINK', KEYS[1])
  tell(1, 1)
  return {'table', 0}
end
local schemes = redis.call('HLEN', KEYS[2]) - 1
if ARGV[2] == 'table' then
  redis.call('UNLINK', KEYS[1], KEYS[2])
  tell(1, 1)
  return {'table', schemes}
end
if stamp ~= ARGV[3] or schemes ~= tonumber(ARGV[4]) then
  local reply = {'registry', stamp}
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do
    if fields[i] ~= 'stamp' then
      reply[#reply + 1] = fields[i]
      reply[#reply + 1] = fields[i + 1]
    end
  end
  return reply
end
local dropped = {'rows', 0, 0}
for i = 3, #KEYS do
  local kind = i - 2 <= tonumber(ARGV[5]) and 2 or 3
  dropped[kind] = dropped[kind] + redis.call('UNLINK', KEYS[i])
end
tell(3, #KEYS)
return dropped
`,
)
