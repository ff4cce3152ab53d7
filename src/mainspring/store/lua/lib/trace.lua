-- trace: what is kept of runs for people: the attempts of jobs that failed, and jobs that are done.

-- The refusal if this user's ACL forbids one of the writes; to be asked before the first.
local function trace_forbidden(root)
  local attempts, finished = root .. "attempts", root .. "finished"
  return forbidden(
    "LPUSH", attempts, "LTRIM", attempts, "PEXPIRE", attempts, "ZADD", attempts, "ZPOPMIN", attempts, "DEL", attempts,
    "SET", finished, "PEXPIRE", finished, "ZADD", finished, "ZPOPMIN", finished, "DEL", finished
  )
end

-- An error after the job was taken off its process would lose it: where somebody made a key of ours one of another
-- type, nothing is kept.
local function trace_fits(key, type)
  local kind = redis.call("TYPE", key).ok
  return kind == type or kind == "none"
end

-- Note of whom something is kept, and for how long. What would go first goes at once, if it is of too many: of two,
-- so that there are ever fewer of them should the most become less.
local function trace_note(index, jid, ttl_ms, most)
  local time = redis.call("TIME")
  redis.call("ZADD", index, time[1] * 1000 + math.floor(time[2] / 1000) + ttl_ms, jid)
  -- As long as the dead set keeps what died; that is never less than what is kept longest.
  redis.call("PEXPIRE", index, 15552000000)
  if redis.call("ZCARD", index) > most then
    local gone = redis.call("ZPOPMIN", index, 2)
    for i = 1, #gone, 2 do
      local key = index .. ":" .. gone[i]
      redis.call("DEL", key)
    end
  end
end

-- Keep a run of a job, before the others; the newest 25 of 20,000 jobs.
local function trace_attempt(root, jid, attempt, ttl_ms)
  local index, attempts = root .. "attempts", root .. "attempts:" .. jid
  if trace_fits(index, "zset") and trace_fits(attempts, "list") then
    redis.call("LPUSH", attempts, attempt)
    redis.call("LTRIM", attempts, 0, 24)
    redis.call("PEXPIRE", attempts, ttl_ms)
    trace_note(index, jid, ttl_ms, 20000)
  end
end

-- Keep a job that is done; 50,000 of them.
local function trace_finished(root, jid, done, ttl_ms)
  local index, finished = root .. "finished", root .. "finished:" .. jid
  if trace_fits(index, "zset") then
    redis.call("SET", finished, done, "PX", ttl_ms)
    trace_note(index, jid, ttl_ms, 50000)
  end
end
