-- limiter_renew: hold slots of a concurrent limit for its whole time from now on.
--
-- KEYS[1]  zset  mainspring:limit:concurrent:<name>  who holds a slot, and until when
--
-- ARGV[1]  spec    the limit
-- ARGV[2]  member  who holds
-- ARGV[3]  cost    how many slots
--
-- Returns  1  they are held
--          0  one of them is no longer: its time was over, and nothing was renewed
-- include: lib/limit.lua

local slots, spec, member, cost = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

local limit = limit_read(slots, spec)
local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
for i = 1, cost do
  if (tonumber(redis.call("ZSCORE", slots, limit_slot(member, i))) or 0) <= now_us then
    return 0
  end
end
local refusal = limit_forbidden(limit)
if refusal then
  return refusal
end
limit_concurrent_commit(limit, now_us, cost, member)
return 1
