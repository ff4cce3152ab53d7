-- periodic_claim_once: enqueue the job of one tick of a periodic entry, unless the tick was claimed before.
--
-- KEYS[1]  hash  mainspring:periodic:last  entry -> unix seconds of the newest tick claimed
-- KEYS[2]  list  queue:<name>              payloads, newest at the head
-- KEYS[3]  set   queues                    every queue name ever used
-- KEYS[4]  zset  schedule                  jobs for later; score = unix seconds when due
-- KEYS[5]  list  mainspring:bell           on which one forwarder a process waits
--
-- ARGV[1]  entry    the entry's name
-- ARGV[2]  tick     unix seconds at which the entry was due, with three decimals
-- ARGV[3]  name     the queue's name
-- ARGV[4]  payload  the job, encoded; empty if there shall be none
-- ARGV[5]  at       unix seconds when the job is due; empty for now
--
-- Returns   1  claimed, and enqueued
--           0  this tick, or a later one, had been claimed
--          -1  it is not due yet by the server's clock
-- include: lib/forbidden.lua
-- include: lib/ring.lua

local last, queue, queues, schedule, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local entry, tick, name, payload, at = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local time = redis.call("TIME")
if tonumber(tick) > time[1] + time[2] / 1000000 then
  return -1
end
local newest = tonumber(redis.call("HGET", last, entry))
if newest and tonumber(tick) <= newest then
  return 0
end

-- An ACL that forbids one of these is met before the first write, lest one tick is pushed again and again.
local refusal = forbidden(
  "SADD", queues, "LPUSH", queue, "HSET", last,
  "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", schedule, "ZADD", schedule
)
if refusal then
  return refusal
end
-- The claim comes last: a push that fails, because the queue's key is no list, leaves the tick open.
if payload ~= "" and at ~= "" then
  ring(schedule, bell, at)
  redis.call("ZADD", schedule, at, payload)
elseif payload ~= "" then
  redis.call("SADD", queues, name)
  redis.call("LPUSH", queue, payload)
end
redis.call("HSET", last, entry, tick)
return 1
