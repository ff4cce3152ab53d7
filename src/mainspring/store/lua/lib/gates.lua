-- gates: limits that a job passes before it runs; where one is closed, the job waits in its lane.
--
-- A gate's name is kind, colon, base, and perhaps a colon and a key: "q:reports", "c:shop.sync:acme", "t:default:acme",
-- "window:partner". What it allows stands in the hash "gates", under its name or, for all keys of a base, the base's:
-- q and c: how many jobs may be held at once; t: how many slots serve the queue; any other: n:us, a limit of
-- lib/limit.lua. A gate that is not defined is open. A holder is "queue LF jid", since when: of q, c, t and concurrent
-- until the job is settled, of other limits until it starts, and then it takes of the limit. The element of a lane is
-- "queue LF jid LF gates LF payload", newest at the head. Each gate by which somebody waits is in the set "gates:due".
-- include: lib/ring.lua
-- include: lib/limit.lua

-- The refusal if this user's ACL forbids what gates write; to be asked before the first write.
local function gates_forbidden(root)
  return forbidden(
    "ZADD", root, "ZREM", root, "ZREMRANGEBYSCORE", root, "HINCRBY", root, "HDEL", root, "LPUSH", root, "RPUSH", root,
    "RPOP", root, "LTRIM", root, "EXPIRE", root, "PEXPIRE", root, "SADD", root, "SREM", root, "SET", root, "DEL", root,
    "ZREMRANGEBYRANK", root
  ) or limit_count_forbidden(root)
end

-- What one call knows of gates: what it has read of each holds true to its end.
local function gates_view(root)
  local time = redis.call("TIME")
  local prefix = string.sub(root, 1, -1 - string.len("mainspring:"))
  return { root = root, prefix = prefix, now_us = time[1] * 1000000 + time[2], gates = {} }
end

local function gates_queue(slot)
  return string.match(slot, "{queue:(.*)}:$")
end

local function gates_slot(view, queue)
  return view.prefix .. "{queue:" .. queue .. "}:"
end

-- All but the last part of a name: what gates that differ only in their key have in common.
local function gates_base(name)
  return string.match(name, "^(.+):[^:]*$") or name
end

local function gates_names(column)
  local names = {}
  for name in string.gmatch(column, "[^,]+") do
    names[#names + 1] = name
  end
  return names
end

-- The keys that have jobs waiting for their turn in a queue.
local function gates_turns(view, gate)
  return view.root .. "turns:" .. string.sub(gates_base(gate.name), 3)
end

-- The name under which a job has a slot of a concurrent limit, for code to see; it has it for a day at most.
local function gates_slot_of(jid)
  return "job " .. jid
end

-- How many slots of a concurrent limit are held by code, and not by jobs as a whole.
local function gates_by_code(view, gate)
  local n, now_us = 0, limit_text(view.now_us)
  for _, member in ipairs(redis.call("ZRANGEBYSCORE", gate.shared.key, "(" .. now_us, "+inf")) do
    if string.sub(member, 1, 4) ~= "job " then
      n = n + 1
    end
  end
  return n
end

-- How many more may pass a gate now.
local function gates_room(view, gate)
  local held = redis.call("ZCARD", gate.holders)
  gate.held = held
  if gate.limit then
    return math.floor(gate.limit.n - limit_used(gate.limit, view.now_us) / 1000000) - held
  elseif gate.kind == "t" then
    -- All keys together may have as many jobs under way as there are slots; one at least each.
    local keys = math.max(1, redis.call("SCARD", gates_turns(view, gate)))
    return math.max(1, math.ceil(gate.n / keys)) - held
  elseif gate.shared then
    gate.by_code = gates_by_code(view, gate)
    return gate.n - held - gate.by_code
  end
  return gate.n - held
end

local function gates_find(view, name)
  local gate = view.gates[name]
  if gate then
    return gate
  end
  local root, definitions = view.root, view.root .. "gates"
  gate = { name = name, kind = string.match(name, "^(%l+):") or "", room = math.huge, held = 0, started = 0, taken = 0, refused = 0 }
  gate.passed, gate.joined, gate.parted = {}, {}, {}
  gate.holders, gate.lane = root .. "gate:" .. name, root .. "lane:" .. name
  gate.waiting = redis.call("LLEN", gate.lane)
  local found = redis.call("HGET", definitions, name) or redis.call("HGET", definitions, gates_base(name)) or ""
  gate.n = tonumber(found)
  if not gate.n then
    local spec = gate.kind .. ":" .. found .. ":" .. string.sub(name, string.len(gate.kind) + 2)
    gate.limit = limit_read(root .. "limit:" .. name, spec)
  end
  if gate.kind == "concurrent" and gate.limit then
    gate.n, gate.shared, gate.limit = gate.limit.n, gate.limit, nil
  end
  gate.is_defined = (gate.n or gate.limit) and true
  if gate.is_defined then
    gate.room = gates_room(view, gate)
  end
  view.gates[name] = gate
  return gate
end

-- In how many microseconds a limit should be looked at again: when it gives as many as it does in half a second, so
-- that a brisk one is not opened for each job.
local function gates_wait_us(view, gate)
  local limit, held = gate.limit, redis.call("ZCARD", gate.holders)
  local free = limit.n - held
  if free < 1 then
    -- All it gives is promised. Whoever starts will say when there is more.
    return 60000000
  end
  local brisk = math.min(math.ceil(limit.n * 500000 / limit.us), math.ceil(limit.n / 2))
  return limit_check(limit, view.now_us, held + math.max(1, math.min(brisk, free, gate.waiting)), "")
end

-- Let a forwarder look at a gate by which somebody waits: when it may open, and after a minute in any case.
local function gates_schedule(view, gate, is_now)
  local due, wait_us = view.root .. "gates:due", 60000000
  if is_now then
    wait_us = 0
  elseif gate.limit then
    wait_us = math.min(wait_us, gates_wait_us(view, gate))
  elseif gate.shared and gate.by_code > 0 then
    -- Code that gives a slot back knows of no gate.
    wait_us = 1000000
  end
  local at = string.format("%.3f", (view.now_us + wait_us) / 1000000 + 0.0005)
  if wait_us < 1000000 then
    ring(due, view.root .. "bell", at)
  end
  redis.call("ZADD", due, at, gate.name)
end

-- Note that a job holds a gate; gates_noted writes it down, for many in one call.
local function gates_hold(gate, member)
  if gate.is_defined then
    gate.joined[#gate.joined + 1] = member
    gate.room, gate.held = gate.room - 1, gate.held + 1
  end
end

-- Write down who holds gates now, and who does no longer; and, of limits, how many have started and were refused.
local function gates_noted(view)
  for _, gate in pairs(view.gates) do
    local pairs_of = {}
    for i, member in ipairs(gate.joined) do
      pairs_of[2 * i - 1], pairs_of[2 * i] = math.floor(view.now_us / 1000), member
    end
    if #gate.joined > 0 then
      redis.call("ZADD", gate.holders, unpack(pairs_of))
    end
    if #gate.parted > 0 then
      redis.call("ZREM", gate.holders, unpack(gate.parted))
    end
    gate.joined, gate.parted = {}, {}
    local limit = gate.limit or gate.shared
    if limit and gate.taken + gate.refused > 0 then
      limit_count(view.root, limit, view.now_us, gate.taken, gate.refused)
      gate.taken, gate.refused = 0, 0
    end
  end
end

-- Put a job into a gate's lane: behind all others, or before them if it had waited elsewhere.
local function gates_put(view, gate, queue, entry, is_first)
  if is_first then
    redis.call("RPUSH", gate.lane, entry)
  else
    redis.call("LPUSH", gate.lane, entry)
  end
  redis.call("HINCRBY", gates_slot(view, queue) .. "lanes", gate.name, 1)
  gate.waiting = gate.waiting + 1
  if gate.waiting == 1 then
    for _, member in ipairs(gate.passed) do
      gate.joined[#gate.joined + 1] = member
    end
    gates_noted(view)
    if gate.kind == "t" then
      redis.call("SADD", gates_turns(view, gate), gate.name)
    end
    gates_schedule(view, gate)
  end
  gate.refused = gate.refused + 1
end

-- Note that elements of a queue's jobs have left a gate's lane.
local function gates_left(view, gate, queue, n)
  local lanes = gates_slot(view, queue) .. "lanes"
  if redis.call("HINCRBY", lanes, gate.name, -n) <= 0 then
    redis.call("HDEL", lanes, gate.name)
  end
end

-- Note that nobody waits by a gate any more.
local function gates_empty(view, gate)
  redis.call("ZREM", view.root .. "gates:due", gate.name)
  if gate.kind == "t" then
    redis.call("SREM", gates_turns(view, gate), gate.name)
  end
end

local function gates_read(entry)
  local queue, jid, column, payload = string.match(entry, "^([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$")
  return queue and { queue = queue, member = queue .. "\n" .. jid, jid = jid, names = gates_names(column), payload = payload, entry = entry }
end

-- Take the oldest n of a lane.
local function gates_take(view, gate, n)
  -- Frees memory, so a full server lets the rest of the script run.
  local entries, jobs, counts = redis.call("RPOP", gate.lane, n) or {}, {}, {}
  for _, entry in ipairs(entries) do
    local job = gates_read(entry)
    if job then
      jobs[#jobs + 1] = job
      counts[job.queue] = (counts[job.queue] or 0) + 1
    end
  end
  for queue, count in pairs(counts) do
    gates_left(view, gate, queue, count)
  end
  gate.waiting = #entries == 0 and 0 or gate.waiting - #entries
  return jobs
end

-- The first of some gates that has no room; of one that comes anew, the first that has others waiting as well.
local function gates_closed(view, names, is_new)
  for _, name in ipairs(names) do
    local gate = gates_find(view, name)
    if gate.is_defined and (gate.room < 1 or is_new and gate.waiting > 0) then
      return gate
    end
  end
end

-- Put jobs into their queues, the oldest first: where they run next, or at the back.
local function gates_push(view, jobs, is_back)
  local payloads = {}
  for i = 1, #jobs do
    local job = jobs[is_back and i or #jobs - i + 1]
    payloads[job.queue] = payloads[job.queue] or {}
    table.insert(payloads[job.queue], job.payload)
  end
  for queue, those in pairs(payloads) do
    local key, queues = view.prefix .. "queue:" .. queue, view.prefix .. "queues"
    if is_back then
      redis.call("LPUSH", key, unpack(those))
    else
      redis.call("RPUSH", key, unpack(those))
    end
    -- The queue may have been cleared meanwhile, and its name with it.
    redis.call("SADD", queues, queue)
  end
end

-- Let in what waits by a gate, as many as have room and a hundred at most; how many those were.
local function gates_open(view, gate)
  local budget, open, moved = 100, {}, {}
  while gate.waiting > 0 and gate.room >= 1 and budget > 0 do
    local jobs = gates_take(view, gate, math.min(gate.room, budget))
    budget = budget - math.max(1, #jobs)
    for _, job in ipairs(jobs) do
      local closed = gates_closed(view, job.names)
      if closed then
        moved[#moved + 1] = { closed, job }
      else
        for _, name in ipairs(job.names) do
          gates_hold(gates_find(view, name), job.member)
        end
        open[#open + 1] = job
      end
    end
  end
  for i = #moved, 1, -1 do
    gates_put(view, moved[i][1], moved[i][2].queue, moved[i][2].entry, true)
  end
  gates_noted(view)
  gates_push(view, open, gate.kind == "t")
  if gate.waiting == 0 then
    gates_empty(view, gate)
  elseif gate.limit or gate.room >= 1 then
    gates_schedule(view, gate, gate.room >= 1)
  end
  return #open
end

-- True if a job whose bytes a stranger may have written has gates, and can be told from the rest of a lane's element.
local function gates_fit(names, jid)
  return #names > 0 and #names <= 16 and not string.find(jid .. table.concat(names), "[\n,]")
end

-- Pass all gates or none: true if the job may go to its queue, false if it was put into a lane. A limit promises nothing
-- as long as nobody waits by it: who starts first, takes. Once the jobs of one call are too many for it, the first of
-- them have its promise, and the others wait. Who lets in many has one view for all, and calls gates_noted at the end.
local function gates_enter(slot, root, names, jid, payload, shared)
  local view, queue = shared or gates_view(root), gates_queue(slot)
  local member, closed = queue .. "\n" .. jid, gates_closed(view, names, true)
  if closed then
    gates_put(view, closed, queue, member .. "\n" .. table.concat(names, ",") .. "\n" .. payload)
    if not shared then
      gates_noted(view)
    end
    return false
  end
  for _, name in ipairs(names) do
    local gate = gates_find(view, name)
    if gate.limit then
      gate.room = gate.room - 1
      gate.passed[#gate.passed + 1] = member
    else
      gates_hold(gate, member)
    end
  end
  if not shared then
    gates_noted(view)
  end
  return true
end

-- Let in what waits by gates that jobs have left, the names of which were noted.
local function gates_reopen(root, freed)
  local view
  for _, name in ipairs(freed) do
    local lane = root .. "lane:" .. name
    if redis.call("LLEN", lane) > 0 then
      view = view or gates_view(root)
      gates_open(view, gates_find(view, name))
    end
  end
end

-- Give back what a job holds of its gates, and let in what waits there; or, where many leave in one call, note the gates,
-- each once, for gates_reopen.
local function gates_leave(slot, root, names, jid, freed)
  local member, own = gates_queue(slot) .. "\n" .. jid, freed or {}
  for _, name in ipairs(names) do
    local holders, limit = root .. "gate:" .. name, root .. "limit:" .. name
    redis.call("ZREM", holders, member)
    if string.sub(name, 1, 11) == "concurrent:" then
      redis.call("ZREM", limit, gates_slot_of(jid))
    end
    if not own[name] then
      own[name], own[#own + 1] = true, name
    end
  end
  if not freed then
    gates_reopen(root, own)
  end
end

-- Give back what a job holds that is put aside, and let in what waits there.
local function gates_release(view, names, member)
  local freed = {}
  for _, name in ipairs(names) do
    local gate = gates_find(view, name)
    if redis.call("ZREM", gate.holders, member) == 1 then
      gate.room = gate.room + 1
      freed[#freed + 1] = gate
    end
  end
  for _, gate in ipairs(freed) do
    if gate.waiting > 0 then
      gates_open(view, gate)
    end
  end
end

-- True if a job holds a gate. Where few do, all of them are read at once.
local function gates_is_held(gate, member)
  if gate.held == 0 then
    return false
  elseif gate.held > 100 then
    return redis.call("ZSCORE", gate.holders, member)
  end
  if not gate.members then
    gate.members = {}
    for _, each in ipairs(redis.call("ZRANGE", gate.holders, 0, -1)) do
      gate.members[each] = true
    end
  end
  return gate.members[member]
end

-- Which of its gates a fetched job holds; the first, if any, that is closed to it; and whether it would hold one anew.
local function gates_held(view, names, member)
  local held, is_new = {}, false
  for _, name in ipairs(names) do
    local gate = gates_find(view, name)
    held[name] = gates_is_held(gate, member)
    if gate.is_defined and not held[name] then
      is_new = is_new or not gate.limit
      if gate.room < 1 or gate.waiting > 0 then
        return held, gate, is_new
      end
    end
  end
  return held, nil, is_new
end

-- Let code see that a job has a slot of a concurrent limit.
local function gates_show(view, gate, jid)
  local key, day_ms = gate.shared.key, 86400000
  redis.call("ZADD", key, limit_text(view.now_us + day_ms * 1000), gates_slot_of(jid))
  redis.call("PEXPIRE", key, math.max(redis.call("PTTL", key), day_ms))
end

-- Let a job start that passes all its gates: from here on it takes of its limits.
local function gates_start(view, names, held, member, jid)
  for _, name in ipairs(names) do
    local gate = gates_find(view, name)
    gate.taken = gate.taken + 1
    if gate.limit then
      if held[name] then
        gate.parted[#gate.parted + 1] = member
      else
        gate.room = gate.room - 1
      end
      gate.started = gate.started + 1
    elseif not held[name] then
      gates_hold(gate, member)
    end
    if gate.shared then
      gates_show(view, gate, jid)
    end
  end
end

-- Take of limits for all that have started in this call, and let those be looked at by which others wait.
local function gates_commit(view)
  gates_noted(view)
  for _, gate in pairs(view.gates) do
    if gate.started > 0 then
      limit_commit(gate.limit, view.now_us, gate.started)
      if gate.waiting > 0 then
        gates_schedule(view, gate)
      end
    end
  end
end
