-- trace: what is kept of runs for people: the attempts of jobs that failed, and jobs that are done.

-- The refusal if this user's ACL forbids one of the writes; to be asked before the first.
local function trace_forbidden(root)
  local attempts = root .. "attempts"
  return forbidden(
    "TYPE", attempts, "LPUSH", attempts, "LTRIM", attempts, "PEXPIRE", attempts, "ZADD", attempts, "ZCARD", attempts,
    "ZPOPMIN", attempts, "DEL", attempts
  )
end

-- An error after the job was taken off its process would lose it: where somebody made a key of ours one of another
-- type, nothing is kept.
local function trace_fits(key, type)
  local kind = redis.call("TYPE", key).ok
  return kind == type or kind == "none"
end

-- Keep a run of a job, before the others; the newest 25 of 20,000 jobs. Of too many, those go that would go first: two
-- for one that comes, so that there are ever fewer should the most become less.
local function trace_attempt(root, jid, attempt, ttl_ms, until_ms)
  local index, attempts = root .. "attempts", root .. "attempts:" .. jid
  if not (trace_fits(index, "zset") and trace_fits(attempts, "list")) then
    return
  end
  local count = redis.call("LPUSH", attempts, attempt)
  redis.call("PEXPIRE", attempts, ttl_ms)
  redis.call("ZADD", index, until_ms, jid)
  if count > 25 then
    redis.call("LTRIM", attempts, 0, 24)
  elseif count == 1 then
    -- As long as the dead set keeps what died; that is never less than what is kept longest.
    redis.call("PEXPIRE", index, 15552000000)
    if redis.call("ZCARD", index) > 20000 then
      local gone = redis.call("ZPOPMIN", index, 2)
      for i = 1, #gone, 2 do
        local key = index .. ":" .. gone[i]
        redis.call("DEL", key)
      end
    end
  end
end
