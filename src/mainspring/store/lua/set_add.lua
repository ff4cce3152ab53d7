-- set_add: keep jobs for later, and wake a forwarder if one of them is due before all others.
--
-- If it is sent again, because its answer was lost, it does nothing.
--
-- KEYS[1]  zset    schedule                       payloads; score = unix seconds when due
-- KEYS[2]  list    mainspring:bell                on which one forwarder a process waits
-- KEYS[3]  string  {queue:<name>}:pushed:<token>  stands if this push was made
--
-- ARGV[1]     ttl_ms  how long the push is remembered; 0: it cannot be sent again
-- ARGV[2...]  score   and payload, alternating; at most 1,000 pairs
--
-- Returns  n  how many were new
--          0  this push had been made before, or all of them stood there already
-- include: lib/forbidden.lua
-- include: lib/ring.lua

local set, bell, pushed = KEYS[1], KEYS[2], KEYS[3]
local ttl_ms = tonumber(ARGV[1])

if ttl_ms > 0 and redis.call("EXISTS", pushed) == 1 then
  return 0
end

local soonest = tonumber(ARGV[2])
for i = 4, #ARGV, 2 do
  soonest = math.min(soonest, tonumber(ARGV[i]))
end
-- An ACL that forbids one of these is met before the first write, lest jobs are stored of which the caller is told no.
local refusal = forbidden("LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", set, "ZADD", set, "SET", pushed)
if refusal then
  return refusal
end
ring(set, bell, soonest)
local new = redis.call("ZADD", set, unpack(ARGV, 2))
if ttl_ms > 0 then
  redis.call("SET", pushed, 1, "PX", ttl_ms)
end
return new
