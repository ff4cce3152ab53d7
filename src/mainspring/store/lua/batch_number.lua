-- batch_number: give numbers of a batch to jobs that will be added to it.
--
-- KEYS[1]  hash    mainspring:batch:<bid>       the batch
-- KEYS[2]  string  mainspring:batch:<bid>:jobs  two bits for each job
--
-- ARGV[1]  count  how many numbers
--
-- Returns  n   the first of them
--          -1  there is no such batch, or it is no more
--          -2  it has succeeded
--          -3  it was cancelled
-- include: lib/forbidden.lua

local batch, jobs = KEYS[1], KEYS[2]
local count = tonumber(ARGV[1])

local found = redis.call("HMGET", batch, "next", "success_at", "cancelled_at")
if not found[1] then
  return -1
elseif found[2] then
  return -2
elseif found[3] then
  return -3
end
redis.call("STRLEN", jobs)
local refusal = forbidden("HSET", batch, "PTTL", batch, "BITFIELD", jobs, "PEXPIRE", jobs)
if refusal then
  return refusal
end
local first = tonumber(found[1])
redis.call("HSET", batch, "next", first + count)
-- What is counted later finds its bits there: no step of a job makes this key.
redis.call("BITFIELD", jobs, "SET", "u2", string.format("#%d", first + count - 1), 0)
redis.call("PEXPIRE", jobs, redis.call("PTTL", batch))
return first
