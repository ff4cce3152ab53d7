-- ties: what hangs on a job in the store: a unique lock, its place in a batch, slots of gates.
-- include: lib/lock.lua
-- include: lib/batch.lua
-- include: lib/gates.lua

-- The refusal if this user's ACL forbids what settling ties writes; to be asked before the first write.
local function ties_forbidden(root)
  return forbidden(
    "SET", root, "DEL", root, "PEXPIRE", root, "HSET", root, "HDEL", root, "HINCRBY", root, "SETBIT", root, "SADD", root,
    "SREM", root, "ZADD", root, "ZREM", root, "LPUSH", root, "RPUSH", root, "RPOP", root, "LPOP", root
  )
end

local function ties_text(value)
  return type(value) == "string" and value or ""
end

-- The gates of one column of arguments, where commas part them.
local function ties_gates(column)
  local gates = {}
  for gate in string.gmatch(column, "[^,]+") do
    gates[#gates + 1] = gate
  end
  return gates
end

local function ties_new(jid, lock, unique_ms, bid, n, gates)
  return { jid = jid, lock = lock, unique_ms = unique_ms, bid = bid, n = n, gates = gates }
end

-- The ties of a job that is known by its bytes only; nil if it has none. Nearly all are told by one look.
local function ties_of(payload)
  if not string.find(payload, '"flow":{', 1, true) then
    return nil
  end
  local is_json, job = pcall(cjson.decode, payload)
  if not is_json or type(job) ~= "table" or type(job.flow) ~= "table" then
    return nil
  end
  local flow, gates = job.flow, {}
  for _, gate in ipairs(type(flow.gates) == "table" and flow.gates or {}) do
    gates[#gates + 1] = ties_text(gate)
  end
  table.sort(gates)
  local lock, bid, n = ties_text(flow.lock), ties_text(flow.bid), tonumber(flow.n) or -1
  if n < 0 then
    bid = ""
  end
  if lock == "" and bid == "" and #gates == 0 then
    return nil
  end
  return ties_new(ties_text(job.jid), lock, (tonumber(flow.unique_for) or 0) * 1000, bid, n, gates)
end

local function ties_now_ms()
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Settle what hangs on a job. What: ok, failed (it will be retried), dead, dropped, or later; the time, in
-- unix milliseconds, says when it goes on, if it does.
local function let_go(slot, root, ties, what, until_ms, now_ms)
  if ties.lock ~= "" then
    lock_settle(root, ties.lock, ties.jid, what, until_ms, ties.unique_ms, now_ms)
  end
  if #ties.gates > 0 then
    gates_leave(slot, root, ties.gates, ties.jid)
  end
  if ties.bid ~= "" then
    batch_step(root, ties.bid, ties.n, ties.jid, what)
  end
end
