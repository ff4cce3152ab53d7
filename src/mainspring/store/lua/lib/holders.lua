-- holders: look after those who hold a gate that stays full: strangers may have removed their jobs.
-- include: lib/gates.lua

-- The ids of the jobs of a queue that are in it, among the two thousand that run next, or in flight; and whether it is
-- longer. Read once a call: more would hold up everybody.
local function holders_alive(view, queue)
  view.alive = view.alive or {}
  if view.alive[queue] then
    return view.alive[queue], view.alive[queue][""]
  end
  local slot, key, found = gates_slot(view, queue), view.prefix .. "queue:" .. queue, {}
  local owners = slot .. "owners"
  local lists = { redis.call("LRANGE", key, -2000, -1) }
  for _, id in ipairs(redis.call("SMEMBERS", owners)) do
    local inflight = slot .. "p:" .. id
    lists[#lists + 1] = redis.call("HVALS", inflight)
  end
  for _, payloads in ipairs(lists) do
    for _, payload in ipairs(payloads) do
      for jid in string.gmatch(payload, '"jid"%s*:%s*"([^"]*)"') do
        found[jid] = true
      end
    end
  end
  found[""] = #lists[1] == 2000
  view.alive[queue] = found
  return found, found[""]
end

-- Look after those holders of a full gate that were noted more than a minute ago, the oldest hundred. Forget those
-- whose jobs are nowhere: a stranger has removed them. Of a limit forget all: they were promised something, and have not
-- started; when they do, they pass anew.
local function holders_verify(view, gate)
  local now_ms = math.floor(view.now_us / 1000)
  local members = redis.call("ZRANGEBYSCORE", gate.holders, "-inf", now_ms - 60000, "LIMIT", 0, 100)
  for _, member in ipairs(members) do
    local queue, jid = string.match(member, "^([^\n]*)\n(.*)$")
    local alive, is_long = {}, false
    if not gate.limit then
      alive, is_long = holders_alive(view, queue or "")
    end
    if alive[jid] or is_long then
      redis.call("ZADD", gate.holders, now_ms, member)
    else
      redis.call("ZREM", gate.holders, member)
      gate.room = gate.room + 1
    end
  end
end
