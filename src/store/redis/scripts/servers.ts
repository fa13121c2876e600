import { script } from './script.js'

/** Compares the servers behind new connections with those that are known. */
export const serversScript = script(
  'servers',
  `
-- A12: a server that nobody has met before may have been started from an old state, or may be a replica that lacks the last
-- invalidations: everything is dropped before the first hit.
-- KEYS   1 the known servers, 2 global stamp
-- ARGV   1 '1' where the caller knows by itself that something may be lost, 2 the channel of the news, then the ids of the servers
-- Reply  1 where everything was dropped, else 0
-- Cost   O(servers)
local lost = ARGV[1] == '1'
for i = 3, #ARGV do
  if redis.call('SISMEMBER', KEYS[1], ARGV[i]) == 0 then lost = true end
end
if not lost then return 0 end
redis.call('UNLINK', KEYS[2])
redis.call('PUBLISH', ARGV[2], 'd' .. cjson.encode({KEYS[2]}))
-- Ids of servers that are long gone would pile up.
if redis.call('SCARD', KEYS[1]) > 1000 then redis.call('UNLINK', KEYS[1]) end
for i = 3, #ARGV do redis.call('SADD', KEYS[1], ARGV[i]) end
return 1
`,
)
