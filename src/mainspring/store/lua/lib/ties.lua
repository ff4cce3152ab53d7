-- ties: what hangs on a job in the store: a unique lock, its place in a batch, slots of gates.
-- include: lib/forbidden.lua
-- include: lib/lock.lua
-- include: lib/batch.lua
-- include: lib/gates.lua

-- The refusal if this user's ACL forbids what settling ties reads or writes; to be asked before the first write.
local function ties_forbidden(root)
  return batch_forbidden(root) or forbidden(
    "BITFIELD", root, "DEL", root, "EXISTS", root, "EXPIRE", root, "GET", root, "HDEL", root, "HGET", root, "HINCRBY", root,
    "HMGET", root, "HSET", root, "HSETNX", root, "HVALS", root, "LINDEX", root, "LLEN", root, "LPUSH", root, "LRANGE", root,
    "LTRIM", root, "PEXPIRE", root, "PTTL", root, "RPOP", root, "RPUSH", root, "SADD", root, "SCARD", root, "SET", root,
    "SMEMBERS", root, "SREM", root, "ZADD", root, "ZCARD", root, "ZCOUNT", root, "ZPOPMIN", root, "ZRANGE", root,
    "ZRANGEBYSCORE", root, "ZRANK", root, "ZREM", root, "ZREMRANGEBYRANK", root, "ZREMRANGEBYSCORE", root, "ZSCORE", root
  )
end

local function ties_text(value)
  return type(value) == "string" and value or ""
end

local function ties_new(jid, lock, unique_ms, bid, n, gates)
  return { jid = jid, lock = lock, unique_ms = unique_ms, bid = bid, n = n, gates = gates }
end

-- The ties of a job that is known by its bytes only; nil if it has none. Nearly all are told by one look; what is so
-- long that nobody could have run it is not read.
local function ties_of(payload)
  if #payload > 16777216 or not string.find(payload, '"flow":{', 1, true) then
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
  if n < 0 or n > 9007199254740992 or n ~= math.floor(n) then
    bid = ""
  end
  if lock == "" and bid == "" and #gates == 0 then
    return nil
  end
  -- Strangers may ask for more than the server takes, which is an error where it comes after a write.
  local unique_s = math.max(0, math.min(tonumber(flow.unique_for) or 0, 10000000000))
  local ties = ties_new(ties_text(job.jid), lock, unique_s * 1000, bid, n, gates)
  ties.queue = ties_text(job.queue)
  return ties
end

-- The ties of some payloads, in their order, where nil is false; and the refusal if settling those is forbidden.
local function ties_of_all(root, payloads)
  local all, has_some = {}, false
  for i, payload in ipairs(payloads) do
    all[i] = ties_of(payload) or false
    has_some = has_some or all[i]
  end
  return all, has_some and ties_forbidden(root) or nil
end

-- The beginning of the keys beside the queue of a job that lies in a set.
local function ties_slot(root, ties)
  return string.sub(root, 1, -1 - string.len("mainspring:")) .. "{queue:" .. ties.queue .. "}:"
end

local function ties_now_ms()
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Settle what hangs on a job. What: ok, failed (it will be retried), dead, dropped, or later; the time, in
-- unix milliseconds, says when it goes on, if it does. Where many are settled in one call, what waits by their gates is
-- let in at its end: the gates are noted, for gates_reopen.
local function let_go(slot, root, ties, what, until_ms, now_ms, freed)
  if ties.lock ~= "" then
    lock_settle(root, ties.lock, ties.jid, what, until_ms, ties.unique_ms, now_ms)
  end
  if #ties.gates > 0 then
    gates_leave(slot, root, ties.gates, ties.jid, freed)
  end
  if ties.bid ~= "" then
    batch_step(root, ties.bid, ties.n, ties.jid, what)
  end
end

-- Settle what hangs on a job that people take from one set to another, or to a queue: what was dead takes its lock again.
local function ties_moved(root, ties, what, until_ms, now_ms)
  if what ~= "again" then
    let_go(ties_slot(root, ties), root, ties, what, until_ms, now_ms)
  elseif ties.lock ~= "" then
    lock_again(root, ties.lock, ties.jid, math.max(until_ms - now_ms, 0) + ties.unique_ms)
  end
end
