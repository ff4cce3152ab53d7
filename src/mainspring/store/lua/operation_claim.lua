-- operation_claim: let a runner hold the first operation that nobody holds, or hold its own for longer.
--
-- KEYS[1]  zset    mainspring:operations:open  ids of those that are not over
-- KEYS[2]  string  mainspring:                 the beginning of keys of ours
--
-- ARGV[1]  runner    who asks
-- ARGV[2]  lease_ms  for how long it holds
-- ARGV[3]  is_anew   1 if it has nothing of what it held: what it has sent before shall do nothing any more
--
-- Returns  {}                                there is none
--          {id, now_us, field, value, ...}   the operation; its fence is new if its runner is
-- include: lib/forbidden.lua

local open, root = KEYS[1], KEYS[2]
local runner, lease_ms, is_anew = ARGV[1], tonumber(ARGV[2]), ARGV[3] == "1"

local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local mine, free, gone = nil, nil, {}
for _, name in ipairs(redis.call("ZRANGE", open, 0, -1)) do
  local record = root .. "operation:" .. name
  local known = redis.call("HMGET", record, "status", "runner", "lease_ms")
  if known[1] ~= "running" then
    -- It was forgotten.
    gone[#gone + 1] = name
  elseif known[2] == runner then
    mine = mine or name
  elseif (tonumber(known[3]) or 0) <= now_ms then
    free = free or name
  end
end
local found = mine or free
local record = root .. "operation:" .. (found or "")
local refusal = forbidden("HINCRBY", record, "HSET", record, "PEXPIRE", record, "HGETALL", record, "ZREM", open)
if refusal then
  return refusal
end
for _, name in ipairs(gone) do
  redis.call("ZREM", open, name)
end
if not found then
  return {}
end
-- It could free memory, so a full server lets the rest of the script run.
redis.call("PEXPIRE", record, 2592000000)
if is_anew or not mine then
  -- Whoever takes over looks at all places anew.
  redis.call("HINCRBY", record, "fence", 1)
  redis.call("HSET", record, "runner", runner, "looked", 0, "skipped", 0)
end
redis.call("HSET", record, "lease_ms", now_ms + lease_ms)
local all = redis.call("HGETALL", record)
table.insert(all, 1, time[1] * 1000000 + time[2])
table.insert(all, 1, found)
return all
