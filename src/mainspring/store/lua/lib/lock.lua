-- lock: unique locks; a lock holds the jid of the job that it belongs to.

-- Take a lock for a job, or find out who holds it: the holder's jid, or nil if it is ours. Only look, where the
-- job was stored by the same push before.
local function lock_take(root, digest, jid, ttl_ms, is_again)
  local lock = root .. "lock:" .. digest
  local holder = redis.call("GET", lock)
  if holder and holder ~= jid then
    return holder
  end
  if not is_again then
    redis.call("SET", lock, jid, "PX", ttl_ms)
  end
end

-- Let a lock go when its job has ended; where it goes on later, hold it for as long again from then.
local function lock_settle(root, digest, jid, what, until_ms, unique_ms, now_ms)
  local lock = root .. "lock:" .. digest
  if redis.call("GET", lock) ~= jid then
    return
  end
  if what == "failed" or what == "later" then
    redis.call("PEXPIRE", lock, math.max(1, math.ceil(until_ms - now_ms + unique_ms)))
  else
    redis.call("DEL", lock)
  end
end
