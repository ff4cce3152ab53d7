-- finish: settle what hangs on many jobs that have succeeded, each kind of it in as few calls as there may be.
-- include: lib/ties.lua

-- Let the locks of jobs that have succeeded go, in as few calls as there may be: digests, and the jids in their order.
local function finish_locks(root, digests, jids)
  local lock, many, locks, ours, n = root .. "lock:", #digests, {}, {}, 0
  if many == 0 then
    return
  end
  for i = 1, many do
    locks[i] = lock .. digests[i]
  end
  local held = redis.call("MGET", unpack(locks))
  for i = 1, many do
    if held[i] == jids[i] then
      n = n + 1
      ours[n] = locks[i]
    end
  end
  if n > 0 then
    redis.call("DEL", unpack(ours))
  end
end

-- Count jobs of one batch that have succeeded, in as few calls as there may be: their numbers, and the jids in their
-- order where any of them gave a result. What is more than counting, as steps of a workflow and callbacks are, is
-- done one by one.
local function finish_batch(root, bid, numbers, jids)
  local batch, now_ms = root .. "batch:" .. bid, batch_now_ms()
  local jobs, found = batch .. ":jobs", redis.call("HMGET", batch, "next", "has_steps", "sealed", "total")
  local following, fields = tonumber(found[1] or 0), {}
  for i, n in ipairs(numbers) do
    if found[2] or n >= 1099511627776 then
      batch_step(root, bid, n, jids[i] or "", "ok")
    elseif n < following then
      fields[#fields + 1], fields[#fields + 2], fields[#fields + 3], fields[#fields + 4] =
        "SET", "u2", string.format("#%d", n), 3
    end
  end
  if #fields == 0 then
    return
  end
  local counts = { [0] = 0, 0, 0, 0 }
  for _, old in ipairs(redis.call("BITFIELD", jobs, unpack(fields))) do
    counts[old] = counts[old] + 1
  end
  local ok = redis.call("HINCRBY", batch, "ok", counts[0] + counts[1] + counts[2])
  -- From 0 on: what Lua makes of -0 is no integer to Redis 7.
  local failed = redis.call("HINCRBY", batch, "failed", 0 - (counts[1] + counts[2]))
  if counts[2] > 0 then
    redis.call("HINCRBY", batch, "dead", -counts[2])
  end
  if found[3] == "1" and counts[3] < #fields / 4 and ok + failed >= tonumber(found[4]) then
    local parent, number, what = batch_judge(root, bid, now_ms)
    batch_carry(root, parent, number, "", what, now_ms)
  end
end

-- Give back what jobs that have succeeded hold of their gates, and let in what waits there: the jids by gate, and the
-- gates in the order in which they were left, so that those who take turns keep it.
local function finish_gates(slot, root, leaving)
  local queue = gates_queue(slot)
  for _, name in ipairs(leaving) do
    local holders, limit, members = root .. "gate:" .. name, root .. "limit:" .. name, {}
    for i, jid in ipairs(leaving[name]) do
      members[i] = queue .. "\n" .. jid
      if string.sub(name, 1, 11) == "concurrent:" then
        redis.call("ZREM", limit, gates_slot_of(jid))
      end
    end
    redis.call("ZREM", holders, unpack(members))
  end
  gates_reopen(root, leaving)
end

-- Begin to gather what hangs on jobs that have succeeded.
local function finish_gather()
  return { locks = {}, lock_jids = {}, batches = {}, batch_jids = {}, gates = {} }
end

-- Append to the list of a name; the names stand in the order in which they came.
local function finish_append(lists, name, value)
  if not lists[name] then
    lists[name], lists[#lists + 1] = {}, name
  end
  table.insert(lists[name], value)
end

-- Settle what was gathered, each kind in as few calls as there may be.
local function finish_settle(slot, root, gathered)
  finish_locks(root, gathered.locks, gathered.lock_jids)
  for _, bid in ipairs(gathered.batches) do
    finish_batch(root, bid, gathered.batches[bid], gathered.batch_jids[bid])
  end
  finish_gates(slot, root, gathered.gates)
end
