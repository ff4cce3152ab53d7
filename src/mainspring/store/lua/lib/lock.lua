-- lock: unique locks; a lock holds the jid of the job that it belongs to, and fades by itself.

-- The jid of the job that holds a lock; nil if it is free. What is no text is nobody's, and is written over.
local function lock_holder(root, digest)
  local lock = root .. "lock:" .. digest
  local holder = redis.pcall("GET", lock)
  return type(holder) == "string" and holder or nil
end

-- Let a job hold a lock; whether it may was asked before.
local function lock_hold(root, digest, jid, ttl_ms)
  local lock = root .. "lock:" .. digest
  redis.call("SET", lock, jid, "PX", math.max(1, math.ceil(ttl_ms)))
end

-- Let a job that goes on after it was dead hold its lock again, if nobody does; where somebody does, it goes without.
local function lock_again(root, digest, jid, ttl_ms)
  if not lock_holder(root, digest) then
    lock_hold(root, digest, jid, ttl_ms)
  end
end

-- Let a lock go when its job has ended; where it goes on later, hold it for as long again from then. A lock that
-- faded, or is another job's by now, is left alone.
local function lock_settle(root, digest, jid, what, until_ms, unique_ms, now_ms)
  if lock_holder(root, digest) ~= jid then
    return
  end
  local lock = root .. "lock:" .. digest
  if what == "failed" or what == "later" then
    redis.call("PEXPIRE", lock, math.max(1, math.ceil(math.max(until_ms - now_ms, 0) + unique_ms)))
  else
    redis.call("DEL", lock)
  end
end
