-- periodic_poll: show that a clock lives, and tell whether there is something new.
--
-- KEYS[1]  hash    mainspring:periodic:<ns>:code            whose schedule counts
-- KEYS[2]  string  mainspring:periodic:<ns>:alive:<digest>  stands while a clock with the caller's code lives
-- KEYS[3]  string  mainspring:periodic:<ns>:version         of the last change of any entry
--
-- ARGV[1]  ttl_ms  how long a clock is taken for alive after its last sign
--
-- Returns  {now_ms, version, current}  the server's time, the version, the digest of the code that counts
-- include: lib/live.lua

local code, alive, version = KEYS[1], KEYS[2], KEYS[3]
local ttl_ms = ARGV[1]

local current = redis.call("HGET", code, "current") or ""
local newest = tonumber(redis.call("GET", version)) or 0
local time = redis.call("TIME")
live(alive, ttl_ms)
return { time[1] * 1000 + math.floor(time[2] / 1000), newest, current }
