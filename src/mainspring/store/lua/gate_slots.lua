-- gate_slots: note how many slots of a process serve a queue, and how many all do, for those who take turns in it.
--
-- KEYS[1]  zset  {queue:<name>}:slots  "slots identity", score = unix ms until when
-- KEYS[2]  hash  mainspring:gates      gate, or base of gates -> what it allows
--
-- ARGV[1]  id      the process's identity
-- ARGV[2]  slots   how many of its slots serve the queue
-- ARGV[3]  ttl_ms  for how long this is true
-- ARGV[4]  gate    the base of the gates
--
-- Returns  n  how many slots serve the queue
-- include: lib/forbidden.lua

local slots, gates = KEYS[1], KEYS[2]
local id, own, ttl_ms, gate = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = forbidden("ZADD", slots, "PEXPIRE", slots, "ZRANGE", slots, "HSET", gates, "HGET", gates)
if refusal then
  return refusal
end
local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
-- Could free memory, so a full server lets the rest of the script run.
redis.call("ZREMRANGEBYSCORE", slots, "-inf", now_ms)
redis.call("ZADD", slots, now_ms + ttl_ms, own .. " " .. id)
redis.call("PEXPIRE", slots, ttl_ms)
local n = 0
for _, member in ipairs(redis.call("ZRANGE", slots, 0, -1)) do
  n = n + (tonumber(string.match(member, "^%d+")) or 0)
end
if tonumber(redis.call("HGET", gates, gate)) ~= n then
  redis.call("HSET", gates, gate, n)
end
return n
