-- set_add: keep jobs for later, and wake a forwarder if one of them is due before all others.
--
-- KEYS[1]  zset  schedule         payloads; score = unix seconds when due
-- KEYS[2]  list  mainspring:bell  on which one forwarder a process waits
--
-- ARGV[1...]  score  and payload, alternating; at most 1,000 pairs
--
-- Returns  n  how many were new
-- include: lib/ring.lua

local set, bell = KEYS[1], KEYS[2]

local soonest = tonumber(ARGV[1])
for i = 3, #ARGV, 2 do
  soonest = math.min(soonest, tonumber(ARGV[i]))
end
ring(set, bell, soonest)
return redis.call("ZADD", set, unpack(ARGV))
