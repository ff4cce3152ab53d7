-- limiter_release: give the slots of a concurrent limit back, and wake those that wait for them.
--
-- KEYS[1]  zset  mainspring:limit:concurrent:<name>          who holds a slot, and until when
-- KEYS[2]  zset  mainspring:limit:waiting:concurrent:<name>  who waits, and until when
-- KEYS[3]  list  mainspring:limit:freed:<name>               on which those that wait listen
--
-- ARGV[1]  member  who holds
-- ARGV[2]  cost    how many slots
--
-- Returns  n  how many of them were still held by it
-- include: lib/limit.lua

local slots, queue, freed = KEYS[1], KEYS[2], KEYS[3]
local member, cost = ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local waiting = redis.call("ZCOUNT", queue, "(" .. limit_text(now_us), "+inf")
-- Fails here if the key is no list, before the slots are given back.
redis.call("LLEN", freed)
local refusal = forbidden("ZREM", slots, "LPUSH", freed, "LTRIM", freed, "PEXPIRE", freed)
if refusal then
  return refusal
end
local held = 0
for i = 1, cost do
  local until_us = tonumber(redis.call("ZSCORE", slots, limit_slot(member, i))) or 0
  redis.call("ZREM", slots, limit_slot(member, i))
  if until_us > now_us then
    held = held + 1
  end
end
for _ = 1, math.min(held, waiting) do
  redis.call("LPUSH", freed, 1)
end
if held > 0 and waiting > 0 then
  redis.call("LTRIM", freed, 0, waiting - 1)
  -- A sign that nobody takes is soon none: who waits looks without it, too.
  redis.call("PEXPIRE", freed, 2000)
end
return held
