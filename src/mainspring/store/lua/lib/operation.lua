-- operation: the record of a bulk operation, and what is noted of it.
-- include: lib/audit.lua
-- include: lib/forbidden.lua

-- The refusal if this user's ACL forbids what noting an operation's progress takes.
local function operation_forbidden(record, open, audit)
  return forbidden(
    "HSET", record, "HINCRBY", record, "PEXPIRE", record, "HMGET", record, "ZREM", open, "PEXPIRE", audit, "XADD", audit
  )
end

-- Whether an operation still runs, and is run by whoever has this fence.
local function operation_is_held(record, fence)
  local known = redis.call("HMGET", record, "status", "fence")
  return known[1] == "running" and known[2] == fence
end

-- Note how far an operation is, and let its runner hold it for longer.
local function operation_note(record, now_ms, lease_ms, looked, done, skipped, offered)
  redis.call("HINCRBY", record, "looked", looked)
  redis.call("HINCRBY", record, "done", done)
  redis.call("HINCRBY", record, "skipped", skipped)
  redis.call("HINCRBY", record, "offered", offered)
  redis.call("HSET", record, "lease_ms", now_ms + lease_ms)
end

-- End an operation, and say so in the audit log.
local function operation_end(record, open, audit, name, status, now_ms, by, reason)
  redis.call("ZREM", open, name)
  redis.call("HSET", record, "status", status, "ended_at", string.format("%.3f", now_ms / 1000), "reason", reason)
  redis.call("PEXPIRE", record, 2592000000)
  local known = redis.call("HMGET", record, "by", "action", "query", "state", "done", "skipped")
  local facts = {
    action = known[2], query = known[3], state = known[4], done = tonumber(known[5]), skipped = tonumber(known[6]),
    reason = reason ~= "" and reason or nil
  }
  audit_note(audit, by ~= "" and by or known[1] or "", "operation." .. status, name, cjson.encode(facts))
end
