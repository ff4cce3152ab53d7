-- set_move: move one job between two sets, or to another time in the same.
--
-- KEYS[1]  zset    schedule, retry or dead  where it is
-- KEYS[2]  zset    schedule, retry or dead  where it goes
-- KEYS[3]  list    mainspring:bell          on which one forwarder a process waits
-- KEYS[4]  string  mainspring:              the beginning of keys of ours
--
-- ARGV[1]  old    the payload as the first set has it
-- ARGV[2]  new    the payload as the second set shall have it
-- ARGV[3]  score  unix seconds
-- ARGV[4]  what   what this is for that which hangs on the job: dead; later; or again, for what was dead
--
-- Returns  1  moved
--          0  it was not there
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local from, to, bell, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local old, new, score, what = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Fails here if the key is no sorted set: an error after the first write would lose the job.
redis.call("ZCARD", to)
-- An ACL that forbids one of these is met before the first write, lest the job is lost.
local refusal = forbidden("LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", to, "ZADD", to)
local ties = ties_of(old)
refusal = refusal or ties and ties_forbidden(root)
if refusal then
  return refusal
end
if redis.call("ZREM", from, old) == 0 then
  return 0
end
ring(to, bell, score)
redis.call("ZADD", to, score, new)
if ties then
  ties_moved(root, ties, what, score * 1000, ties_now_ms())
end
return 1
