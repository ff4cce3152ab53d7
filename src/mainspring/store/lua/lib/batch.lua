-- batch: what became of the jobs of a batch, each counted once, by its number.
--
-- The hash of a batch counts. Beside it lie two bits for each job, by its number: 0 has not run to an end, 1 ran and
-- did not succeed, 2 died, 3 needs nothing more. A child batch has a number in its parent, as a job has. Callbacks have
-- numbers from 2^40 on, 1,000 for each event: complete, success, death.

local function batch_now_ms()
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The refusal if this user's ACL forbids what moves a batch; to be asked before the first write.
local function batch_forbidden(root)
  local batch, queue = root .. "batch:", string.sub(root, 1, -12) .. "queue:"
  return forbidden(
    "BITFIELD", batch, "HSET", batch, "HSETNX", batch, "HDEL", batch, "HINCRBY", batch, "PEXPIRE", batch,
    "ZADD", root .. "batches", "ZREMRANGEBYSCORE", root .. "batches", "PEXPIREAT", root .. "batches",
    "SADD", string.sub(root, 1, -12) .. "queues", "LPUSH", queue, "TYPE", queue,
    "ZADD", string.sub(root, 1, -12) .. "dead"
  )
end

-- Let the keys of a batch live for so long from now; it stands in the list of batches as long.
local function batch_keep(root, bid, ms, now_ms)
  local batch, batches = root .. "batch:" .. bid, root .. "batches"
  local jobs, children, steps = batch .. ":jobs", batch .. ":children", batch .. ":steps"
  redis.call("PEXPIRE", batch, ms)
  redis.call("PEXPIRE", jobs, ms)
  redis.call("PEXPIRE", children, ms)
  redis.call("PEXPIRE", steps, ms)
  -- To the microsecond, so that the list tells which of two was made first.
  local time = redis.call("TIME")
  redis.call("ZREMRANGEBYSCORE", batches, "-inf", now_ms / 1000)
  redis.call("ZADD", batches, time[1] + time[2] / 1000000 + ms / 1000, bid)
  local last = redis.call("ZRANGE", batches, -1, -1, "WITHSCORES")
  redis.call("PEXPIREAT", batches, math.ceil(tonumber(last[2]) * 1000))
end

-- The same for a batch that is not finished, and for those above it, which wait for it.
local function batch_keep_all(root, bid, ms, now_ms)
  local batch = root .. "batch:" .. bid
  while redis.call("EXISTS", batch) == 1 do
    if redis.call("PTTL", batch) < ms then
      batch_keep(root, bid, ms, now_ms)
    end
    bid = redis.call("HGET", batch, "parent") or ""
    batch = root .. "batch:" .. bid
  end
end

-- Push a job that lay ready in a batch. Where somebody made its queue a key of another type, it goes to the dead set:
-- an error here would leave the job half settled that brought it about.
local function batch_push(root, name, payload, now_ms)
  local prefix = string.sub(root, 1, -12)
  local queue, queues, dead = prefix .. "queue:" .. name, prefix .. "queues", prefix .. "dead"
  local kind = redis.call("TYPE", queue).ok
  if kind ~= "list" and kind ~= "none" then
    redis.call("ZADD", dead, now_ms / 1000, payload)
    return
  end
  redis.call("SADD", queues, name)
  redis.call("LPUSH", queue, string.sub(payload, 1, -2) .. string.format(',"enqueued_at":%.3f}', now_ms / 1000))
end

-- Note that an event has come, and push its callbacks: true if it is the first time.
local function batch_fire(root, bid, event, now_ms)
  local batch = root .. "batch:" .. bid
  if redis.call("HSETNX", batch, event .. "_at", now_ms) == 0 then
    return false
  end
  local calls = tonumber(redis.call("HGET", batch, event .. "_calls") or 0)
  for i = 0, calls - 1 do
    local queue, job = event .. "_queue:" .. i, event .. "_job:" .. i
    local found = redis.call("HMGET", batch, queue, job)
    batch_push(root, found[1], found[2], now_ms)
    redis.call("HDEL", batch, queue, job)
  end
  if calls > 0 then
    redis.call("HSET", batch, event .. "_owed", calls)
  end
  return true
end

-- Note that a job died, in its batch and in all above it.
local function batch_death(root, bid, now_ms)
  local batch = root .. "batch:" .. bid
  while redis.call("EXISTS", batch) == 1 and batch_fire(root, bid, "death", now_ms) do
    bid = redis.call("HGET", batch, "parent") or ""
    batch = root .. "batch:" .. bid
  end
end

-- Let what has come of a sealed batch be known, once all of it has run; then what this is for its parent: its bid,
-- the number there, and what. A parent hears of it when the callbacks of it have ended.
local function batch_judge(root, bid, now_ms)
  local batch = root .. "batch:" .. bid
  local found =
    redis.call("HMGET", batch, "total", "sealed", "ok", "failed", "dead", "cancelled_at", "parent", "number", "linger_ms")
  local total, ok, failed = tonumber(found[1]), tonumber(found[3]), tonumber(found[4])
  if not total or found[2] ~= "1" or ok + failed < total then
    return nil
  end
  batch_fire(root, bid, "complete", now_ms)
  local is_success = ok == total and not found[6]
  if is_success then
    batch_fire(root, bid, "success", now_ms)
  end
  local owed = redis.call("HMGET", batch, "complete_owed", "success_owed", "death_owed")
  local of_end, of_death = tonumber(owed[1] or 0) + tonumber(owed[2] or 0), tonumber(owed[3] or 0)
  if ok == total and of_end + of_death == 0 then
    batch_keep(root, bid, tonumber(found[9]), now_ms)
  end
  if not found[7] or of_end > 0 then
    return nil
  end
  return found[7], tonumber(found[8]), is_success and "ok" or tonumber(found[5]) > 0 and "dead" or "failed"
end

-- Note what became of a callback, and tell what that is for the parent, as `batch_judge` does: a callback of its end
-- is part of what the parent waits for.
local function batch_called(root, bid, place, what, now_ms)
  local batch = root .. "batch:" .. bid
  local event = ({ "complete", "success", "death" })[math.floor(place / 1000) + 1] or ""
  local found = redis.call("HMGET", batch, event .. "_at", event .. "_calls", "parent", "number")
  if not found[1] or place % 1000 >= tonumber(found[2] or 0) then
    return nil
  elseif what ~= "ok" and what ~= "dropped" then
    if found[3] and event ~= "death" then
      return found[3], tonumber(found[4]), what
    end
    return nil
  elseif redis.call("HSETNX", batch, "called:" .. place, 1) == 0 then
    return nil
  end
  redis.call("HINCRBY", batch, event .. "_owed", -1)
  return batch_judge(root, bid, now_ms)
end

-- Bury a step of a workflow that can never run, as it takes the result of one that gave none.
local function batch_bury(root, bid, n, payload, now_ms)
  local prefix = string.sub(root, 1, -12)
  local batch, dead = root .. "batch:" .. bid, prefix .. "dead"
  local jobs = batch .. ":jobs"
  local reason = ',"error_class":"NoResult","error_message":"a step before it gave no result that it could take"'
  local time = string.format(',"failed_at":%.3f,"retry_count":0}', now_ms / 1000)
  redis.call("ZADD", dead, now_ms / 1000, string.sub(payload, 1, -2) .. reason .. time)
  redis.call("BITFIELD", jobs, "SET", "u2", "#" .. n, 2)
  redis.call("HINCRBY", batch, "failed", 1)
  redis.call("HINCRBY", batch, "dead", 1)
  batch_death(root, bid, now_ms)
end

-- The result of a job, as JSON; nil if none is kept.
local function batch_result(root, jid)
  local result = root .. "result:" .. jid
  local record = redis.call("LINDEX", result, 0) or ""
  local _, before = string.find(record, ',"value":', 1, true)
  return before and string.sub(record, before + 1, -2)
end

-- Hand the result of a step on to the steps of its workflow that wait for it, and push those that wait for no other.
local function batch_release(root, bid, n, jid, now_ms)
  local steps = root .. "batch:" .. bid .. ":steps"
  local after = redis.call("HGET", steps, "after:" .. n)
  if not after then
    return
  end
  redis.call("HDEL", steps, "after:" .. n)
  local result, hole = batch_result(root, jid), '{"%$result":"' .. bid .. ":" .. n .. '"}'
  for step in string.gmatch(after, "%d+") do
    local waits, queue, job = "waits:" .. step, "queue:" .. step, "job:" .. step
    local found = redis.call("HMGET", steps, queue, job)
    local payload = found[2] or ""
    if result then
      -- The result is JSON, and stands where JSON stood: nothing is read and written anew.
      payload = string.gsub(payload, hole, function() return result end)
    end
    if redis.call("HINCRBY", steps, waits, -1) > 0 then
      redis.call("HSET", steps, job, payload)
    elseif found[1] then
      redis.call("HDEL", steps, waits, queue, job)
      if string.find(payload, '{"$result":"' .. bid .. ":", 1, true) then
        batch_bury(root, bid, step, payload, now_ms)
      else
        batch_push(root, found[1], payload, now_ms)
      end
    end
  end
end

-- Count what became of one job or child, and tell what that is for the parent, as `batch_judge` does.
local function batch_count(root, bid, n, jid, what, now_ms)
  if n >= 1099511627776 then
    return batch_called(root, bid, n - 1099511627776, what, now_ms)
  end
  local batch = root .. "batch:" .. bid
  local jobs, place = batch .. ":jobs", string.format("#%d", n)
  local found = redis.call("HMGET", batch, "next", "sealed", "total", "ok", "failed", "has_steps", "life_ms")
  -- A batch that is no more, or a number that it never gave: somebody else wrote that.
  if n >= tonumber(found[1] or 0) then
    return nil
  end
  local ok, failed = tonumber(found[4]), tonumber(found[5])
  if what == "ok" or what == "dropped" then
    local old = redis.call("BITFIELD", jobs, "SET", "u2", place, 3)[1]
    if old == 3 then
      return nil
    end
    ok = redis.call("HINCRBY", batch, "ok", 1)
    if old > 0 then
      failed = redis.call("HINCRBY", batch, "failed", -1)
    end
    if old == 2 then
      redis.call("HINCRBY", batch, "dead", -1)
    end
    if what == "dropped" then
      redis.call("HINCRBY", batch, "dropped", 1)
    end
    if found[6] then
      batch_release(root, bid, n, jid, now_ms)
      failed = tonumber(redis.call("HGET", batch, "failed"))
    end
  else
    local new, old = what == "dead" and 2 or 1, redis.call("BITFIELD", jobs, "GET", "u2", place)[1]
    if old == 3 or old == new then
      return nil
    end
    redis.call("BITFIELD", jobs, "SET", "u2", place, new)
    if old == 0 then
      failed = redis.call("HINCRBY", batch, "failed", 1)
    end
    if new == 2 then
      redis.call("HINCRBY", batch, "dead", 1)
      batch_death(root, bid, now_ms)
    elseif old == 2 then
      redis.call("HINCRBY", batch, "dead", -1)
    end
    batch_keep_all(root, bid, tonumber(found[7]), now_ms)
  end
  if found[2] == "1" and ok + failed >= tonumber(found[3]) then
    return batch_judge(root, bid, now_ms)
  end
end

-- Count what became of a job, and then what that is for each batch above.
local function batch_carry(root, bid, n, jid, what, now_ms)
  while bid do
    bid, n, what = batch_count(root, bid, n, jid, what, now_ms)
    jid = ""
  end
end

-- Note what became of one job of a batch.
local function batch_step(root, bid, n, jid, what)
  if what ~= "later" then
    batch_carry(root, bid, n, jid, what, batch_now_ms())
  end
end
