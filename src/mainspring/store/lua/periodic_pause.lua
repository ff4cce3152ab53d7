-- periodic_pause: stop an entry, or let it go on; what came due meanwhile stays undone.
--
-- KEYS[1]  zset    mainspring:periodic:<ns>:names         name -> version of the entry's last change
-- KEYS[2]  string  mainspring:periodic:<ns>:version       of the last change of any entry
-- KEYS[3]  hash    mainspring:periodic:<ns>:entry:<name>  the entry
--
-- ARGV[1]  name  of the entry
-- ARGV[2]  on    1 to stop it, 0 to let it go on
--
-- Returns  1   done
--          0   it was so before
--          -1  there is no such entry
-- include: lib/advance.lua
-- include: lib/forbidden.lua

local names, version, entry = KEYS[1], KEYS[2], KEYS[3]
local name, on = ARGV[1], ARGV[2] == "1"

local known = redis.call("HMGET", entry, "stamp", "paused")
if not known[1] then
  return -1
end
if on == (known[2] and true or false) then
  return 0
end
-- Fail here if the keys have other types: an error after the first write would leave it half done.
redis.call("ZCARD", names)
redis.call("GET", version)
-- An ACL that forbids one of these is met before the first write, lest no clock is told.
local refusal = forbidden("HDEL", entry, "HSET", entry, "SET", version, "ZADD", names)
if refusal then
  return refusal
end
local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
-- Could free memory, so a full server lets the rest of the script run: it is then that people stop things.
redis.call("HDEL", entry, "paused")
redis.call("HSET", entry, on and "paused" or "since", string.format("%.3f", now_ms / 1000))
redis.call("ZADD", names, advance(version, now_ms), name)
return 1
