-- operation_end: end an operation before it is done: cancelled by people, or failed.
--
-- KEYS[1]  hash    mainspring:operation:<id>   the operation
-- KEYS[2]  zset    mainspring:operations:open  ids of those that are not over
-- KEYS[3]  stream  mainspring:audit            who did what
--
-- ARGV[1]  id      its id
-- ARGV[2]  status  cancelled or failed
-- ARGV[3]  by      who ends it; empty for who started it
-- ARGV[4]  reason  why, or empty
--
-- Returns  1  ended
--          0  it was over, or there is none
-- include: lib/operation.lua

local record, open, audit = KEYS[1], KEYS[2], KEYS[3]
local name, status, by, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = operation_forbidden(record, open, audit)
if refusal then
  return refusal
end
if redis.call("HGET", record, "status") ~= "running" then
  return 0
end
local time = redis.call("TIME")
operation_end(record, open, audit, name, status, time[1] * 1000 + math.floor(time[2] / 1000), by, reason)
return 1
