-- batch_cancel: let no job of a batch start any more, nor of those below it; what runs goes on.
--
-- KEYS[1]  string  mainspring:                   the beginning of keys of ours
-- KEYS[2]  zset    mainspring:batches:cancelled  bids; score = unix seconds until which workers must know of it
--
-- ARGV[1]  bid  the batch
--
-- Returns  n   how many batches were cancelled by this call
--          0   it had been cancelled, or had succeeded
--          -1  there is no such batch, or it is no more
-- include: lib/forbidden.lua
-- include: lib/batch.lua

local root, cancelled = KEYS[1], KEYS[2]
local bid = ARGV[1]

local now_ms = batch_now_ms()
local top = root .. "batch:" .. bid
if redis.call("EXISTS", top) == 0 then
  return -1
end
redis.call("ZCARD", cancelled)
local refusal = forbidden(
  "ZADD", cancelled, "PEXPIRE", cancelled, "ZREMRANGEBYSCORE", cancelled, "ZRANGE", cancelled, "DEL", top, "HGET", top,
  "HKEYS", top
) or batch_forbidden(root)
if refusal then
  return refusal
end
local all, found = {}, { bid }
while #found > 0 do
  local one = table.remove(found)
  local batch = root .. "batch:" .. one
  local children = batch .. ":children"
  local known = redis.call("HMGET", batch, "next", "success_at", "cancelled_at")
  if known[1] and not known[2] and not known[3] then
    all[#all + 1] = one
    for _, child in ipairs(redis.call("HVALS", children)) do
      found[#found + 1] = child
    end
  end
end

redis.call("ZREMRANGEBYSCORE", cancelled, "-inf", now_ms / 1000)
for place = #all, 1, -1 do
  local one = all[place]
  local batch = root .. "batch:" .. one
  local steps = batch .. ":steps"
  -- Whoever is still filling it is told so: it is as full as it will be.
  redis.call("HSET", batch, "cancelled_at", now_ms, "sealed", 1)
  redis.call("ZADD", cancelled, (now_ms + tonumber(redis.call("HGET", batch, "life_ms"))) / 1000, one)
  local waiting = redis.call("HKEYS", steps)
  redis.call("DEL", steps)
  for _, field in ipairs(waiting) do
    local number = string.match(field, "^waits:(%d+)$")
    if number then
      batch_carry(root, one, tonumber(number), "", "dropped", now_ms)
    end
  end
  local above, number, what = batch_judge(root, one, now_ms)
  batch_carry(root, above, number, "", what, now_ms)
end
if #all > 0 then
  local last = redis.call("ZRANGE", cancelled, -1, -1, "WITHSCORES")
  redis.call("PEXPIRE", cancelled, math.ceil(tonumber(last[2]) * 1000 - now_ms))
end
return #all
