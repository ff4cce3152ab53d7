-- limiter_take: take of some limits, of all of them or of none.
--
-- Sent again with the same member, it takes no second slot of a concurrent limit; of the others it takes again.
--
-- Who was given and who was refused is counted, for people; of one that waits and asks again the first refusal only.
--
-- KEYS[1]     zset    mainspring:limits               specs of the limits in use
-- KEYS[2]     string  mainspring:                     the beginning of keys of ours
-- KEYS[3...]  zset    mainspring:limit:<kind>:<name>  for each limit what is taken of it, of some kinds a string; then
--                     the sorted set of those that wait for it
--
-- ARGV[1]     member   who takes
-- ARGV[2]     wait_us  for how long it will wait, from now, if it must
-- ARGV[3...]  limit    for each its spec, and how much to take of it
--
-- Returns  {us, ...}  for each limit 0, or in how many microseconds it would give; nothing was taken unless all are 0
-- include: lib/limit.lua

local registry, root, member, wait_us = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local limits, costs, queues, waits, longest = {}, {}, {}, {}, 0
-- Fails here if a key has another type: an error after the first write would leave it half done.
redis.call("ZCARD", registry)
for i = 3, #ARGV, 2 do
  local limit, queue, cost = limit_read(KEYS[i], ARGV[i]), KEYS[i + 1], tonumber(ARGV[i + 1])
  redis.call("ZCARD", queue)
  -- An ACL that forbids one of these is met before the first write, lest one limit is taken of and another is not.
  local refusal = limit_forbidden(limit) or forbidden("ZREM", queue, "ZADD", queue, "PTTL", queue, "PEXPIRE", queue)
  if refusal then
    return refusal
  end
  local wait = limit_check(limit, now_us, cost, member)
  limits[#limits + 1], costs[#costs + 1], queues[#queues + 1], waits[#waits + 1] = limit, cost, queue, wait
  if limit.kind ~= "concurrent" then
    longest = math.max(longest, wait)
  end
end
local refusal = limit_count_forbidden(root)
if refusal then
  return refusal
end

local is_free, will_wait = true, wait_us > 0 and longest <= wait_us
for _, wait in ipairs(waits) do
  is_free = is_free and wait == 0
end
for i, limit in ipairs(limits) do
  local queue = queues[i]
  -- Could free memory, so a full server lets it run, and then the rest of the script.
  local has_waited = redis.call("ZREM", queue, member) == 1
  if is_free then
    limit_commit(limit, now_us, costs[i], member)
    limit_count(root, limit, now_us, 1, 0)
  elseif waits[i] > 0 then
    if will_wait then
      redis.call("ZREMRANGEBYSCORE", queue, "-inf", limit_text(now_us))
      redis.call("ZADD", queue, limit_text(now_us + wait_us), member)
      redis.call("PEXPIRE", queue, math.max(redis.call("PTTL", queue), limit_ms(wait_us)))
    end
    if not has_waited then
      limit_count(root, limit, now_us, 0, 1)
    end
  end
end
return waits
