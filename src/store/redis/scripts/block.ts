import { script } from './script.js'

/** Blocks a table or a database. */
export const blockScript = script(
  'block',
  `
-- A2: puts a mark in the place of the stamp, which drops what depends on it, and remembers who blocks, so that a mark that is
-- lost can be put back. Each token has a deadline of its own: a process that died blocks nobody for ever.
-- KEYS   1 the stamp of the table or database, 2 its blocks
-- ARGV   1 token, 2 milliseconds, 3 the channel of the news
-- Reply  1
-- Cost   O(log tokens)
-- First of all the stamp goes: also works where memory is full, and then the rest does, too.
redis.call('UNLINK', KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], '!', 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], 'd' .. cjson.encode({KEYS[1]}))
return 1
`,
)

/** Takes one token's block back. */
export const unblockScript = script(
  'unblock',
  `
-- A2: when the outcome is known, the stamp is replaced once more; the mark stays as long as another token blocks.
-- KEYS   1 the stamp of the table or database, 2 its blocks
-- ARGV   1 token, 2 the channel of the news
-- Reply  how many tokens still block
-- Cost   O(log tokens)
redis.call('UNLINK', KEYS[1])
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('ZREM', KEYS[2], ARGV[1])
local left = redis.call('ZCARD', KEYS[2])
if left > 0 then redis.call('SET', KEYS[1], '!', 'PX', math.max(1, redis.call('PTTL', KEYS[2]))) end
redis.call('PUBLISH', ARGV[2], 'd' .. cjson.encode({KEYS[1]}))
return left
`,
)

/** Remembers what a token blocks. */
export const recordScript = script(
  'record',
  `
-- A2: found by the token, from other processes, too.
-- KEYS   1 the record of a token
-- ARGV   1 what it blocks, 2 milliseconds
-- Reply  1
-- Cost   O(1)
-- A key that goes first: also works where memory is full, and then the rest does, too.
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
)
