-- operation_start: begin a bulk operation; jobs to which something happens from this moment on are none of its.
--
-- KEYS[1]  hash    mainspring:operation:<id>   the operation
-- KEYS[2]  zset    mainspring:operations       ids; score = unix seconds at which each was started
-- KEYS[3]  zset    mainspring:operations:open  ids of those that are not over
-- KEYS[4]  stream  mainspring:audit            who did what
-- KEYS[5]  string  mainspring:                 the beginning of keys of ours
--
-- ARGV[1]     id       its id
-- ARGV[2]     most     how many are remembered
-- ARGV[3]     ttl_ms   for how long
-- ARGV[4]     crowd    how many may be under way
-- ARGV[5]     cutoff   unix seconds of an earlier moment; empty for this one
-- ARGV[6]     by       who starts it
-- ARGV[7]     facts    for the audit log
-- ARGV[8...]  field    and value, alternating
--
-- Returns  1  begun
--          0  too many are under way: nothing was done
-- include: lib/forbidden.lua
-- include: lib/audit.lua

local record, index, open, audit, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local name, most, ttl_ms, crowd, cutoff = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local by, facts = ARGV[6], ARGV[7]

if redis.call("ZCARD", open) >= crowd then
  return 0
end
-- An ACL that forbids one of these is met before the first write, lest it is half begun.
local refusal = forbidden(
  "HSET", record, "PEXPIRE", record, "ZADD", index, "PEXPIRE", index, "ZRANGE", index, "ZREM", index, "ZADD", open,
  "PEXPIRE", open, "ZSCORE", open, "DEL", record, "XADD", audit, "PEXPIRE", audit
)
if refusal then
  return refusal
end
local time = redis.call("TIME")
local now = string.format("%d.%06d", time[1], time[2])
redis.call("HSET", record, "status", "running", "started_at", now, "by", by, unpack(ARGV, 8))
redis.call(
  "HSET", record, "cutoff", cutoff ~= "" and tonumber(cutoff) < tonumber(now) and cutoff or now, "ended_at", "",
  "looked", 0, "done", 0, "skipped", 0, "offered", 0, "fence", 0, "lease_ms", 0, "runner", "", "reason", ""
)
redis.call("PEXPIRE", record, ttl_ms)
redis.call("ZADD", index, now, name)
redis.call("PEXPIRE", index, ttl_ms)
redis.call("ZADD", open, now, name)
redis.call("PEXPIRE", open, ttl_ms)
for _, old in ipairs(redis.call("ZRANGE", index, 0, -most - 1)) do
  if not redis.call("ZSCORE", open, old) then
    local forgotten = root .. "operation:" .. old
    redis.call("DEL", forgotten)
    redis.call("ZREM", index, old)
  end
end
audit_note(audit, by, "operation.start", name, facts)
return 1
