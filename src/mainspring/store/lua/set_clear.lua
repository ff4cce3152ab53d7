-- set_clear: empty a set of jobs at once; what was in it is put aside, to be dropped by set_sweep part by part.
--
-- KEYS[1]  zset  schedule, retry or dead    payloads
-- KEYS[2]  zset  mainspring:cleared:<name>  those that are to be dropped
--
-- Returns  n   how many jobs were put aside
--          0   there were none
--          -1  those of an earlier call are there still, and are to be dropped first; nothing was done

local set, cleared = KEYS[1], KEYS[2]

local n = redis.call("ZCARD", set)
if n == 0 then
  return 0
end
if redis.call("EXISTS", cleared) == 1 then
  return -1
end
redis.call("RENAME", set, cleared)
return n
